#include "deployer/swarm/swarm_deploy.h"

#include "deployer/docker/docker_memory.h"
#include "deployer/docker/docker_self.h"
#include "deployer/docker/docker_verify.h"
#include "deployer/swarm/swarm_mark.h"
#include "deployer/swarm/swarm_spec.h"
#include "proto/base/mem.h"

static const struct json *spec_of(const struct swarm_rollout *r)
{
	return json_get(r->service, "Spec");
}

static void fail(const struct err *err, struct driver_result *res)
{
	driver_result_err(res, docker_api_unreachable(err) ? DRIVER_WAITING
							   : DRIVER_FAILED,
		err);
}

/* ---- before anything -------------------------------------------------------- */

static int find(struct swarm_rollout *r, struct driver_result *res)
{
	const char *engine = r->t->run->engine->name;
	struct err err = {0};

	if (swarm_rollout_look(r, &err) == 0)
		return 0;
	if (err.code == 404)
		driver_result_set(res, DRIVER_FAILED, "there is no service %s "
			"in the Swarm of engine %s; create it once (docker "
			"service create --name %s ..., or docker stack deploy), "
			"then push again", r->name, engine, r->name);
	else
		swarm_rollout_fail(r, &err, res);
	return -1;
}

/* Where its image comes from, as rows and a way back have it. */
static void note_old(struct swarm_rollout *r)
{
	struct docker_note *note = &r->t->note;
	struct strbuf reference = {0}, digest = {0};

	swarm_spec_split(spec_of(r), &reference, &digest);
	free(note->from_reference);
	note->from_reference = xstrdup(strbuf_cstr(&reference));
	note->from[0] = '\0';
	docker_note_digest(note->from, strbuf_cstr(&digest));
	strbuf_release(&reference);
	strbuf_release(&digest);
}

static int judge(const struct swarm_rollout *r, struct err *err)
{
	const struct docker_task *t = r->t;

	if (swarm_spec_judge(spec_of(r), err) != 0)
		return -1;
	return swarm_spec_fit(t->run->trigger, t->reference, spec_of(r), err);
}

/*
 * The nodes pull, so that we need not; but an image that the registry does not
 * have (yet) is better known before all tasks fail by it. A registry that
 * takes no login of ours may take the one that the Swarm has stored.
 */
static int find_digest(struct docker_task *t, struct err *err)
{
	char digest[DRIVER_DIGEST_MAX], *pinned;
	struct err low = {0};
	int rc;

	docker_note_digest(t->note.to, t->run->job->event.digest);
	docker_task_progress(t, "asking the registry");
	if (*t->note.to == '\0')
		return docker_verify_digest(
			t, t->reference, t->note.to, err);
	pinned = xprintf("%s@%s", t->repository, t->note.to);
	rc = docker_verify_digest(t, pinned, digest, &low);
	free(pinned);
	if (rc == 0 || low.cls == ERR_FAIL)
		return 0;
	*err = low;
	return -1;
}

static bool failed_before(const struct docker_task *t,
	struct driver_result *res)
{
	char *why = docker_memory_failed(t->run->journal,
		t->run->engine->name, t->note.target, t->note.to);

	if (why != NULL)
		driver_result_set(res, DRIVER_REFUSED, "%s", why);
	free(why);
	return res->status == DRIVER_REFUSED && why != NULL;
}

static void unchanged(const struct swarm_rollout *r, struct driver_result *res)
{
	const char *state = json_str(
		json_path(r->service, "UpdateStatus.State"));

	/* No update of ours: whose it is, he knows how to go on. */
	if (state != NULL && strcmp(state, "paused") == 0)
		driver_result_set(res, DRIVER_FAILED, "service %s has that "
			"image already, by an update that is paused by a "
			"failure: see `docker service ps %s`", r->name,
			r->name);
	else
		driver_result_set(res, DRIVER_UNCHANGED, "service %s has that "
			"image already%s", r->name,
			state != NULL && strcmp(state, "updating") == 0
				? "; Swarm is still updating it"
				: "");
}

int swarm_deploy_prepare(struct swarm_rollout *r, struct driver_result *res)
{
	struct docker_task *t = r->t;
	bool force = t->run->trigger->deploy.force || t->run->force;
	struct err err = {0};

	if (find(r, res) != 0)
		return -1;
	if (judge(r, &err) != 0) {
		driver_result_err(res, DRIVER_REFUSED, &err);
		return -1;
	}
	note_old(r);
	docker_task_lap(t, "inspect");
	if (*t->note.to == '\0' && find_digest(t, &err) != 0) {
		fail(&err, res);
		return -1;
	}
	docker_task_lap(t, "verify");
	if (swarm_spec_has(spec_of(r), t->note.to) && !force) {
		unchanged(r, res);
		return -1;
	}
	return !force && failed_before(t, res) ? -1 : 0;
}

/* ---- the update ------------------------------------------------------------- */

/* By force where it has that image: else nothing would happen. */
static bool is_anew(const struct docker_note *note)
{
	return strcmp(note->from, note->to) == 0;
}

/* The update that is about to be asked for, into the note. */
static int note_update(struct swarm_rollout *r, struct err *err)
{
	struct docker_note *note = &r->t->note;
	const char *id = json_str(json_get(r->service, "ID"));
	struct json *all = swarm_service_tasks(
		r->t->api, id, SWARM_TASKS_ALL, err);

	if (all == NULL)
		return -1;
	note_old(r);
	free(note->service);
	note->service = xstrdup_null(id);
	note->version = json_i64(json_path(r->service, "Version.Index"), 0);
	note->mark = swarm_mark_next(
		r->service, all, note->to, is_anew(note));
	json_free(all);
	return docker_note_save(note, DOCKER_STEP_UPDATE, err);
}

