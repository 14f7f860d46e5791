/*
 * A unix socket of an engine that may not be used: by whom it may, and what to
 * do about it.
 */
#ifndef DEPLOYER_DOCKER_DENIED_H
#define DEPLOYER_DOCKER_DENIED_H

#include <sys/stat.h>

#include "proto/base/base.h"

/* True, and a sentence in out: this process may not connect to the socket at
 * that path. */
bool docker_denied(const char *path, char *out, size_t n);
/* Pure: that sentence for the user of this number. st: of the socket; NULL: it
 * cannot even be looked at. */
void docker_denied_say(
	const struct stat *st, unsigned user, char *out, size_t n);

#endif
