#include "proto/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/metrics.h"
#include "proto/base/strbuf.h"
#include "proto/base/uid.h"

#define LINE_MAX_LEN 4096
#define REPEAT_MS (60 * 1000)

static const struct {
	const char *name, *colour;
} levels[] = {
	[LOG_DEBUG] = {"debug", "\033[2m"},
	[LOG_INFO] = {"info", "\033[36m"},
	[LOG_WARN] = {"warn", "\033[33m"},
	[LOG_ERROR] = {"error", "\033[31m"},
	[LOG_FATAL] = {"fatal", "\033[1;31m"},
};

/* Set once by log_init() before there is a second thread. */
static struct {
	const char *program;
	enum log_level min;
	bool colour, json;
} state = {.program = "pullwire", .min = LOG_INFO};

static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_gate gate;

void log_init(const char *program, enum log_level min)
{
	const char *no_color = getenv("NO_COLOR");

	state.program = program;
	state.min = min;
	state.colour = isatty(STDERR_FILENO) &&
		(no_color == NULL || no_color[0] == '\0');
}

void log_as_json(void)
{
	state.json = true;
}

int log_level_parse(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (strcmp(levels[i].name, name) == 0) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

/* One write(), so that lines of several processes do not mix. */
static void put_line(const char *line, size_t n)
{
	while (n != 0) {
		ssize_t done = write(STDERR_FILENO, line, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return; /* nobody is left to be told */
		line += done;
		n -= (size_t)done;
	}
}

/* Appends "KEY":"TEXT": what str_safe() left, with quotes escaped. */
static void json_member(struct strbuf *out, const char *key, const char *text)
{
	char safe[LINE_MAX_LEN];

	str_safe(str_from(text), safe, sizeof(safe));
	strbuf_addf(out, "%c\"%s\":\"", out->len ? ',' : '{', key);
	for (const char *p = safe; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			strbuf_add_char(out, '\\');
		strbuf_add_char(out, *p);
	}
	strbuf_add_char(out, '"');
}

static void json_line(enum log_level level, const char *id, const char *text)
{
	struct strbuf line = {0};
	char time[STR_TIME_LEN];

	json_member(&line, "time", str_time(clock_wall(), time));
	json_member(&line, "level", levels[level].name);
	json_member(&line, "role", state.program);
	if (id != NULL)
		json_member(&line, "id", id);
	json_member(&line, "message", text);
	strbuf_add_cstr(&line, "}\n");
	put_line(line.buf, line.len);
	strbuf_release(&line);
}

static void log_line(enum log_level level, const char *id, const char *text)
{
	char line[LINE_MAX_LEN], time[STR_TIME_LEN], safe_id[256];
	size_t at;
	int n;

	if (state.json) {
		json_line(level, id, text);
		return;
	}
	if (id != NULL)
		str_safe(str_from(id), safe_id, sizeof(safe_id));
	n = snprintf(line, sizeof(line), "%s %s%s%s %s%s%s: ",
		str_time(clock_wall(), time),
		state.colour ? levels[level].colour : "", levels[level].name,
		state.colour ? "\033[0m" : "", state.program,
		id != NULL ? " " : "", id != NULL ? safe_id : "");
	at = n < 0 ? 0 : (size_t)n;
	if (at > sizeof(line) - 2)
		at = sizeof(line) - 2;
	str_safe(str_from(text), line + at, sizeof(line) - 1 - at);
	at += strlen(line + at);
	line[at++] = '\n';
	put_line(line, at);
}

static void vlog(enum log_level level, const char *id, const char *fmt,
	va_list ap) __attribute__((format(printf, 3, 0)));

static void vlog(
	enum log_level level, const char *id, const char *fmt, va_list ap)
{
	char text[LINE_MAX_LEN];
	int saved = errno;

	vsnprintf(text, sizeof(text), fmt, ap);
	log_line(level, id, text);
	errno = saved;
}

void log_write(enum log_level level, const char *id, const char *fmt, ...)
{
	va_list ap;

	metric_add(METRIC_LOG_LINES, levels[level].name, NULL, 1);
	if (level < state.min)
		return;
	va_start(ap, fmt);
	vlog(level, id, fmt, ap);
	va_end(ap);
}

void log_fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_FATAL, NULL, fmt, ap);
	va_end(ap);
	exit(1);
}

/* The entry of key; else a free one, or one that rested long enough; else the
 * shared one, so that ever new keys cannot flood the log either. */
static struct log_key *gate_find(
	struct log_gate *g, const char *key, int64_t now)
{
	struct log_key *shared = &g->key[LOG_KEYS];
	struct log_key *k = NULL;

	for (size_t i = 0; i < g->n; i++) {
		if (strncmp(g->key[i].name, key, LOG_KEY_MAX - 1) == 0)
			return &g->key[i];
		if (now - g->key[i].last >= REPEAT_MS)
			k = &g->key[i];
	}
	if (g->n < LOG_KEYS)
		k = &g->key[g->n++];
	if (k == NULL)
		return shared;
	shared->suppressed += k->suppressed;
	*k = (struct log_key){0};
	snprintf(k->name, sizeof(k->name), "%s", key);
	return k;
}

bool log_gate(
	struct log_gate *g, const char *key, int64_t now, uint64_t *suppressed)
{
	struct log_key *k = gate_find(g, key, now);

	if (k->used && now - k->last < REPEAT_MS) {
		k->suppressed++;
		return false;
	}
	*suppressed = k->suppressed;
	k->suppressed = 0;
	k->used = true;
	k->last = now;
	return true;
}

/* EVENT or EVENT/TRIGGER. */
static bool is_id(const char *key)
{
	char event[UID_LEN];
	size_t n = strcspn(key, "/");

	if (n != UID_LEN - 1)
		return false;
	memcpy(event, key, n);
	event[n] = '\0';
	return uid_valid(event);
}

void log_limited(enum log_level level, const char *key, const char *fmt, ...)
{
	char text[LINE_MAX_LEN];
	uint64_t suppressed;
	size_t at;
	va_list ap;
	bool pass;

	metric_add(METRIC_LOG_LINES, levels[level].name, NULL, 1);
	if (level < state.min)
		return;
	pthread_mutex_lock(&gate_lock);
	pass = log_gate(&gate, key, clock_mono(), &suppressed);
	pthread_mutex_unlock(&gate_lock);
	if (!pass)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	at = strlen(text);
	if (suppressed != 0)
		snprintf(text + at, sizeof(text) - at,
			" (and %llu more like this, not shown)",
			(unsigned long long)suppressed);
	log_line(level, is_id(key) ? key : NULL, text);
}
