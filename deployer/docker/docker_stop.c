#include "deployer/docker/docker_stop.h"

#include "proto/base/clock.h"

#define TIMEOUT_S 10 /* of a container that says none */
#define POLL_MS 100

static bool is_gone(const struct err *err)
{
	return err->code == 404;
}

static int passed_on(const struct err *e, struct err *err)
{
	if (err != NULL)
		*err = *e;
	return -1;
}

/* *running false is gone, too. *out, the container or NULL, is the caller's. */
static int look(struct docker_api *api, const char *id, bool *running,
	struct json **out, struct err *err)
{
	struct err e = {0};

	*out = docker_container_inspect(api, id, &e);
	*running = json_bool(json_path(*out, "State.Running"));
	return *out != NULL || is_gone(&e) ? 0 : passed_on(&e, err);
}

/* *running: it has not ended in that time. */
static int wait_for_end(struct docker_api *api, const char *id,
	int64_t timeout_s, bool *running, struct err *err)
{
	int64_t end = clock_mono() + timeout_s * 1000;
	struct json *c;

	/* Less than none is no limit. */
	do {
		if (look(api, id, running, &c, err) != 0)
			return -1;
		json_free(c);
		if (!*running)
			return 0;
		clock_sleep(POLL_MS);
	} while (timeout_s < 0 || clock_mono() < end);
	return 0;
}

/* To one that has ended by itself meanwhile, or is gone, it is no error. */
static int send(struct docker_api *api, const char *id, const char *signal,
	struct err *err)
{
	struct err e = {0};

	if (docker_container_kill(api, id, signal, &e) == 0 || is_gone(&e) ||
		e.code == 409)
		return 0;
	return passed_on(&e, err);
}

/* The signal, its time to work, and no other one's after it. */
static int tell(struct docker_api *api, const struct json *c, const char *id,
	const char *signal, struct err *err)
{
	bool running;

	/* The engine knows no policy beside --rm. */
	if (!json_bool(json_path(c, "HostConfig.AutoRemove")) &&
		docker_stop_retire(api, id, err) != 0)
		return -1;
	if (send(api, id, signal, err) != 0)
		return -1;
	/* Else the signal waits; the engine may have done it already. */
	if (json_bool(json_path(c, "State.Paused")))
		(void)docker_container_unpause(api, id, NULL);
	if (wait_for_end(api, id,
		    json_i64(json_path(c, "Config.StopTimeout"), TIMEOUT_S),
		    &running, err) != 0)
		return -1;
	return running ? send(api, id, "KILL", err) : 0;
}

static int tell_first(struct docker_api *api, const char *id,
	const char *signal, struct err *err)
{
	struct json *c;
	bool running;
	int rc = look(api, id, &running, &c, err);

	/* One between two starts has nobody to tell. */
	if (rc == 0 && running && !json_bool(json_path(c, "State.Restarting")))
		rc = tell(api, c, id, signal, err);
	json_free(c);
	return rc;
}

int docker_stop(struct docker_api *api, const char *id, const char *signal,
	struct err *err)
{
	struct err e = {0};
	struct json *c;
	bool running;

	if (signal != NULL && tell_first(api, id, signal, err) != 0)
		return -1;
	/* A container that is gone, or stopped already (304), is all right. */
	if (docker_container_stop(api, id, &e) != 0 && !is_gone(&e))
		return passed_on(&e, err);
	if (look(api, id, &running, &c, err) != 0)
		return -1;
	json_free(c);
	if (running)
		return err_retry(err, "the container still runs after a stop");
	return 0;
}

int docker_stop_retire(struct docker_api *api, const char *id, struct err *err)
{
	struct json *policy = json_new_object();
	struct err e = {0};
	int rc;

	json_set_str(policy, "Name", "no");
	rc = docker_container_set_policy(api, id, policy, &e);
	json_free(policy);
	return rc == 0 || is_gone(&e) ? 0 : passed_on(&e, err);
}
