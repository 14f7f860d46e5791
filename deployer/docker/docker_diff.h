/*
 * What the successor is created from, beside what its predecessor is: line by
 * line, for people. Pure. Values of environment variables are not shown.
 */
#ifndef DEPLOYER_DOCKER_DIFF_H
#define DEPLOYER_DOCKER_DIFF_H

#include "proto/base/strbuf.h"
#include "proto/data/json.h"

/*
 * old: the inspected container; body: of the create call. Each line begins
 * with "  - " (not sent: the new image's counts), "  + " (added) or "  ~ "
 * (changed). Our own labels are left out. Nothing where nothing differs.
 */
void docker_diff_lines(const struct json *old, const struct json *body,
	struct strbuf *out);

#endif
