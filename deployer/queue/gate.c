#include "deployer/queue/gate.h"

#include <stdarg.h>

#include "deployer/queue/version.h"

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

static const char *number(const char *version)
{
	const char *space = version ? strchr(version, ' ') : NULL;

	return space ? space + 1 : "";
}

/* A matcher that reads another configuration may tell no version; one of
 * another kind cannot be compared: then it is taken. */
static bool is_newer(const struct job *job, const struct gate_last *last,
	struct strbuf *why)
{
	char when[STR_TIME_LEN];
	int order;

	if (!job->version || !last->version ||
		version_compare(job->version, last->version, &order) < 0 ||
		order > 0)
		return true;
	strbuf_addf(why, "version %s of tag `%s` is %s version %s of tag `%s`, "
			 "which was done last (%s)", number(job->version),
		job->event.tag, order ? "below" : "the same as",
		number(last->version), last->tag ? last->tag : "",
		str_time(last->time, when));
	return false;
}

static bool is_same(const struct job *job, const struct gate_last *last,
	struct strbuf *why)
{
	char when[STR_TIME_LEN];

	if (!job->event.digest || !last->digest ||
		strcmp(job->event.digest, last->digest) != 0)
		return false;
	strbuf_addf(why, "tag `%s` has the digest of tag `%s`, which was done "
			 "last (%s)", job->event.tag,
		last->tag ? last->tag : "", str_time(last->time, when));
	return true;
}

const char *gate_status(enum gate_answer answer)
{
	switch (answer) {
	case GATE_WAIT:
		return "waiting";
	case GATE_DRY_RUN:
		return "dry_run";
	case GATE_NOT_NEWER:
		return "untriggered";
	case GATE_SAME:
		return "unchanged";
	case GATE_GO:
		break;
	}
	BUG("answer %d", (int)answer);
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
	/* An event may be of the future: ids go on when a clock goes back. */
	bool early = facts->enqueued && facts->enqueued < job->event.time;
	int64_t old_at = t->min_age +
		(early ? facts->enqueued : job->event.time);
	char when[STR_TIME_LEN];

	if (!facts->ordered && t->newer_only &&
		!is_newer(job, &facts->last, why))
		return GATE_NOT_NEWER;
	if (!facts->ordered && t->digest_changed &&
		is_same(job, &facts->last, why))
		return GATE_SAME;
	if (t->dry_run) {
		would_do(t, job, why);
		return GATE_DRY_RUN;
	}
	*due = 0;
	if (!facts->forced && t->min_age && facts->now < old_at) {
		*due = old_at;
		add(why, "the push must be %lld s old: waits until %s",
			(long long)t->min_age / 1000, str_time(old_at, when));
	}
	if (!facts->forced && facts->now < facts->opens) {
		*due = *due < facts->opens ? facts->opens : *due;
		add_window(t, facts->opens, why);
	}
	if (t->approve && !facts->approved && !facts->forced) {
		*due = 0;
		add(why, "waits for approval: pullwire-deployer queue approve "
			 "%s", job->id);
	}
	if (facts->paused) {
		*due = 0;
		add(why, "is held by hand: pullwire-deployer queue release %s",
			job->id);
	}
	return why->len ? GATE_WAIT : GATE_GO;
}
