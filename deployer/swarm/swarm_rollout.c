#include "deployer/swarm/swarm_rollout.h"

#include <inttypes.h>

#include "deployer/swarm/swarm_evidence.h"
#include "deployer/swarm/swarm_mark.h"
#include "deployer/swarm/swarm_spec.h"
#include "deployer/swarm/swarm_trouble.h"
#include "deployer/swarm/swarm_watch.h"
#include "proto/base/clock.h"
#include "proto/base/enc.h"
#include "proto/base/mem.h"

#define PAUSE_MS 50
#define AGAIN_MS 10000 /* a Swarm that cannot do it now */

static const struct json *spec_of(const struct swarm_rollout *r)
{
	return json_get(r->service, "Spec");
}

int swarm_rollout_look(struct swarm_rollout *r, struct err *err)
{
	const char *id = r->t->note.service;
	struct json *now = swarm_service_inspect(
		r->t->api, id != NULL ? id : r->name, err);

	if (now == NULL)
		return -1;
	json_free(r->service);
	r->service = now;
	return 0;
}

void swarm_rollout_pause(int attempt)
{
	unsigned char random;

	enc_random(&random, sizeof(random));
	clock_sleep((attempt + 1) * PAUSE_MS + random / 2);
}

void swarm_rollout_release(struct swarm_rollout *r)
{
	json_free(r->service);
	swarm_since_free(r->since);
	r->service = NULL;
	r->since = NULL;
}

static void not_now(const struct swarm_rollout *r, const char *why,
	const char *what_to_do, struct driver_result *res)
{
	driver_result_set(res, DRIVER_LATER, "service %s cannot be updated now, "
		"the job waits: engine %s %s%s", r->name,
		r->t->run->engine->name, why, what_to_do);
	res->again_ms = AGAIN_MS;
}

void swarm_rollout_fail(const struct swarm_rollout *r, const struct err *err,
	struct driver_result *res)
{
	const char *engine = r->t->run->engine->name;
	char why[300];

	if (docker_api_unreachable(err)) {
		driver_result_err(res, DRIVER_WAITING, err);
		return;
	}
	switch (swarm_trouble_find(r->t->api, err, why, sizeof(why))) {
	case SWARM_NO_SWARM:
		driver_result_set(res, DRIVER_FAILED, "engine %s %s, and only "
			"a Swarm manager can update service %s; point engine "
			"%s at a manager", engine, why, r->name, engine);
		return;
	case SWARM_WORKER:
		not_now(r, why, ", and only a manager updates services: `docker "
			"node promote` it, or point the engine at a manager",
			res);
		return;
	case SWARM_NOT_NOW:
		not_now(r, why, "", res);
		return;
	case SWARM_NO_TROUBLE:
		driver_result_err(res, DRIVER_FAILED, err);
		return;
	}
}

/* ---- how it ended ----------------------------------------------------------- */

/* Why it failed into the note's reason, with what the tasks said. */
static void accuse(struct swarm_rollout *r, const char *what)
{
	struct docker_note *note = &r->t->note;
	char why[300];

	free(note->evidence);
	free(note->reason);
	note->evidence = swarm_evidence_take(
		r->t->api, r->service, note->to, why, sizeof(why));
	note->reason = xprintf("%s%s%s", what, *why != '\0' ? ": " : "", why);
}

/* Neither there nor back. */
static void lost(struct swarm_rollout *r, const char *how,
	struct driver_result *res)
{
	driver_result_set(res, DRIVER_FAILED, "%.300s; %s: see `docker service "
		"ps %s`, then `docker service rollback %s` or push a good "
		"image", r->t->note.reason, how, r->name, r->name);
}

/* The old image runs again; who went back is told. */
static void returned(struct swarm_rollout *r, const char *who,
	struct driver_result *res)
{
	struct docker_note *note = &r->t->note;
	char *reason = xprintf("%.400s; %s", note->reason, who);
	struct err err = {0};

	free(note->reason);
	note->reason = reason;
	/* Not written: then recovery looks once more and says the same. */
	(void)docker_note_save(note, DOCKER_STEP_RETURNED, &err);
	driver_result_set(res, DRIVER_ROLLED_BACK, "%s", note->reason);
}

static void too_late(struct swarm_rollout *r, int64_t limit_ms,
	struct driver_result *res)
{
	bool own = strcmp(swarm_wait_on_failure(spec_of(r)), "rollback") == 0;
	char what[160];

	snprintf(what, sizeof(what), "the update of service %s to %.60s did "
		"not end within %" PRId64 " s", r->name, r->t->reference,
		limit_ms / 1000);
	accuse(r, what);
	if (own)
		lost(r, "its FailureAction is rollback, so going back is left "
			"to Swarm", res);
	else
		swarm_rollout_back(r, res);
}

