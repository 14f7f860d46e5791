#include "deployer/docker/docker_replace.h"

#include "deployer/docker/docker_batch.h"
#include "deployer/docker/docker_cleanup.h"
#include "deployer/docker/docker_hook.h"
#include "deployer/docker/docker_order.h"
#include "deployer/docker/docker_renew.h"
#include "deployer/docker/docker_restart.h"
#include "deployer/docker/docker_return.h"
#include "deployer/docker/docker_step.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

/* ---- the two orders --------------------------------------------------- */

static int not_cancelled(const struct docker_task *t, struct err *err)
{
	return driver_cancelled(t->run)
		? err_retry(err, "cancelled before the old container was "
				 "stopped")
		: 0;
}

static int stop_first(struct docker_replacing *p, struct docker_replace *r,
	struct err *err)
{
	if (docker_step_create(r, err) != 0)
		return -1;
	docker_task_lap(r->t, "create");
	if (not_cancelled(r->t, err) != 0 ||
		docker_follow_stop(&p->follow, r->t, err) != 0 ||
		docker_step_stop(r, err) != 0 ||
		docker_step_rename(r, err) != 0)
		return -1;
	/* One that was not running, and is not to. */
	if (strcmp(r->swap->was, "stopped") == 0)
		return 0;
	return docker_step_start(r, err) != 0 || docker_step_gate(r, err) != 0
		? -1
		: 0;
}

/* Takes the aliases out of what the new one is created from, for later. */
static void hold_back_aliases(struct docker_replace *r)
{
	struct json *nets = json_path(
		r->spec.body, "NetworkingConfig.EndpointsConfig");
	struct json *later = json_new_array(), *e, *spec;

	for (e = json_first(nets); e; e = json_next(e)) {
		if (json_len(json_get(e, "Aliases")) == 0)
			continue;
		spec = json_new_object();
		json_set_str(spec, "Network", json_key(e));
		json_set(spec, "EndpointConfig", json_copy(e));
		json_push(later, spec);
		json_del(e, "Aliases");
	}
	for (e = json_first(r->spec.connect); e; e = json_next(e)) {
		if (json_len(json_path(e, "EndpointConfig.Aliases")) == 0)
			continue;
		json_push(later, json_copy(e));
		json_del(json_get(e, "EndpointConfig"), "Aliases");
	}
	if (json_len(later) > 0)
		r->swap->aliases = later;
	else
		json_free(later);
}

/* The old one serves for a while yet: who has just looked up its address. */
static void drain(const struct docker_task *t)
{
	int64_t end = clock_mono() + t->run->trigger->deploy.drain;

	while (clock_mono() < end && !driver_cancelled(t->run))
		clock_sleep(100);
}

static int start_first(struct docker_replace *r, struct err *err)
{
	/* The labels say it too. */
	free(r->swap->order);
	r->swap->order = xstrdup(DOCKER_ORDER_START_FIRST);
	if (docker_prepare_body(r, NULL, err) != 0)
		return -1;
	if (r->t->run->trigger->deploy.alias_after_health)
		hold_back_aliases(r);
	if (docker_step_create(r, err) != 0)
		return -1;
	docker_task_lap(r->t, "create");
	if (not_cancelled(r->t, err) != 0 || docker_step_start(r, err) != 0 ||
		docker_step_gate(r, err) != 0 ||
		docker_swap_give_aliases(r->t->api, r->swap, false, err) != 0 ||
		docker_step_rename(r, err) != 0)
		return -1;
	drain(r->t);
	return docker_step_stop(r, err);
}

/* Our own container: what follows its creation is another's to do. */
static int renew(struct docker_replacing *p, struct docker_replace *r,
	struct err *err)
{
	if (json_len(p->targets) > 1 || p->follow.list.n > 0)
		return err_fail(err, "the deployer replaces itself only where "
			"it is alone in its service and nothing depends on its "
			"container");
	if (docker_step_create(r, err) != 0 || not_cancelled(r->t, err) != 0 ||
		docker_note_save(&r->t->note, DOCKER_STEP_STOP, err) != 0)
		return -1;
	docker_task_lap(r->t, "create");
	r->handed_over = true;
	return docker_renew_hand_over(r, err);
}

/* As it was asked for, if it may be. */
static int in_order(struct docker_replacing *p, struct docker_replace *r,
	struct err *err)
{
	const struct conf_deploy *d = &r->t->run->trigger->deploy;

	if (docker_renew_is_self(r->swap->old_id))
		return renew(p, r, err);
	if (d->order != ORDER_START_FIRST ||
		!docker_order_may_start_first(r->old, r->swap->was,
			p->follow.list.n > 0, d, p->stop_first,
			sizeof(p->stop_first)))
		return stop_first(p, r, err);
	return start_first(r, err);
}

