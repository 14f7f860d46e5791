#include "deployer/swarm/swarm_trouble.h"

#include "deployer/swarm/swarm_service.h"

static bool is(const char *s, const char *want)
{
	return strcmp(s, want) == 0;
}

static const char *text(const struct json *swarm, const char *key)
{
	const char *s = json_str(json_get(swarm, key));

	return s != NULL ? s : "";
}

/* As a manager that has no leader, or none at all, says it. */
static bool is_the_swarms(const struct err *err)
{
	return err->code == 503 ||
		strstr(err->text, "does not have a leader") != NULL;
}

enum swarm_trouble swarm_trouble_judge(const struct json *info,
	const struct err *err, char *why, size_t n)
{
	const struct json *swarm = json_get(info, "Swarm");
	const char *state = text(swarm, "LocalNodeState");
	const char *error = text(swarm, "Error");

	if (is(state, "") || is(state, "inactive")) {
		snprintf(why, n, "is in no Swarm");
		return SWARM_NO_SWARM;
	}
	if (is(state, "locked")) {
		snprintf(why, n, "has locked its Swarm's keys: `docker swarm "
			"unlock` there");
		return SWARM_NOT_NOW;
	}
	if (*error != '\0') {
		snprintf(why, n, "has trouble with its Swarm: %.250s", error);
		return SWARM_NOT_NOW;
	}
	/* One that begins to be a manager is none yet: it says so itself. */
	if (is(state, "active") && strstr(err->text, "Worker nodes") != NULL) {
		snprintf(why, n, "is a worker of its Swarm");
		return SWARM_WORKER;
	}
	if (!is(state, "active") || is_the_swarms(err)) {
		snprintf(why, n, "has trouble with its Swarm: %.250s",
			err->text);
		return SWARM_NOT_NOW;
	}
	return SWARM_NO_TROUBLE;
}

enum swarm_trouble swarm_trouble_find(struct docker_api *api,
	const struct err *err, char *why, size_t n)
{
	enum swarm_trouble trouble = SWARM_NO_TROUBLE;
	struct json *info = NULL;

	*why = '\0';
	if (err->code < 500 || swarm_service_is_conflict(err))
		return SWARM_NO_TROUBLE;
	if (docker_api_call(api, "GET", "/info", NULL, &info, NULL) == 0)
		trouble = swarm_trouble_judge(info, err, why, n);
	json_free(info);
	return trouble;
}
