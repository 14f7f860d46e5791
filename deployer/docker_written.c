#include "deployer/docker_written.h"

#include "deployer/docker_swap.h"
#include "proto/base/str.h"

#define FOLDER "/run/secrets/"
#define ADDED 1

bool docker_written_is_possible(const struct json *container)
{
	return json_get(json_path(container, "Config.Labels"),
		       "com.docker.compose.project") != NULL;
}

/* The place of a mount is an empty file of the container's own, too. */
static bool is_mounted(const struct json *container, const char *path)
{
	const struct json *m = json_first(json_get(container, "Mounts"));

	for (; m; m = json_next(m)) {
		struct str at = str_from(json_str(json_get(m, "Destination")));
		struct str p = str_from(path);

		if (at.n > 0 && str_starts(p, at) &&
			(p.n == at.n || p.p[at.n] == '/'))
			return true;
	}
	return false;
}

int docker_written_check(const struct json *container,
	const struct json *changes, struct err *err)
{
	const struct json *c = json_first(changes);

	for (; c; c = json_next(c)) {
		const char *path = json_str(json_get(c, "Path"));

		if (path == NULL || json_i64(json_get(c, "Kind"), 0) != ADDED ||
			!str_starts(str_from(path), STR(FOLDER)) ||
			is_mounted(container, path))
			continue;
		return err_fail(err, "%s of container %s is a secret that "
			"Compose wrote into it, which a successor would be "
			"without; set `compose_files: true`, so that Compose "
			"replaces the container, and push again", path,
			docker_swap_name(container));
	}
	return 0;
}