static int post(struct swarm_rollout *r, struct err *err)
{
	struct docker_task *t = r->t;
	struct registry_auth login;
	struct strbuf auth = {0};
	struct json *spec = NULL;
	int rc = docker_task_login(t, &login, err);

	if (rc == 0)
		rc = note_update(r, err);
	if (rc == 0) {
		registry_auth_header(&login, &auth);
		spec = swarm_spec_next(spec_of(r), t->reference, t->note.to,
			t->note.mark);
		rc = swarm_service_update(
			t->api, r->service, spec, strbuf_cstr(&auth), err);
	}
	registry_auth_release(&login);
	registry_auth_wipe(&auth);
	json_free(spec);
	return rc;
}

/*
 * What else was changed meanwhile stays: the image goes into the newest. Where
 * it is in there already, by someone else or by an attempt whose answer was
 * lost, a second update would only take away the Spec of before.
 */
static int post_again(struct swarm_rollout *r, int attempt, struct err *err)
{
	docker_task_progress(r->t, "someone else changes it, too");
	swarm_rollout_pause(attempt);
	err_clear(err);
	if (swarm_rollout_look(r, err) != 0)
		return -1;
	if (!is_anew(&r->t->note) &&
		swarm_spec_has(spec_of(r), r->t->note.to))
		return 0;
	return judge(r, err) != 0 ? -1 : post(r, err);
}

/* The manager's own trouble, as a leader lost amid it, tells nothing of
 * whether the Swarm took the update. */
static bool is_unclear(const struct err *err)
{
	return docker_api_unreachable(err) ||
		(err->code >= 500 && !swarm_service_is_conflict(err));
}

/* 0: the engine has it. -1 with *res, and no note unless it may have it. */
static int update(struct swarm_rollout *r, struct driver_result *res)
{
	struct err err = {0}, low = {0};
	int rc = post(r, &err);

	for (int i = 1; rc != 0 && swarm_service_is_conflict(&err) &&
		i < SWARM_CONFLICTS_MAX && !driver_cancelled(r->t->run); i++)
		rc = post_again(r, i, &err);
	if (rc == 0)
		return 0;
	if (driver_cancelled(r->t->run) && swarm_service_is_conflict(&err))
		driver_result_err(res, DRIVER_CANCELLED, &err);
	else if (err.code == DOCKER_NOTE_FAILED)
		fail(&err, res);
	else
		swarm_rollout_fail(r, &err, res);
	/* Of an error of the call itself: how far it got. */
	if (res->status == DRIVER_FAILED && err.code != DOCKER_NOTE_FAILED)
		driver_result_set(res, DRIVER_FAILED, "service %s was not "
			"updated%s: %s", r->name, is_unclear(&err)
				? ", as far as is known" : "", err.text);
	if (res->status == DRIVER_FAILED)
		res->cls = err.cls;
	if (!is_unclear(&err))
		(void)docker_note_forget(&r->t->note, &low);
	return -1;
}

/* ---- after a crash ---------------------------------------------------------- */

static bool was_going_back(const struct docker_note *n)
{
	return n->reason != NULL && docker_note_is_at(n, DOCKER_STEP_ROLLBACK);
}

/* Did an earlier attempt begin the update? 1, 0, or -1 with *res. */
static int has_begun(struct swarm_rollout *r, struct driver_result *res)
{
	struct docker_note *n = &r->t->note;
	struct json *all = NULL;
	struct err err = {0};
	int rc;

	if (!n->found || n->service == NULL)
		return 0;
	if (swarm_rollout_look(r, &err) == 0)
		all = swarm_service_tasks(
			r->t->api, n->service, SWARM_TASKS_ALL, &err);
	if (all == NULL && err.code == 404) {
		/* Removed since; one of that name may be there anew. */
		free(n->service);
		n->service = NULL;
		return 0;
	}
	if (all == NULL) {
		swarm_rollout_fail(r, &err, res);
		return -1;
	}
	/* Its verdict was in. */
	rc = was_going_back(n) || swarm_mark_landed(r->service, all,
		&(struct swarm_mark){n->from, n->to, n->version, n->mark});
	json_free(all);
	return rc;
}

static void run(struct swarm_rollout *r, struct driver_result *res)
{
	int begun = has_begun(r, res);

	if (begun < 0)
		return;
	if (begun && was_going_back(&r->t->note)) {
		swarm_rollout_back(r, res);
		return;
	}
	if (!begun) {
		r->t->note.found = false;
		if (docker_verify(r->t, res) != 0 ||
			swarm_deploy_prepare(r, res) != 0)
			return;
		if (driver_cancelled(r->t->run)) {
			driver_result_set(res, DRIVER_CANCELLED,
				"nothing was changed");
			return;
		}
		if (update(r, res) != 0)
			return;
	}
	swarm_rollout_wait(r, res);
}

void swarm_deploy(struct docker_task *t, struct driver_result *res)
{
	struct swarm_rollout r = {
		.t = t, .name = t->run->trigger->deploy.service};
	const char *endpoint = docker_api_endpoint(t->api);
	char *claim = xprintf("service %s", r.name);

	if (docker_self_claim(endpoint, claim)) {
		run(&r, res);
		docker_self_release(endpoint, claim);
	} else {
		driver_result_set(res, DRIVER_FAILED, "service %s is just being "
			"updated for another trigger", r.name);
		res->cls = ERR_RETRY;
	}
	swarm_rollout_release(&r);
	free(claim);
}
