#include "deployer/docker/docker_denied.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void docker_denied_say(
	const struct stat *st, unsigned user, char *out, size_t n)
{
	unsigned group = st != NULL ? (unsigned)st->st_gid : 0;

	if (st == NULL)
		snprintf(out, n, "permission denied: user %u may not enter a "
			"folder above the socket", user);
	else if ((st->st_mode & S_IWGRP) == 0)
		snprintf(out, n, "permission denied: user %u is not the owner "
			"of the socket, and its mode lets its group not write; "
			"chmod g+rw it, for group %u", user, group);
	else
		snprintf(out, n, "permission denied: user %u is not in group "
			"%u, which the socket belongs to; with Compose write "
			"DOCKER_GID=%u into .env and run `docker compose up "
			"-d`, without add the user to that group and start "
			"the deployer anew", user, group, group);
}

bool docker_denied(const char *path, char *out, size_t n)
{
	struct stat st;
	bool seen;

	if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) == 0 ||
		errno != EACCES)
		return false;
	seen = stat(path, &st) == 0;
	docker_denied_say(seen ? &st : NULL, (unsigned)geteuid(), out, n);
	return true;
}