static void done(struct swarm_rollout *r, struct driver_result *res)
{
	struct docker_task *t = r->t;
	int64_t wanted = swarm_wait_wanted(spec_of(r));

	if (wanted == 0)
		driver_result_set(res, DRIVER_DEPLOYED, "service %s has %s; it "
			"is scaled to 0, so nothing runs", r->name,
			t->reference);
	else
		driver_result_set(res, DRIVER_DEPLOYED, "service %s runs %s%s",
			r->name, t->reference,
			strcmp(t->note.from, t->note.to) == 0
				? "; each of its tasks was made anew, as asked"
				: "");
}

static int64_t limit_of(const struct swarm_rollout *r)
{
	int64_t own = r->t->run->trigger->health_timeout;

	return own > 0 ? own : swarm_wait_deadline(spec_of(r));
}

void swarm_rollout_wait(struct swarm_rollout *r, struct driver_result *res)
{
	int64_t limit = limit_of(r);
	enum swarm_state state;
	char what[200];

	if (swarm_watch(r, swarm_wait_judge, limit, &state, res) != 0)
		return;
	docker_task_lap(r->t, "update");
	snprintf(what, sizeof(what), "service %s did not come up with %.100s",
		r->name, r->t->reference);
	switch (state) {
	case SWARM_DONE:
		done(r, res);
		return;
	case SWARM_GOES_ON:
		too_late(r, limit, res);
		return;
	case SWARM_STUCK:
		accuse(r, what);
		swarm_rollout_back(r, res);
		return;
	case SWARM_RETURNED:
		accuse(r, what);
		returned(r, "Swarm went back to the image before", res);
		return;
	case SWARM_RETURNS:
		accuse(r, what);
		lost(r, "Swarm's way back does not end", res);
		return;
	case SWARM_LOST:
		accuse(r, what);
		lost(r, "Swarm's way back failed, too", res);
		return;
	case SWARM_OVERTAKEN:
		driver_result_set(res, DRIVER_FAILED, "someone else gave "
			"service %s the image %.200s while it was updated; "
			"that stays", r->name, swarm_spec_image(spec_of(r)));
		return;
	}
}

/* ---- going back ------------------------------------------------------------- */

/*
 * Swarm keeps one Spec of before. It is the one of before us unless someone
 * has changed something else since; then only the image is put back.
 */
static int ask_back(struct swarm_rollout *r, struct err *err)
{
	const struct docker_note *n = &r->t->note;
	const struct json *previous = json_get(r->service, "PreviousSpec");
	struct json *spec;
	int rc;

	if (!json_is_null(previous) && !swarm_spec_has(previous, n->to))
		return swarm_service_rollback(r->t->api, r->service, err);
	spec = swarm_spec_next(spec_of(r), n->from_reference, n->from,
		swarm_mark_now(r->service));
	rc = swarm_service_update(r->t->api, r->service, spec, NULL, err);
	json_free(spec);
	return rc;
}

/* Has it another image than ours and the one of before us? */
static bool is_overtaken(const struct swarm_rollout *r)
{
	const struct docker_note *n = &r->t->note;
	struct strbuf reference = {0}, digest = {0};
	bool before;

	swarm_spec_split(spec_of(r), &reference, &digest);
	before = n->from_reference == NULL ||
		(strcmp(strbuf_cstr(&reference), n->from_reference) == 0 &&
			(*n->from == '\0' ||
				strcmp(strbuf_cstr(&digest), n->from) == 0));
	strbuf_release(&reference);
	strbuf_release(&digest);
	return !before && !swarm_spec_has(spec_of(r), n->to);
}

static int go_back(struct swarm_rollout *r, struct err *err)
{
	for (int i = 0; i < SWARM_CONFLICTS_MAX; i++) {
		if (i > 0)
			swarm_rollout_pause(i);
		if (swarm_rollout_look(r, err) != 0)
			return -1;
		if (!swarm_spec_has(spec_of(r), r->t->note.to))
			return 0; /* it is on its way already */
		if (ask_back(r, err) == 0)
			return 0;
		if (!swarm_service_is_conflict(err))
			return -1;
	}
	return -1;
}

void swarm_rollout_back(struct swarm_rollout *r, struct driver_result *res)
{
	struct docker_note *note = &r->t->note;
	enum swarm_state state;
	struct err err = {0};

	if (strcmp(note->from, note->to) == 0) {
		lost(r, "there is no other image to go back to", res);
		return;
	}
	docker_task_progress(r->t, "going back");
	if (docker_note_save(note, DOCKER_STEP_ROLLBACK, &err) != 0 ||
		go_back(r, &err) != 0) {
		swarm_watch_fail(r, &err, res);
		return;
	}
	if (swarm_watch(r, swarm_wait_judge_back,
		    r->t->run->trigger->deploy.rollback_timeout, &state,
		    res) != 0)
		return;
	docker_task_lap(r->t, "rollback");
	if (is_overtaken(r))
		driver_result_set(res, DRIVER_FAILED, "%.300s; then someone "
			"else gave it the image %.150s; that stays",
			note->reason, swarm_spec_image(spec_of(r)));
	else if (state == SWARM_RETURNED)
		returned(r, "the image before runs again", res);
	else if (state == SWARM_LOST)
		lost(r, "and going back failed, too", res);
	else
		lost(r, "and going back does not end", res);
}
