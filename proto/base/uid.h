/*
 * Ids. An event id is a UUIDv7 (RFC 9562): its text sorts by time, and two
 * made by one process never sort the wrong way round, even when the wall
 * clock steps back. A job id is EVENT/TRIGGER, a record id
 * JOB/ATTEMPT/STATUS: the same act repeated has the same id.
 */
#ifndef PROTO_BASE_UID_H
#define PROTO_BASE_UID_H

#include "proto/base/base.h"

#define UID_LEN 37 /* 36 characters and the NUL */
/* Bytes of the trigger in a job's id: a name of the configuration, or
 * notify:NAME:TRIGGER and the attempt of a redeploy that was done again. */
#define UID_TRIGGER_MAX 128
#define UID_JOB_MAX (UID_LEN + 1 + UID_TRIGGER_MAX) /* with the NUL */
#define UID_RECORD_MAX (UID_JOB_MAX + 32)

/* A new event id for the wall time now; returns buf. Thread-safe. */
char *uid_new(int64_t wall_ms, char buf[UID_LEN]);
/* Ids made from now on sort after this one: the newest in the store. */
void uid_floor(const char *id);
/* The time in the id, ms; -1 if it is not one of ours. */
int64_t uid_time(const char *id);
bool uid_valid(const char *id);

char *uid_job(const char *event, const char *trigger, char buf[UID_JOB_MAX]);
char *uid_record(const char *job, int64_t attempt, const char *status,
	char buf[UID_RECORD_MAX]);

#endif
