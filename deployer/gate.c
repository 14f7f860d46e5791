#include "deployer/gate.h"

#include <stdarg.h>

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

/* One more thing that it waits for. */
static void add(struct strbuf *why, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void add(struct strbuf *why, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strbuf_addf(why, "%s%s", why->len ? "; " : "", text);
}

static void add_window(const struct conf_trigger *t, int64_t opens,
	struct strbuf *why)
{
	char when[STR_TIME_LEN];

	add(why, "outside its window");
	for (size_t i = 0; i < t->window.n; i++)
		strbuf_addf(why, "%s `%s`", i ? "," : "", t->window.v[i]);
	strbuf_addf(why, ": waits until %s", str_time(opens, when));
}

enum gate_answer gate_ask(const struct conf_trigger *t, const struct job *job,
	const struct gate_facts *facts, int64_t *due, struct strbuf *why)
{
	int64_t old_at = job->event.time + t->min_age;
	char when[STR_TIME_LEN];

	if (t->dry_run) {
		would_do(t, job, why);
		return GATE_END;
	}
	*due = 0;
	if (facts->now < old_at) {
		*due = old_at;
		add(why, "the push must be %lld s old: waits until %s",
			(long long)t->min_age / 1000, str_time(old_at, when));
	}
	if (facts->now < facts->opens) {
		*due = *due < facts->opens ? facts->opens : *due;
		add_window(t, facts->opens, why);
	}
	if (t->approve && !facts->approved) {
		*due = 0;
		add(why, "waits for approval: pullwire-deployer queue approve "
			 "%s", job->id);
	}
	return why->len ? GATE_WAIT : GATE_GO;
}
