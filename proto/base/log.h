/*
 * The daemon's own log, on stderr: one line a message,
 *   2026-11-23T11:49:00.123Z warn ingress 0193…-event-id: text
 * Severities have fixed meanings: debug (topic tracing), info (life cycle),
 * warn (the world misbehaves, we go on), error (something is not done),
 * fatal (the environment does not let us run: log_fatal exits 1).
 * A broken invariant is BUG(). Bad input is never fatal.
 * Every message goes through str_safe() here, so a text from outside cannot
 * forge a line. Each line is one write(), cut at 4 KiB; any thread may write.
 * The severity is coloured when stderr is a terminal and NO_COLOR is unset.
 * For collectors a line can be a JSON object instead:
 *   {"time":"…","level":"warn","role":"ingress","id":"…","message":"text"}
 */
#ifndef PROTO_BASE_LOG_H
#define PROTO_BASE_LOG_H

#include "proto/base/base.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_FATAL };

void log_init(const char *program, enum log_level min);
/* From now on lines are JSON; before there is a second thread. */
void log_as_json(void);
/* Name to level; -1 when unknown. */
int log_level_parse(const char *name, enum log_level *out);

/* id: the event, job or peer that the line is about, or NULL. */
void log_write(enum log_level level, const char *id, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
#define log_debug(id, ...) log_write(LOG_DEBUG, id, __VA_ARGS__)
#define log_info(id, ...) log_write(LOG_INFO, id, __VA_ARGS__)
#define log_warn(id, ...) log_write(LOG_WARN, id, __VA_ARGS__)
#define log_error(id, ...) log_write(LOG_ERROR, id, __VA_ARGS__)
void log_fatal(const char *fmt, ...) PRINTF_LIKE(1, 2) NORETURN;

/*
 * As log_write, but the same key (a short constant or a peer's name) is
 * written at most once in a minute; the next line then says how many were
 * suppressed. For failures that repeat. A key that is the id of an event or a
 * job is what the line is about.
 */
void log_limited(enum log_level level, const char *key, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/*
 * The decision behind log_limited(), pure: may key be written at now (ms)?
 * If so *suppressed is how many were not since the last time.
 */
#define LOG_KEYS 128 /* distinct keys a minute; what comes beyond shares one */
#define LOG_KEY_MAX 64 /* bytes of a key that count */
struct log_gate {
	struct log_key {
		char name[LOG_KEY_MAX];
		bool used;
		int64_t last; /* ms; written then */
		uint64_t suppressed;
	} key[LOG_KEYS + 1]; /* the last is the shared one */
	size_t n;
};
bool log_gate(struct log_gate *g, const char *key, int64_t now,
	uint64_t *suppressed);

#endif
