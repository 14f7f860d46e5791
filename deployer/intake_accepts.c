/* The intake's decisions about one job. See intake.h. */
#include "deployer/intake.h"

#include "deployer/row.h"
#include "deployer/target.h"
#include "proto/base/log.h"

/* A changed configuration does not reach all processes at the same moment. */
#define SETTLE_MS 60000

bool intake_accepts(const struct conf *conf, const struct job *job,
	int64_t now, struct strbuf *key, bool *coalesce,
	struct record *refused)
{
	struct err err;
	struct row_times times = {.event = job->event.time, .enqueued = now,
		.ended = now};
	const struct conf_trigger *t = target_find(conf, job, &err);

	if (t) {
		target_key(t, key);
		*coalesce = !t->url;
		return true;
	}
	/* The trigger of that name may be another one: nothing of it is told. */
	row_init(refused, job, NULL, 0, "refused", now);
	refused->final = true;
	record_reason(refused, "%s", err.text);
	row_durations(refused, &times);
	return false;
}

void intake_parks(const struct job *job, unsigned deaths, int64_t now,
	struct record *row)
{
	row_init(row, job, NULL, 1, "failed", now);
	row->final = true;
	record_reason(row, "parked: the deployer died %u times in a row when "
		"it was given this job; when the cause is mended, push the tag "
		"again", deaths);
	log_error(job->id, "%s", row->reason);
}

/* Its trigger, and who it is from: what verify.h refuses later. */
static bool is_known(const struct conf *conf, const struct job *job,
	struct err *err)
{
	if (!target_find(conf, job, err))
		return false;
	if (job->notice || job->event.trigger ||
		conf_source(conf, str_from(job->event.source)))
		return true;
	err_fail(err, "source %s is not configured here yet",
		job->event.source);
	return false;
}

bool intake_is_early(const struct conf *conf, const struct job *job,
	int64_t now, struct err *err)
{
	return !is_known(conf, job, err) && job->generation &&
		strcmp(job->generation, conf->generation) != 0 &&
		now - job->event.time < SETTLE_MS;
}
