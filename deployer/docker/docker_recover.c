#include "deployer/docker/docker_recover.h"

#include "deployer/docker/docker_kept.h"
#include "deployer/docker/docker_memory.h"
#include "deployer/docker/docker_settle.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/vec.h"

#define PATIENCE_MS 60000
#define GRACE_MS 10000 /* of a trigger that is no longer configured */

struct notes {
	VEC(struct docker_note) list;
	VEC(char *) jobs; /* owned; the notes borrow them */
	struct journal *journal;
	const char *engine;
};

static int add_note(void *ctx, const char *job, const char *json)
{
	struct notes *notes = ctx;
	struct docker_note note;
	struct err err = {0};
	char *name = xstrdup(job);

	VEC_PUSH(&notes->jobs, name);
	if (docker_note_parse(&note, notes->journal, name, json, &err) != 0) {
		/* The labels at the engine are still there. */
		log_error(job, "%s", err.text);
		docker_note_release(&note);
		docker_note_parse(&note, notes->journal, name, NULL, NULL);
	}
	note.engine = notes->engine;
	VEC_PUSH(&notes->list, note);
	return 0;
}

static void release(struct notes *notes)
{
	for (size_t i = 0; i < notes->list.n; i++)
		docker_note_release(&notes->list.v[i]);
	for (size_t i = 0; i < notes->jobs.n; i++)
		free(notes->jobs.v[i]);
	VEC_RELEASE(&notes->list);
	VEC_RELEASE(&notes->jobs);
}

/* The rules of the job's own trigger, while it is configured. */
static void set_times(struct docker_settle *how, const struct conf *conf,
	const char *job)
{
	const char *slash = strchr(job, '/');
	const struct conf_trigger *t =
		slash != NULL ? conf_trigger(conf, slash + 1) : NULL;

	how->grace_ms = t != NULL ? t->grace : GRACE_MS;
	how->health_ms = t != NULL ? t->health_timeout : 0;
	how->keep_ms = t != NULL ? t->deploy.keep_failed : 0;
}

static int report(struct driver_recovery *rec, const struct docker_note *note)
{
	struct driver_result res = {0};

	if (note->stuck != NULL)
		driver_result_set(&res, DRIVER_FAILED, "%s", note->stuck);
	else if (docker_note_is_returned(note))
		driver_result_set(&res, DRIVER_ROLLED_BACK, "%s", note->reason);
	else if (docker_note_is_complete(note))
		driver_result_set(&res, DRIVER_DEPLOYED,
			"%s runs %s; finished after a restart of the deployer",
			json_str(json_first(note->done)),
			note->reference != NULL ? note->reference : "it");
	else
		driver_result_set(&res, DRIVER_WAITING,
			"the deployer was restarted; the job runs again");
	memcpy(res.from_digest, note->from, sizeof(note->from));
	memcpy(res.to_digest, note->to, sizeof(note->to));
	docker_memory_result(note, &res);
	res.evidence = note->evidence; /* the note's */
	return rec->report(rec, note->job, &res);
}

static int recover(struct driver_recovery *rec, struct docker_api *api,
	struct notes *notes, struct err *err)
{
	struct docker_settle how = {.api = api, .patience_ms = PATIENCE_MS};
	struct json *filters = json_new_object();
	struct json *kept = docker_kept_all(
		rec->journal, rec->engine->name, err);
	struct json *list = kept != NULL
		? docker_container_list(api, filters, err)
		: NULL;
	char *stuck = NULL;
	int rc = list != NULL ? 0 : -1;

	how.kept = kept;
	json_free(filters);
	/* First those with a note, each by the times of its trigger. */
	for (size_t i = 0; rc == 0 && i < notes->list.n; i++) {
		set_times(&how, rec->conf, notes->list.v[i].job);
		rc = docker_settle_job(&how, list, &notes->list.v[i], err);
		if (rc == 0 && atomic_load(rec->cancel))
			rc = err_retry(err, "the recovery was cancelled");
	}
	set_times(&how, rec->conf, "");
	if (rc == 0)
		rc = docker_settle_rest(&how, list, notes->list.v,
			notes->list.n, &stuck, err);
	for (size_t i = 0; rc == 0 && i < notes->list.n; i++)
		if (report(rec, &notes->list.v[i]) != 0)
			rc = err_retry(err, "the outcome of job %s cannot be "
				"written", notes->list.v[i].job);
	free(stuck);
	json_free(kept);
	json_free(list);
	return rc;
}

int docker_recover_engine(struct driver_recovery *rec, struct err *err)
{
	struct notes notes = {
		.journal = rec->journal, .engine = rec->engine->name};
	struct docker_api *api = docker_api_open(rec->engine, err);
	int rc = -1;

	if (api == NULL)
		return -1;
	if (rec->journal->each(rec->journal, rec->engine->name, add_note,
		    &notes, err) == 0)
		rc = recover(rec, api, &notes, err);
	release(&notes);
	docker_api_close(api);
	return rc;
}
