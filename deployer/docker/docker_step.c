#include "deployer/docker/docker_step.h"

#include "deployer/docker/docker_gate.h"
#include "deployer/docker/docker_stop.h"
#include "proto/base/clock.h"
#include "proto/base/fail.h"
#include "proto/base/mem.h"

#define CREATE_TRIES 3

static int create_once(struct docker_replace *r, bool *raced, struct err *err)
{
	struct docker_task *t = r->t;
	char *name = docker_swap_alias(r->swap, "new");
	struct json *c;
	const char *image;
	int rc = docker_container_create(t->api, name, r->platform,
		r->spec.body, &r->swap->new_id, err);

	free(name);
	if (rc != 0)
		return err_prefix(err, "the new container cannot be created");
	c = docker_container_inspect(t->api, r->swap->new_id, err);
	image = json_str(json_get(c, "Image"));
	*raced = image != NULL && strcmp(image, r->swap->image) != 0;
	rc = c != NULL ? 0 : -1;
	json_free(c);
	return rc;
}

int docker_step_create(struct docker_replace *r, struct err *err)
{
	struct docker_task *t = r->t;
	const struct json *n;
	bool raced = false;

	for (int i = 0; i < CREATE_TRIES; i++) {
		if ((r->image == t->image && docker_task_tag(t, err) != 0) ||
			docker_note_save(&t->note, DOCKER_STEP_CREATE, err) ||
			create_once(r, &raced, err) != 0)
			return -1;
		if (!raced)
			break;
		/* Somebody else moved the tag meanwhile. */
		if (docker_swap_ensure_gone(
			    t->api, r->swap->new_id, true, err) != 0)
			return -1;
		free_null(&r->swap->new_id);
		json_del(t->image, "RepoTags");
	}
	if (raced)
		return err_retry(err, "the tag %s is moved by somebody else all "
			"the time", r->reference);
	for (n = json_first(r->spec.connect); n; n = json_next(n))
		if (docker_container_connect(
			    t->api, r->swap->new_id, n, err) != 0)
			return err_prefix(err, "network %s",
				json_str(json_get(n, "Network")));
	return 0;
}

int docker_step_stop(struct docker_replace *r, struct err *err)
{
	struct docker_task *t = r->t;

	if (r->swap->told == NULL)
		r->swap->told = xstrdup("yes");
	if (docker_note_save(&t->note, DOCKER_STEP_STOP, err) != 0)
		return -1;
	docker_task_progress(t, "stopping the old container");
	if (docker_stop(t->api, r->swap->old_id, r->swap->signal, err) != 0)
		return err_prefix(err, "the old container cannot be stopped");
	r->stopped = true;
	t->run->phases.stopped_at = clock_wall();
	docker_task_lap(t, "stop");
	if (FAIL_POINT("deployer.stopped"))
		return err_fail(err, "failure point deployer.stopped");
	/* Or an engine that restarts would start both. */
	if (r->auto_remove)
		return docker_swap_ensure_gone(
			t->api, r->swap->old_id, false, err);
	return docker_stop_retire(t->api, r->swap->old_id, err);
}

/* Before the start, so that log tags and names in networks are right. */
int docker_step_rename(struct docker_replace *r, struct err *err)
{
	struct docker_task *t = r->t;
	char *aside = docker_swap_alias(r->swap, "old");
	int rc = docker_note_save(&t->note, DOCKER_STEP_RENAME, err);

	if (rc == 0 && !r->auto_remove) {
		rc = docker_container_rename(
			t->api, r->swap->old_id, aside, err);
		/* Removed by somebody: then its name is free as well. */
		if (rc != 0 && err->code == 404)
			rc = 0;
	}
	free(aside);
	if (rc == 0)
		rc = docker_container_rename(
			t->api, r->swap->new_id, r->swap->name, err);
	return rc;
}

int docker_step_start(struct docker_replace *r, struct err *err)
{
	struct docker_task *t = r->t;

	if (docker_note_save(&t->note, DOCKER_STEP_START, err) != 0)
		return -1;
	docker_task_progress(t, "starting the new container");
	r->started = true;
	if (docker_container_start(t->api, r->swap->new_id, err) != 0)
		return err_prefix(err, "the new container cannot be started");
	docker_task_lap(t, "start");
	return 0;
}

int docker_step_gate(struct docker_replace *r, struct err *err)
{
	struct docker_task *t = r->t;
	const struct docker_gate g = {
		.image = r->swap->image,
		.old = r->old,
		.fresh = true,
		.grace_ms = t->run->trigger->grace,
		.health_ms = t->run->trigger->health_timeout,
	};
	int rc;

	docker_task_progress(t, "waiting for the new container to be healthy");
	rc = docker_gate_wait(t->api, r->swap->new_id, &g, err);
	if (rc == 0 && strcmp(r->swap->was, "paused") == 0)
		rc = docker_container_pause(t->api, r->swap->new_id, err);
	docker_task_lap(t, "gate");
	return rc;
}
