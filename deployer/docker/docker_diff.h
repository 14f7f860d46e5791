/*
 * What the successor is created from, beside what its predecessor is: line by
 * line, for people. Pure. Values of environment variables are not shown.
 */
#ifndef DEPLOYER_DOCKER_DIFF_H
#define DEPLOYER_DOCKER_DIFF_H

#include "proto/base/strbuf.h"
#include "proto/data/json.h"

/*
 * old: the inspected container; body: of the create call; image: the inspected
 * new image, which fills in what the body leaves out, or NULL. Each line begins
 * with "  - " (gone, or without an image not sent), "  + " (added) or "  ~ "
 * (changed). Our own labels and a host name that the engine made are left out.
 * Nothing where nothing differs.
 */
void docker_diff_lines(const struct json *old, const struct json *body,
	const struct json *image, struct strbuf *out);

#endif
