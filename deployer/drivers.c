#include "deployer/driver.h"

/* Every kind of engine there is. */
static const struct driver *const drivers[] = {
	&docker_driver,
	NULL,
};

const struct driver *driver_for(const struct conf_engine *engine)
{
	for (const struct driver *const *d = drivers; *d; d++)
		if ((*d)->serves(engine))
			return *d;
	return NULL;
}
