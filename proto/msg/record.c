#include "proto/msg/record.h"

#include <stdarg.h>

#include "proto/base/mem.h"
#include "proto/base/uid.h"
#include "proto/base/utf8.h"

#define REASON_MAX 1024

#define TEXT(member, max, flags, help) \
	FIELD(struct record, member, FIELD_STR, max, flags, help)
#define JSON(member, max, help) \
	FIELD(struct record, member, FIELD_JSON, max, 0, help)
#define NUMBER(member, flags, help) \
	FIELD(struct record, member, FIELD_I64, 0, flags, help)

static const struct field fields[] = {
	NUMBER(time, FIELD_REQUIRED,
		"When it was decided, ms since the epoch, UTC."),
	TEXT(id, UID_RECORD_MAX - 1, FIELD_REQUIRED,
		"JOB/ATTEMPT/STATUS, or EVENT//0/STATUS without a trigger: a "
		"row that comes twice is stored once."),
	TEXT(event, UID_LEN - 1, FIELD_REQUIRED, "The event's id."),
	TEXT(trigger, UID_TRIGGER_MAX, 0,
		"The trigger's name; absent when none is concerned."),
	TEXT(source, 64, 0, "Name of the source."),
	TEXT(repository, 255, 0, "Full name without the registry's host."),
	TEXT(tag, 128, 0, "The tag that was pushed."),
	TEXT(digest, 71, 0, "The digest that was pushed."),
	TEXT(status, 32, FIELD_REQUIRED,
		"The access status code: an HTTP status or a word."),
	FIELD(struct record, final, FIELD_BOOL, 0, 0,
		"The last row of its event and trigger."),
	TEXT(reason, REASON_MAX, 0, "A sentence a person understands."),
	TEXT(target, 255, 0, "What was to be redeployed."),
	NUMBER(attempt, 0, "Which try this was, from 1; 0 for none."),
	NUMBER(attempts, 0, "How many tries there are at most."),
	NUMBER(next_attempt, 0,
		"When it is tried again, ms since the epoch, UTC."),
	JSON(duration_ms, 1024, "An object: phase to ms."),
	TEXT(url, 2048, 0, "The trigger URL, secrets as ***."),
	JSON(request, RECORD_DETAIL_MAX, "What was sent: headers and body."),
	JSON(response, RECORD_DETAIL_MAX, "What was answered: headers and body."),
	TEXT(from_digest, 71, 0, "The image that ran before."),
	TEXT(to_digest, 71, 0, "The image that runs after."),
	TEXT(instance, 255, 0, "The process that wrote the row."),
	TEXT(generation, 16, 0,
		"The configuration it was decided by: the same for the same "
		"content in every process."),
};

const struct field_table record_table = {
	.name = "record",
	.help = "One row of the access log. From all processes to loggers.",
	.size = sizeof(struct record),
	.fields = fields,
	.n = ARRAY_LEN(fields),
};

const char *const record_statuses[] = {
	/* rules and intake */
	"untriggered", "no_trigger", "duplicate", "superseded", "stale",
	"expression_error", "rejected", "ignored",
	/* trigger URLs, beside the HTTP statuses */
	"timeout", "dns_error", "connect_error",
	"tls_expired", "tls_not_yet_valid", "tls_self_signed", "tls_untrusted",
	"tls_incomplete", "tls_wrong_name", "tls_weak", "tls_version",
	"tls_error",
	"blocked_address", "blocked_port", "loop_blocked",
	/* redeploys */
	"deployed", "unchanged", "rolled_back", "failed", "refused", "waiting",
	"dry_run",
	NULL,
};

bool record_is_failure(const char *status)
{
	static const char *const words[] = {"rolled_back", "failed", "refused",
		"timeout", "dns_error", "connect_error", "blocked_address",
		"blocked_port", "loop_blocked", "expression_error"};
	int64_t number;

	if (str_to_i64(str_from(status), &number) == 0)
		return number < 200 || number > 299;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(status, words[i]))
			return true;
	return strncmp(status, "tls_", 4) == 0;
}

void record_from_event(struct record *r, const struct event *e,
	const char *trigger, int64_t attempt, const char *status, int64_t now)
{
	char job[UID_JOB_MAX];
	char id[UID_RECORD_MAX];

	uid_job(e->id, trigger != NULL ? trigger : "", job);
	uid_record(job, attempt, status, id);
	*r = (struct record){
		.time = now,
		.id = xstrdup(id),
		.event = xstrdup(e->id),
		.trigger = xstrdup_null(trigger),
		.source = xstrdup_null(e->source),
		.repository = xstrdup_null(e->repository),
		.tag = xstrdup_null(e->tag),
		.digest = xstrdup_null(e->digest),
		.status = xstrdup(status),
		.attempt = attempt,
	};
}

void record_reason(struct record *r, const char *fmt, ...)
{
	char text[REASON_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* the cut may have halved a character */
	if (strlen(text) == REASON_MAX)
		text[utf8_prefix(str_from(text), REASON_MAX)] = '\0';
	free(r->reason);
	r->reason = xstrdup(text);
}
