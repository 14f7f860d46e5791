#include "deployer/docker/docker_claims.h"

#include <errno.h>

#include "deployer/docker/docker_self.h"
#include "proto/base/mem.h"

int docker_claims_take(struct docker_claims *c, struct str name,
	struct err *err)
{
	char *copy = xmemdup0(name.p, name.n);

	for (size_t i = 0; i < c->names.n; i++)
		if (strcmp(c->names.v[i], copy) == 0) {
			free(copy);
			return 0;
		}
	if (docker_self_claim(c->endpoint, copy)) {
		VEC_PUSH(&c->names, copy);
		return 0;
	}
	err_set(err, ERR_RETRY, EBUSY,
		"container %s is just being replaced for another trigger", copy);
	free(copy);
	return -1;
}

void docker_claims_release(struct docker_claims *c)
{
	for (size_t i = 0; i < c->names.n; i++) {
		docker_self_release(c->endpoint, c->names.v[i]);
		free(c->names.v[i]);
	}
	VEC_RELEASE(&c->names);
}
