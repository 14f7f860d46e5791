#include "deployer/docker/docker_rollback.h"

#include <inttypes.h>

#include "deployer/docker/docker_kept.h"
#include "deployer/docker/docker_stop.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define FIRST_WAIT_MS 1000
#define LAST_WAIT_MS 60000
#define ABSENT_MS 20000 /* an engine that restarts */
/* A container that cannot run ends in its first moments. */
#define SETTLE_MS 400

static bool was(const struct docker_swap *s, const char *state)
{
	return strcmp(s->was, state) == 0;
}

/* An earlier try at the same job may have left one of that name, kept. */
static int free_name(struct docker_api *api, const struct docker_swap *s,
	const struct docker_note *note, struct err *err)
{
	char *failed = docker_swap_alias(s, "failed");
	char *new = docker_swap_alias(s, "new");
	int rc = docker_container_rename(api, s->new_id, failed, err);

	if (rc != 0 && err->code == 409 && note != NULL) {
		docker_kept_make_room(api, note, s->name, s->new_id);
		rc = docker_container_rename(api, s->new_id, failed, err);
	}
	/* A person's by now: this one is not kept, then. */
	if (rc != 0 && err->code == 409)
		rc = docker_container_rename(api, s->new_id, new, err);
	free(failed);
	free(new);
	return rc;
}

/* Stops the new one and frees the name. Gone already is all right. */
static int put_aside(struct docker_api *api, const struct docker_swap *s,
	const struct docker_note *note, struct err *err)
{
	struct err e = {0};
	struct json *c;
	int rc = 0;

	if (s->new_id == NULL)
		return 0;
	c = docker_container_inspect(api, s->new_id, &e);
	if (c == NULL && e.code != 404) {
		*err = e;
		return -1;
	}
	if (c == NULL)
		return 0;
	if (docker_swap_started(c))
		rc = docker_stop(api, s->new_id, s->signal, err);
	if (rc == 0 && json_bool(json_path(c, "HostConfig.AutoRemove")) &&
		docker_swap_started(c))
		/* The engine removes it; until it has, the name is taken. */
		rc = docker_swap_ensure_gone(api, s->new_id, true, err);
	else if (rc == 0 && strcmp(docker_swap_name(c), s->name) == 0)
		rc = free_name(api, s, note, err);
	json_free(c);
	return rc;
}

static int start_and_look(struct docker_api *api, const char *id,
	struct err *err)
{
	struct json *c;
	const char *status, *error;
	int rc = 0;

	if (docker_container_start(api, id, err) != 0)
		return -1;
	clock_sleep(SETTLE_MS);
	c = docker_container_inspect(api, id, err);
	if (c == NULL)
		return -1;
	status = docker_swap_status(c);
	error = json_str(json_path(c, "State.Error"));
	/* A crash loop is as good as it was. */
	if (strcmp(status, "running") != 0 && strcmp(status, "restarting") != 0)
		rc = err_retry(err, "the old container is %s after its start%s%s",
			status, error != NULL && *error ? ": " : "",
			error != NULL ? error : "");
	json_free(c);
	return rc;
}

static int restore_policy(struct docker_api *api, const struct docker_swap *s,
	struct err *err)
{
	struct json *policy = json_parse(str_from(s->policy), NULL, err);
	int rc;

	if (policy == NULL)
		return err_prefix(err, "the saved restart policy");
	rc = docker_container_set_policy(api, s->old_id, policy, err);
	json_free(policy);
	return rc;
}

/*
 * One that was told to end and still runs may be about to, at any time: it is
 * brought to its end, to be started from there. *ended: so it is. One that
 * does not end runs on.
 */
static int end_told(struct docker_api *api, const struct docker_swap *s,
	const struct json *old, bool *ended, struct err *err)
{
	struct err e = {0};

	*ended = false;
	if (s->told == NULL || !json_bool(json_path(old, "State.Running")))
		return 0;
	*ended = docker_stop(api, s->old_id, s->signal, &e) == 0;
	if (!docker_api_unreachable(&e))
		return 0;
	*err = e;
	return -1;
}

static int restore(struct docker_api *api, const struct docker_swap *s,
	const struct json *old, struct err *err)
{
	const char *status = docker_swap_status(old);
	bool up = strcmp(status, "running") == 0 ||
		strcmp(status, "restarting") == 0;
	bool auto_remove = json_bool(json_path(old, "HostConfig.AutoRemove"));
	bool ended;

	if (end_told(api, s, old, &ended, err) != 0)
		return -1;
	if (ended) {
		status = "exited";
		up = false;
	}
	if (docker_swap_ensure_name(api, s->old_id, s->name, err) != 0)
		return -1;
	/* The engine knows no policy beside --rm. */
	if (!auto_remove && restore_policy(api, s, err) != 0)
		return -1;
	if (strcmp(status, "paused") == 0 || was(s, "exited") ||
		was(s, "stopped"))
		return 0;
	if (!up && start_and_look(api, s->old_id, err) != 0)
		return -1;
	return was(s, "paused") ? docker_container_pause(api, s->old_id, err) : 0;
}

