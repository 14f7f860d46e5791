#include "deployer/gate.h"

static void would_do(const struct conf_trigger *t, const struct job *job,
	struct strbuf *why)
{
	strbuf_add_cstr(why, "dry run, nothing is done: ");
	if (t->url) {
		strbuf_add_cstr(why, "would post to ");
		url_redact(str_from(t->url), why);
	} else {
		strbuf_add_cstr(why, "would redeploy ");
		conf_trigger_target(t, why);
	}
	strbuf_add_cstr(why, " with ");
	event_reference(&job->event, why);
	if (job->reason)
		strbuf_addf(why, ", since %s", job->reason);
}

enum gate_answer gate_ask(const struct conf_trigger *t, const struct job *job,
	bool approved, int64_t now, int64_t *due, struct strbuf *why)
{
	char when[STR_TIME_LEN];

	if (t->dry_run) {
		would_do(t, job, why);
		return GATE_END;
	}
	if (t->approve && !approved) {
		*due = now + GATE_LOOK_MS;
		strbuf_addf(why, "waits for approval: pullwire-deployer queue "
				 "approve %s", job->id);
		return GATE_WAIT;
	}
	if (now < job->event.time + t->min_age) {
		*due = job->event.time + t->min_age;
		strbuf_addf(why, "the push must be %lld s old: waits until %s",
			(long long)t->min_age / 1000, str_time(*due, when));
		return GATE_WAIT;
	}
	return GATE_GO;
}
