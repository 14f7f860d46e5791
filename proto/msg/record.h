/*
 * One row of the access log. Its id is JOB/ATTEMPT/STATUS, so a record that is
 * sent twice is stored once. Rows without a trigger (rejected, ignored,
 * no_trigger) use EVENT//0/STATUS. Exactly one row of an (event, trigger) has
 * final set.
 */
#ifndef PROTO_MSG_RECORD_H
#define PROTO_MSG_RECORD_H

#include "proto/msg/event.h"
#include "proto/msg/job.h"

/* Bytes of request and of response: 8 KiB of a body, most of it escaped, and
 * a few dozen headers. */
#define RECORD_DETAIL_MAX ((size_t)64 << 10)

struct record {
	int64_t time; /* UTC ms */
	char *id;
	char *event;
	char *trigger; /* "" or NULL when no trigger is concerned */
	char *source;
	char *repository;
	char *tag;
	char *digest;
	char *status; /* the access status code: a number or a word */
	bool final;
	char *reason; /* a sentence a person understands */
	char *target; /* e.g. "container web", or NULL */
	int64_t attempt, attempts;
	int64_t next_attempt;  /* UTC ms, or 0 */
	char *duration_ms;     /* JSON object: phase -> ms */
	char *url;             /* with secrets as *** */
	char *request, *response; /* JSON objects */
	char *from_digest, *to_digest;
	char *instance; /* the process that wrote it */
	char *generation; /* of the configuration it decided by, or NULL */
};

extern const struct field_table record_table;

/* A record about the event with status and reason: copies what it needs and
 * fills id (trigger may be NULL), time (now, UTC ms) and the event's fields. */
void record_from_event(struct record *r, const struct event *e,
	const char *trigger, int64_t attempt, const char *status, int64_t now);
/* Sets reason to the formatted sentence. */
void record_reason(struct record *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Is it one of what was to be done and could not be? */
bool record_is_failure(const char *status);
/* All statuses that are words, NULL at the end, each as in docs. */
extern const char *const record_statuses[];

#endif