/* Makes the old one again, from its own image by id. */
static int make_again(struct docker_api *api, const struct docker_swap *s,
	struct err *err)
{
	const char *platform = json_str(json_get(s->rebirth, "platform"));
	const struct json *n = json_first(json_get(s->rebirth, "connect"));
	struct json *c;
	char *id = NULL;
	int rc = 0;

	if (s->rebirth == NULL)
		return err_retry(err, "the old container is being removed");
	c = docker_container_inspect(api, s->name, err);
	if (c != NULL) {
		/* By an earlier try that did not get to its end. */
		id = xstrdup_null(json_str(json_get(c, "Id")));
		rc = id == NULL ? err_fail(err, "no Id") : 0;
		json_free(c);
	} else {
		rc = docker_container_create(api, s->name,
			platform != NULL ? platform : "",
			json_get(s->rebirth, "body"), &id, err);
		for (; rc == 0 && n != NULL; n = json_next(n))
			rc = docker_container_connect(api, id, n, err);
	}
	if (rc == 0)
		rc = start_and_look(api, id, err);
	free(id);
	return rc;
}

/* The new one, when the old one is back. */
static int put_away(struct docker_api *api, const struct docker_swap *s,
	const struct docker_note *note, struct err *err)
{
	if (s->new_id == NULL)
		return 0;
	if (s->keep != NULL && note != NULL && note->engine != NULL) {
		if (docker_kept_hold(api, note, s, err) == 0)
			return 0;
		if (docker_api_unreachable(err))
			return -1;
		log_warn(s->name, "the failed container is not kept: %s",
			err->text);
	}
	return docker_swap_ensure_gone(api, s->new_id, true, err);
}

static int attempt(struct docker_api *api, const struct docker_swap *s,
	const struct docker_note *note, struct err *err)
{
	struct json *old = docker_container_inspect(api, s->old_id, err);
	bool gone = old == NULL && err->code == 404;
	int rc;

	if (old == NULL && !gone)
		return -1;
	if (gone && s->rebirth == NULL)
		/* Then the new one, whatever it is worth, is all there is. */
		return err_fail(err, "the old container was removed by somebody "
				     "else, so the new one is left as it is");
	rc = put_aside(api, s, note, err);
	if (rc != 0)
		err_prefix(err, "the new container");
	else if (gone || strcmp(docker_swap_status(old), "removing") == 0)
		rc = make_again(api, s, err);
	else
		rc = restore(api, s, old, err);
	json_free(old);
	return rc == 0 ? put_away(api, s, note, err) : -1;
}

int docker_rollback_run(struct docker_api *api, const struct docker_swap *s,
	const struct docker_note *note, int64_t patience_ms, struct err *err)
{
	int64_t now = clock_mono(), end = now + patience_ms, heard = now;
	int64_t wait = FIRST_WAIT_MS;
	struct err e = {0};

	while (attempt(api, s, note, &e) != 0) {
		log_limited(LOG_WARN, s->name, "going back to the former %s: %s",
			s->name, e.text);
		now = clock_mono();
		if (!docker_api_unreachable(&e))
			heard = now;
		/*
		 * Refusals of the engine may pass; what we know cannot. An
		 * engine that is away is waited for by others.
		 */
		if ((e.cls == ERR_FAIL && e.code == 0) || now + wait > end ||
			now - heard > ABSENT_MS) {
			if (err != NULL)
				*err = e;
			return -1;
		}
		clock_sleep(wait);
		wait = wait * 2 < LAST_WAIT_MS ? wait * 2 : LAST_WAIT_MS;
	}
	return 0;
}

void docker_rollback_manual(struct docker_api *api,
	const struct docker_swap *s, struct strbuf *out)
{
	struct json *old = docker_container_inspect(api, s->old_id, NULL);
	struct json *policy = json_parse(str_from(s->policy), NULL, NULL);
	const char *name = json_str(json_get(policy, "Name"));
	int64_t retries = json_i64(json_get(policy, "MaximumRetryCount"), 0);

	if (s->new_id != NULL)
		strbuf_addf(out, "docker rm -f %.12s; ", s->new_id);
	if (old == NULL)
		strbuf_addf(out, "docker run --name %s ...", s->name);
	else if (strcmp(docker_swap_name(old), s->name) != 0)
		strbuf_addf(out, "docker rename %s %s; ", docker_swap_name(old),
			s->name);
	if (old != NULL && name != NULL && *name != '\0') {
		strbuf_addf(out, "docker update --restart=%s", name);
		if (retries > 0)
			strbuf_addf(out, ":%" PRId64, retries);
		strbuf_addf(out, " %s; ", s->name);
	}
	if (old != NULL)
		strbuf_addf(out, "docker start %s", s->name);
	json_free(policy);
	json_free(old);
}
