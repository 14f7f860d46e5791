#include "deployer/docker_replace.h"

#include "deployer/docker_gate.h"
#include "deployer/docker_rollback.h"
#include "proto/base/clock.h"
#include "proto/base/fail.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define ROLLBACK_PATIENCE_MS (10 * 60 * 1000)
#define CREATE_TRIES 3

/* ---- the steps ---------------------------------------------------------------- */

static int create_once(struct docker_replace *r, bool *raced, struct err *err)
{
	struct docker_task *t = r->t;
	char *name = docker_swap_alias(r->swap, "new");
	struct json *c;
	const char *image;
	int rc = docker_container_create(t->api, name, t->platform,
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

static int create(struct docker_replace *r, struct err *err)
{
	struct docker_task *t = r->t;
	const struct json *n;
	bool raced = false;

	for (int i = 0; i < CREATE_TRIES; i++) {
		if (docker_task_tag(t, err) != 0 ||
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
			"the time", t->reference);
	for (n = json_first(r->spec.connect); n; n = json_next(n))
		if (docker_container_connect(
			    t->api, r->swap->new_id, n, err) != 0)
			return err_prefix(err, "network %s",
				json_str(json_get(n, "Network")));
	return 0;
}

static int stop(struct docker_replace *r, struct err *err)
{
	struct docker_task *t = r->t;

	if (docker_note_save(&t->note, DOCKER_STEP_STOP, err) != 0)
		return -1;
	docker_task_progress(t, "stopping the old container");
	if (docker_swap_ensure_stopped(t->api, r->swap->old_id, err) != 0)
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
	return docker_swap_retire(t->api, r->swap->old_id, err);
}

/* Before the start, so that log tags and names in networks are right. */
static int rename_both(struct docker_replace *r, struct err *err)
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

static int start(struct docker_replace *r, struct err *err)
{
	struct docker_task *t = r->t;

	if (docker_note_save(&t->note, DOCKER_STEP_START, err) != 0)
		return -1;
	docker_task_progress(t, "starting the new container");
	if (docker_container_start(t->api, r->swap->new_id, err) != 0)
		return err_prefix(err, "the new container cannot be started");
	docker_task_lap(t, "start");
	return 0;
}

static int gate(struct docker_replace *r, struct err *err)
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

/* ---- how it ends -------------------------------------------------------------- */

/* The old container is as it was. */
static void went_back(struct docker_replace *r, const struct err *why,
	struct driver_result *res)
{
	struct docker_note *note = &r->t->note;
	char *name = xstrdup(r->swap->name);
	struct err e = {0};
	int rc;

	docker_swap_release(r->swap);
	if (!r->stopped || why->code == DOCKER_NOTE_FAILED) {
		rc = json_len(note->done) == 0
			? docker_note_forget(note, &e)
			: docker_note_end(note, name, false, &e);
		driver_result_err(res,
			driver_cancelled(r->t->run) && !r->stopped
				? DRIVER_CANCELLED
				: DRIVER_FAILED,
			why);
	} else {
		driver_result_set(res, DRIVER_ROLLED_BACK,
			"%.380s; %.80s runs its former image again", why->text,
			name);
		free(note->reason);
		note->reason = xstrdup(res->reason);
		rc = docker_note_save(note, DOCKER_STEP_RETURNED, &e);
	}
	/* The engine is as it should be: a later recovery finds that too. */
	if (rc != 0)
		log_warn(note->job, "%s", e.text);
	free(name);
}

static void go_back(struct docker_replace *r, const struct err *why,
	struct driver_result *res)
{
	struct docker_task *t = r->t;
	struct strbuf manual = {0};
	struct err e = {0};

	if (docker_api_unreachable(why)) {
		/* No verdict on the image: recovery sees what is to be done. */
		driver_result_err(res, DRIVER_WAITING, why);
		return;
	}
	free(t->note.reason);
	t->note.reason = xstrdup(why->text);
	docker_task_progress(t, "going back to the old container");
	if (docker_note_save(&t->note, DOCKER_STEP_ROLLBACK, &e) != 0)
		log_warn(t->note.job, "%s; going back all the same", e.text);
	if (docker_rollback_run(
		    t->api, r->swap, ROLLBACK_PATIENCE_MS, &e) == 0) {
		docker_task_lap(t, "rollback");
		went_back(r, why, res);
		return;
	}
	docker_task_lap(t, "rollback");
	if (docker_api_unreachable(&e)) {
		driver_result_err(res, DRIVER_WAITING, &e);
		return;
	}
	docker_rollback_manual(t->api, r->swap, &manual);
	driver_result_set(res, DRIVER_FAILED,
		"%.130s; and going back failed: %.110s. By hand: %.240s",
		why->text, e.text, strbuf_cstr(&manual));
	log_error(t->note.job, "%s", res->reason);
	strbuf_release(&manual);
}

static void commit(struct docker_replace *r, struct driver_result *res)
{
	struct docker_task *t = r->t;
	char *name = xstrdup(r->swap->name);
	struct err e = {0};

	docker_task_progress(t, "removing the old container");
	if (docker_note_save(&t->note, DOCKER_STEP_COMMIT, &e) != 0 ||
		docker_swap_ensure_gone(
			t->api, r->swap->old_id, false, &e) != 0 ||
		docker_note_end(&t->note, name, true, &e) != 0) {
		/* The new one is good; recovery ends what is left to do. */
		log_warn(t->note.job, "the old container of %s is not removed "
			"yet: %s", name, e.text);
	}
	docker_task_lap(t, "cleanup");
	driver_result_set(res, DRIVER_DEPLOYED, "%s runs %s", name,
		t->reference);
	free(name);
}

void docker_replace_container(struct docker_task *t, const char *id,
	struct driver_result *res)
{
	struct docker_replace r = {.t = t, .swap = &t->note.now};
	struct err err = {0};
	int rc;

	rc = docker_prepare(&r, id, res);
	docker_task_lap(t, "inspect");
	if (rc != 0) {
		docker_prepare_release(&r);
		return;
	}
	rc = create(&r, &err);
	docker_task_lap(t, "create");
	if (rc == 0 && driver_cancelled(t->run))
		rc = err_retry(&err, "cancelled before the old container was "
			"stopped");
	if (rc == 0)
		rc = stop(&r, &err);
	if (rc == 0)
		rc = rename_both(&r, &err);
	/* One that was not running, and is not to. */
	if (rc == 0 && strcmp(r.swap->was, "stopped") != 0) {
		rc = start(&r, &err);
		if (rc == 0)
			rc = gate(&r, &err);
	}
	if (rc == 0)
		commit(&r, res);
	else
		go_back(&r, &err, res);
	docker_prepare_release(&r);
}
