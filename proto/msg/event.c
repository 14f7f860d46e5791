#include "proto/msg/event.h"

#include "proto/base/uid.h"

#define TEXT(member, max, flags, help) \
	FIELD(struct event, member, FIELD_STR, max, flags, help)

static const struct field fields[] = {
	TEXT(id, UID_LEN - 1, FIELD_REQUIRED,
		"UUIDv7, made by ingress: sorts by time."),
	TEXT(source, 64, FIELD_REQUIRED,
		"Name of the configured source that posted it."),
	TEXT(sender_id, 255, 0, "The sender's own id of the event."),
	TEXT(registry, 255, 0,
		"host[:port] that images are pulled from."),
	TEXT(repository, 255, FIELD_REQUIRED,
		"Full name without the registry's host, in OCI grammar."),
	TEXT(tag, 128, FIELD_REQUIRED, "The tag that was pushed."),
	TEXT(digest, 71, 0,
		"sha256: and 64 hex digits; absent when the sender told none."),
	FIELD(struct event, time, FIELD_I64, 0, FIELD_REQUIRED,
		"When ingress accepted it, ms since the epoch, UTC; the later "
		"event wins a target."),
	FIELD(struct event, pushed_at, FIELD_I64, 0, 0,
		"The sender's time of the push, ms since the epoch, UTC."),
	TEXT(region, 64, 0, "As the sender or the source has it."),
	TEXT(date_created, 64, 0, "As the sender had it."),
	TEXT(auth_type, 64, 0, "As the sender had it."),
	TEXT(origin_type, 64, 0, "As the sender had it."),
	TEXT(repo_type, 64, 0, "As the sender had it."),
	FIELD(struct event, hops, FIELD_I64, 0, 0,
		"How many Pullwires have passed this push on by trigger URLs; "
		"too many are a loop."),
	TEXT(trigger, 64, 0,
		"The one trigger that it is for: it came by that trigger's own "
		"URL. Absent: every trigger."),
	FIELD(struct event, again, FIELD_I64, 0, 0,
		"How often the sender has sent it again after a matcher had "
		"acknowledged it. A job that ended in failure is done again "
		"when this is higher than it was; one that did not is not."),
};

const struct field_table event_table = {
	.name = "event",
	.help = "One normalised push: a tag of a repository now points to an "
		"image. From ingress to matchers.",
	.size = sizeof(struct event),
	.fields = fields,
	.n = ARRAY_LEN(fields),
};

static bool has(const char *s)
{
	return s != NULL && *s != '\0';
}

void event_reference(const struct event *e, struct strbuf *out)
{
	if (has(e->registry))
		strbuf_addf(out, "%s/", e->registry);
	strbuf_add_str(out, str_from(e->repository));
	/* A way back to what was pinned has the digest in the tag's place. */
	if (has(e->tag) && !strchr(e->tag, ':'))
		strbuf_addf(out, ":%s", e->tag);
	if (has(e->digest))
		strbuf_addf(out, "@%s", e->digest);
}
