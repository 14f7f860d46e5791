#include "deployer/driver.h"

#include <stdarg.h>

#include "proto/base/metrics.h"

const char *const driver_status_words[] = {
	[DRIVER_DEPLOYED] = "deployed",
	[DRIVER_UNCHANGED] = "unchanged",
	[DRIVER_ROLLED_BACK] = "rolled_back",
	[DRIVER_FAILED] = "failed",
	[DRIVER_REFUSED] = "refused",
	[DRIVER_WAITING] = "waiting",
	[DRIVER_LATER] = "waiting",
	[DRIVER_STALE] = "stale",
	[DRIVER_CANCELLED] = "cancelled",
};

void driver_result_set(struct driver_result *res, enum driver_status status,
	const char *fmt, ...)
{
	va_list ap;

	res->status = status;
	res->cls = status == DRIVER_FAILED ? ERR_FAIL : ERR_NONE;
	va_start(ap, fmt);
	/* A reason past its room is cut, never refused. */
	if (vsnprintf(res->reason, sizeof(res->reason), fmt, ap) < 0)
		res->reason[0] = '\0';
	va_end(ap);
}

void driver_result_err(struct driver_result *res, enum driver_status status,
	const struct err *err)
{
	driver_result_set(res, status, "%s", err->text);
	if (status == DRIVER_FAILED && err->cls == ERR_RETRY)
		res->cls = ERR_RETRY;
}

void driver_phase(struct driver_run *run, const char *name, int64_t ms)
{
	struct driver_phases *p = &run->phases;
	size_t i = 0;

	while (i < p->n && strcmp(p->v[i].name, name) != 0)
		i++;
	if (i == DRIVER_PHASES_MAX)
		BUG("more than %d phases: %s", DRIVER_PHASES_MAX, name);
	if (i == p->n)
		p->v[p->n++].name = name;
	p->v[i].ms += ms;
	metric_time(METRIC_PHASE, name, ms * 1000);
}

bool driver_cancelled(const struct driver_run *run)
{
	return atomic_load(run->cancel);
}
