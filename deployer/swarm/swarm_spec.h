/*
 * A Swarm service's Spec: may it be updated, does the pushed image belong into
 * it, and the Spec with that image. It is sent back as it was read, with
 * nothing changed but what is said here. Pure.
 */
#ifndef DEPLOYER_SWARM_SPEC_H
#define DEPLOYER_SWARM_SPEC_H

#include "proto/base/strbuf.h"
#include "proto/data/conf.h"
#include "proto/data/json.h"

/* Its image as the Spec has it, "" when it has none; borrowed. */
const char *swarm_spec_image(const struct json *spec);
/* Is that image the one of this digest ("sha256:...")? */
bool swarm_spec_has(const struct json *spec, const char *digest);
/* "repository:tag" of it into *reference, and its digest, "" when none, into
 * *digest. */
void swarm_spec_split(const struct json *spec, struct strbuf *reference,
	struct strbuf *digest);

/* 0, or -1 with a sentence that says why it is left alone: no containers, a
 * job, the label pullwire.enable=false. */
int swarm_spec_judge(const struct json *spec, struct err *err);
/* As docker_fit_check(); reference is repository:tag that was pushed. */
int swarm_spec_fit(const struct conf_trigger *trigger, const char *reference,
	const struct json *spec, struct err *err);

/*
 * The Spec with that image, pinned: reference@digest. The label by which
 * `docker stack deploy` knows its image follows when the reference changes.
 * mark: its ForceUpdate (swarm_mark.h). The caller frees it.
 */
struct json *swarm_spec_next(const struct json *spec, const char *reference,
	const char *digest, int64_t mark);

#endif
