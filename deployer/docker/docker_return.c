#include "deployer/docker/docker_return.h"

#include "deployer/docker/docker_batch.h"
#include "deployer/docker/docker_evidence.h"
#include "deployer/docker/docker_gate.h"
#include "deployer/docker/docker_kept.h"
#include "deployer/docker/docker_rollback.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define FORGET_AGAIN_MS 500

/* A note that stays would be taken for a deploy under way by the next try. When
 * the disk fails, so does the row of this one: both wait for it. */
static int forget(struct docker_task *t, struct err *err)
{
	int rc = docker_note_forget(&t->note, err);

	while (rc != 0 && !driver_cancelled(t->run)) {
		log_limited(LOG_WARN, t->note.job, "%s; tried again until it "
			"can", err->text);
		clock_sleep(FORGET_AGAIN_MS);
		rc = docker_note_forget(&t->note, err);
	}
	return rc;
}

/* Is it the new image that has failed? */
static bool is_verdict(bool touched, const struct err *why)
{
	return touched && why->code != DOCKER_NOTE_FAILED &&
		why->code != DOCKER_GATE_NO_VERDICT;
}

/* The old containers are as they were. touched: one had been stopped. */
static void went_back(struct docker_task *t, bool touched,
	const struct err *why, size_t n, const char *name,
	struct driver_result *res)
{
	struct docker_note *note = &t->note;
	char kept[DOCKER_KEPT_WORDS];
	struct err e = {0};
	int rc;

	/* Without a verdict on the image nothing is remembered of it. */
	if (!is_verdict(touched, why)) {
		rc = forget(t, &e);
		driver_result_err(res,
			driver_cancelled(t->run) && !touched ? DRIVER_CANCELLED
							     : DRIVER_FAILED,
			why);
	} else {
		docker_kept_words(note, kept);
		if (n > 1)
			driver_result_set(res, DRIVER_ROLLED_BACK,
				"%.*s; %zu containers run their former images "
				"again%s", *kept ? 240 : 380, why->text, n, kept);
		else
			driver_result_set(res, DRIVER_ROLLED_BACK,
				"%.*s; %.80s runs its former image again%s",
				*kept ? 240 : 380, why->text, name, kept);
		free(note->reason);
		note->reason = xstrdup(res->reason);
		docker_note_drop_batch(note);
		rc = docker_note_save(note, DOCKER_STEP_RETURNED, &e);
	}
	/* The engine is as it should be: a later recovery finds that too. */
	if (rc != 0)
		log_warn(note->job, "%s", e.text);
}

static void stuck_between(struct docker_task *t, const struct err *why,
	const struct docker_swap *stuck, const struct err *e,
	struct driver_result *res)
{
	struct strbuf manual = {0};

	docker_rollback_manual(t->api, stuck, &manual);
	driver_result_set(res, DRIVER_FAILED,
		"%.118s; and going back failed: %.124s. By hand: %.236s",
		why->text, e->text, strbuf_cstr(&manual));
	log_error(t->note.job, "%s", res->reason);
	strbuf_release(&manual);
}

/* How many containers there are to go back to. */
static size_t members(const struct docker_note *n)
{
	return n->batch.n + (n->now.name != NULL);
}

/* The one that failed: the one under way, else the last dependent; or NULL. */
static struct docker_swap *failed_one(struct docker_note *n)
{
	if (n->now.new_id != NULL)
		return &n->now;
	for (size_t i = n->batch.n; i-- > 0;)
		if (n->batch.v[i].role != NULL &&
			n->batch.v[i].new_id != NULL)
			return &n->batch.v[i];
	return NULL;
}

/* What it leaves, and whether it stays itself. */
static void look_at_failed(struct docker_task *t, bool verdict,
	struct err *why)
{
	struct docker_swap *s = failed_one(&t->note);

	free_null(&t->note.evidence);
	if (s == NULL)
		return;
	t->note.evidence = docker_evidence_take(t->api, s->new_id);
	if (verdict)
		docker_kept_mark(
			t->api, s, t->run->trigger->deploy.keep_failed, why);
}

void docker_return_run(struct docker_task *t, bool touched,
	const struct err *why_, struct driver_result *res)
{
	const struct docker_swap *stuck = NULL;
	struct err e = {0}, copy = *why_, *why = &copy;
	bool verdict = is_verdict(touched, why);
	size_t n = members(&t->note);
	char *name;

	if (docker_api_unreachable(why)) {
		/* No verdict on the image: recovery sees what is to be done. */
		driver_result_err(res, DRIVER_WAITING, why);
		return;
	}
	if (touched)
		look_at_failed(t, verdict, why);
	free(t->note.reason);
	t->note.reason = xstrdup(why->text);
	docker_task_progress(t, "going back to the old container");
	if (docker_note_save(&t->note,
		    verdict ? DOCKER_STEP_ROLLBACK : DOCKER_STEP_UNDO,
		    &e) != 0)
		log_warn(t->note.job, "%s; going back all the same", e.text);
	name = xstrdup(t->note.now.name != NULL ? t->note.now.name
			: t->note.batch.n > 0   ? t->note.batch.v[0].name
						: "");
	if (docker_batch_undo(t->api, &t->note,
		    t->run->trigger->deploy.rollback_timeout, &stuck, &e) == 0)
		went_back(t, touched, why, n, name, res);
	else if (docker_api_unreachable(&e))
		driver_result_err(res, DRIVER_WAITING, &e);
	else
		stuck_between(t, why, stuck, &e, res);
	docker_task_lap(t, "rollback");
	free(name);
}
