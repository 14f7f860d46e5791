#include "deployer/docker/docker_version.h"

#include "deployer/docker/docker_spec.h"
#include "proto/base/log.h"

/* "1.41" to 41; 0 when it is none. */
static int minor_of(const char *version)
{
	struct str s = str_from(version);
	int64_t minor;

	if (!str_starts(s, STR("1.")) ||
		str_to_i64(str_cut(s, 2, s.n), &minor) != 0 || minor < 0 ||
		minor > 999)
		return 0;
	return (int)minor;
}

int docker_version_choose(const struct json *answer, const char *endpoint,
	struct err *err)
{
	int server = minor_of(json_str(json_get(answer, "ApiVersion")));
	int least = minor_of(json_str(json_get(answer, "MinAPIVersion")));
	int wanted = minor_of(getenv("DOCKER_API_VERSION"));
	int v = server < DOCKER_API_CAP ? server : DOCKER_API_CAP;

	if (wanted != 0 && wanted < v)
		v = wanted;
	if (least > v) {
		log_limited(LOG_WARN, endpoint,
			"engine %s takes API 1.%d and newer, Pullwire knows "
			"1.%d: using 1.%d",
			endpoint, least, v, least);
		v = least;
	}
	if (v < DOCKER_API_FLOOR)
		return err_fail(err,
			"the engine at %s speaks API 1.%d; 1.%d (Docker 20.10) "
			"or newer is needed",
			endpoint, v, DOCKER_API_FLOOR);
	return v;
}
