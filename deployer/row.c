#include "deployer/row.h"

#include "proto/base/mem.h"

void row_init(struct record *r, const struct job *job,
	const struct conf_trigger *trigger, int64_t attempt,
	const char *status, int64_t now)
{
	struct strbuf target = {0}, url = {0};

	record_from_event(
		r, &job->event, job->trigger, attempt, status, now);
	if (!trigger)
		return;
	conf_trigger_target(trigger, &target);
	r->target = strbuf_detach(&target);
	if (!trigger->url)
		return;
	conf_trigger_url(trigger, &url);
	r->url = strbuf_detach(&url);
}

/* The clocks of two machines may differ: never less than nothing. */
static int64_t between(int64_t from, int64_t to)
{
	return to > from ? to - from : 0;
}

static int64_t phase(const struct driver_phases *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].name, name) == 0)
			return p->v[i].ms;
	return 0;
}

void row_durations(struct record *r, const struct row_times *t)
{
	struct strbuf sb = {0};
	int64_t stopped = t->phases ? t->phases->stopped_at : 0;

	strbuf_addf(&sb, "{\"arrival\":%lld",
		(long long)between(t->event, t->enqueued));
	if (t->started)
		strbuf_addf(&sb, ",\"wait\":%lld",
			(long long)between(t->since, t->started));
	for (size_t i = 0; t->phases && i < t->phases->n; i++)
		strbuf_addf(&sb, ",\"%s\":%lld", t->phases->v[i].name,
			(long long)t->phases->v[i].ms);
	if (stopped)
		strbuf_addf(&sb, ",\"until_stopped\":%lld",
			(long long)between(
				t->event + phase(t->phases, "pull"), stopped));
	strbuf_addf(&sb, ",\"total\":%lld}",
		(long long)between(t->event, t->ended));
	free(r->duration_ms);
	r->duration_ms = strbuf_detach(&sb);
}

void row_result(struct record *r, const struct driver_result *result)
{
	r->final = result->status != DRIVER_WAITING &&
		result->status != DRIVER_LATER &&
		!(result->status == DRIVER_FAILED &&
			result->cls == ERR_RETRY);
	record_reason(r, "%s", result->reason);
	if (result->evidence) {
		free(r->response);
		r->response = xstrdup(result->evidence);
	}
	if (result->from_digest[0])
		r->from_digest = xstrdup(result->from_digest);
	if (result->to_digest[0])
		r->to_digest = xstrdup(result->to_digest);
}

bool row_is_done(const struct record *r)
{
	return strcmp(r->status, "deployed") == 0 ||
		strcmp(r->status, "unchanged") == 0 ||
		(strlen(r->status) == 3 && r->status[0] == '2');
}
