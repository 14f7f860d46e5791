#include "logger/query.h"

#include <inttypes.h>

#include "logger/row_sum.h"
#include "proto/base/mem.h"

void query_init(struct query *q)
{
	memset(q, 0, sizeof(*q));
	q->limit = QUERY_LIMIT_DEFAULT;
}

/* "2h" back from now, or an RFC 3339 time. */
static int set_time(int64_t *out, const char *key, const char *value,
	int64_t now, struct err *err)
{
	int64_t ms;

	if (str_to_duration(str_from(value), &ms) == 0)
		*out = now - ms;
	else if (str_to_time(str_from(value), &ms) == 0)
		*out = ms;
	else
		return err_fail(err, "%s: `%.64s` is neither a time such as "
			"2026-11-23T11:49:00Z nor an age such as 30m, 2h or "
			"7d", key, value);
	return 0;
}

static int set_number(int64_t *out, const char *key, const char *value,
	int64_t max, struct err *err)
{
	int64_t n;

	if (str_to_i64(str_from(value), &n) < 0 || n < 1 || n > max)
		return err_fail(err, "%s: `%.64s` is not a number from 1 to "
			"%lld", key, value, (long long)max);
	*out = n;
	return 0;
}

char *query_cursor(const struct query_cursor *at, char buf[QUERY_CURSOR_LEN])
{
	snprintf(buf, QUERY_CURSOR_LEN, "%" PRId64 "_%" PRId64, at->time,
		at->seq);
	return buf;
}

static int set_cursor(struct query_cursor *out, const char *key,
	const char *value, struct err *err)
{
	struct str rest = str_from(value), time, seq;
	struct query_cursor at;

	if (!str_split(&rest, '_', &time) || !str_split(&rest, '_', &seq) ||
		rest.p != NULL || str_to_i64(time, &at.time) < 0 ||
		str_to_i64(seq, &at.seq) < 0 || at.seq < 1)
		return err_fail(err, "%s: `%.64s` is not what `next` of a page "
			"said", key, value);
	*out = at;
	return 0;
}

/* Else a word that is misspelt finds nothing, as if nothing had happened. */
static int check_status(const char *value, struct err *err)
{
	struct strbuf words = {0};
	int64_t number;

	if (strcmp(value, ROW_DAMAGED) == 0)
		return err_fail(err, "status: no row is stored as `"
			ROW_DAMAGED "`, it is found when it is read: "
			"`pullwire-logger verify` reads all rows and prints "
			"those");
	if (str_to_i64(str_from(value), &number) == 0)
		return 0; /* HTTP */
	for (const char *const *s = record_statuses; *s != NULL; s++) {
		if (strcmp(value, *s) == 0) {
			strbuf_release(&words);
			return 0;
		}
		strbuf_addf(&words, "%s%s", words.len ? ", " : "", *s);
	}
	err_fail(err, "status: `%.32s` is neither an HTTP status nor one of "
		"%s", value, strbuf_cstr(&words));
	strbuf_release(&words);
	return -1;
}

int query_set(struct query *q, const char *key, const char *value,
	int64_t now, struct err *err)
{
	const struct {
		const char *key;
		char **out;
	} texts[] = {
		{"trigger", &q->trigger}, {"repository", &q->repository},
		{"tag", &q->tag}, {"status", &q->status}, {"event", &q->event},
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (strcmp(key, texts[i].key) != 0)
			continue;
		if (!*value || strlen(value) > 255)
			return err_fail(err, "%s: takes 1 to 255 bytes", key);
		if (texts[i].out == &q->status && check_status(value, err) < 0)
			return -1;
		free(*texts[i].out);
		*texts[i].out = xstrdup(value);
		return 0;
	}
	if (strcmp(key, "since") == 0)
		return set_time(&q->since, key, value, now, err);
	if (strcmp(key, "until") == 0)
		return set_time(&q->until, key, value, now, err);
	if (strcmp(key, "limit") == 0)
		return set_number(&q->limit, key, value, QUERY_LIMIT_MAX, err);
	if (strcmp(key, "after") == 0)
		return set_cursor(&q->after, key, value, err);
	return err_fail(err, "`%.64s` is no parameter: trigger, repository, "
			     "tag, status, event, since, until, limit, after",
		key);
}

static bool is(const char *filter, const char *value)
{
	return filter == NULL || (value != NULL && strcmp(filter, value) == 0);
}

bool query_matches(const struct query *q, const struct record *r)
{
	return is(q->trigger, r->trigger) && is(q->repository, r->repository) &&
		is(q->tag, r->tag) && is(q->status, r->status) &&
		is(q->event, r->event) && (q->since == 0 || r->time >= q->since) &&
		(q->until == 0 || r->time < q->until);
}

void query_release(struct query *q)
{
	free(q->trigger);
	free(q->repository);
	free(q->tag);
	free(q->status);
	free(q->event);
	memset(q, 0, sizeof(*q));
}