/* ---- one, and all --------------------------------------------------- */

/* 0, or -1 with *res: nothing has been changed for this one. */
static int prepare(struct docker_replacing *p, struct docker_replace *r,
	const char *id, struct driver_result *res)
{
	struct docker_task *t = p->t;
	struct err err = {0};
	int rc = docker_prepare(r, id, res);

	if (rc == 0 && docker_follow_prepare(&p->follow, t, p->targets,
			       p->claim, p->ctx, &err) != 0)
		rc = -1;
	else if (rc == 0 && r->auto_remove && p->follow.list.n > 0)
		rc = err_fail(&err, "container %s was run with --rm, and others "
			"depend on it: there would be no way back",
			r->swap->name);
	else if (rc == 0 && docker_hook_before(t, r->old, &err) != 0) {
		driver_result_err(res,
			docker_api_unreachable(&err) ? DRIVER_WAITING
						     : DRIVER_FAILED,
			&err);
		docker_swap_release(r->swap);
		docker_task_lap(t, "hook");
		return -1;
	}
	docker_task_lap(t, "inspect");
	if (rc != 0 && *err.text != '\0') {
		driver_result_err(res,
			docker_api_unreachable(&err)   ? DRIVER_WAITING
				: err.cls == ERR_RETRY ? DRIVER_FAILED
						       : DRIVER_REFUSED,
			&err);
		docker_swap_release(r->swap);
	}
	return rc;
}

void docker_replace_container(struct docker_replacing *p, const char *id,
	struct driver_result *res)
{
	struct docker_task *t = p->t;
	struct docker_replace r = {.t = t, .swap = &t->note.now};
	struct err err = {0};
	bool touched = t->note.batch.n > 0;

	if (prepare(p, &r, id, res) != 0) {
		docker_prepare_release(&r);
		/* The ones before it go back with it. */
		if (res->status == DRIVER_FAILED && touched) {
			err_set(&err, res->cls, 0, "%s", res->reason);
			docker_return_run(t, false, &err, res);
		}
		return;
	}
	if (in_order(p, &r, &err) == 0) {
		docker_note_keep(&t->note);
		driver_result_set(res, DRIVER_DEPLOYED, "%s runs %s",
			t->note.batch.v[t->note.batch.n - 1].name,
			t->reference);
	} else if (driver_cancelled(t->run) && !r.stopped &&
		(touched || r.handed_over)) {
		/* What is done stays: the next process goes on from here. */
		driver_result_err(res, DRIVER_CANCELLED, &err);
	} else {
		docker_return_run(t, r.stopped || r.started, &err, res);
	}
	docker_prepare_release(&r);
}

/* After the commit: the batch is empty then. */
static void clean_up(struct docker_task *t)
{
	const struct json *name = json_first(t->note.done);

	if (!t->run->trigger->deploy.cleanup)
		return;
	docker_task_progress(t, "removing old images");
	for (; name; name = json_next(name))
		docker_cleanup_run(t, json_str(name));
}

/* What fails after the old container is gone. */
static void add_reason(const struct docker_task *t, struct driver_result *res,
	const struct err *err)
{
	size_t n = strlen(res->reason);

	snprintf(res->reason + n, sizeof(res->reason) - n, "; %.200s",
		err->text);
	log_warn(t->note.job, "%s", err->text);
}

static void run_post_hooks(struct docker_task *t, struct driver_result *res)
{
	const struct json *name = json_first(t->note.done);
	struct err err = {0};

	for (; name; name = json_next(name))
		if (docker_hook_after(t, json_str(name), &err) != 0)
			add_reason(t, res, &err);
	if (t->run->trigger->deploy.post_hook.n > 0)
		docker_task_lap(t, "hook");
}

void docker_replace_end(struct docker_replacing *p, struct driver_result *res)
{
	struct docker_task *t = p->t;
	struct err err = {0};

	if (t->note.batch.n == 0)
		return;
	if (docker_follow_replace(&p->follow, t, &err) != 0) {
		docker_return_run(t, true, &err, res);
		return;
	}
	docker_task_progress(t, "removing the old container");
	/* The new ones are good; recovery ends what is left to do. */
	if (docker_batch_commit(t->api, &t->note, &err) != 0)
		log_warn(t->note.job, "an old container is not removed yet: %s",
			err.text);
	else
		clean_up(t);
	docker_task_lap(t, "cleanup");
	run_post_hooks(t, res);
	if (docker_restart_dependents(t, &err) != 0)
		add_reason(t, res, &err);
}
