#include "logger/row.h"

#include "proto/base/utf8.h"
#include "proto/data/json.h"

/* ---- JSON ------------------------------------------------------------------ */

static void json_time(int64_t ms, struct strbuf *out)
{
	char buf[STR_TIME_LEN];

	if (ms)
		strbuf_addf(out, "\"%s\"", str_time(ms, buf));
	else
		strbuf_add_cstr(out, "null");
}

/* A detail as a value of the row, on the row's line. */
static void json_detail(const char *text, struct strbuf *out)
{
	struct json *j = text != NULL && text[0] != '\0'
		? json_parse(str_from(text), NULL, NULL)
		: NULL;

	json_write(j, out);
	json_free(j);
}

static bool is_time(const struct field *f)
{
	return strcmp(f->name, "time") == 0 ||
		strcmp(f->name, "next_attempt") == 0;
}

static void json_member(const struct field *f, const void *p,
	struct strbuf *out)
{
	const char *text = NULL;
	int64_t number;

	switch (f->type) {
	case FIELD_STR:
		text = *(char *const *)p;
		if (text)
			json_write_str(str_from(text), out);
		else
			strbuf_add_cstr(out, "null");
		return;
	case FIELD_JSON:
		json_detail(*(char *const *)p, out);
		return;
	case FIELD_I64:
		number = *(const int64_t *)p;
		if (is_time(f))
			json_time(number, out);
		else
			strbuf_addf(out, "%lld", (long long)number);
		return;
	case FIELD_BOOL:
		strbuf_add_cstr(out, *(const bool *)p ? "true" : "false");
		return;
	case FIELD_STRS:
	case FIELD_I64S:
	case FIELD_SUB:
		BUG("a record has no field of this type: %s", f->name);
	}
}

void row_json(const struct record *r, struct strbuf *out)
{
	for (size_t i = 0; i < record_table.n; i++) {
		const struct field *f = &record_table.fields[i];

		strbuf_addf(out, "%c\"%s\":", i ? ',' : '{', f->name);
		json_member(f, (const char *)r + f->offset, out);
	}
	strbuf_add_char(out, '}');
}

/* ---- text ------------------------------------------------------------------- */

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define DIM "\033[2m"
#define RESET "\033[0m"

enum row_outcome row_outcome(const char *status)
{
	static const char *const quiet[] = {"untriggered", "no_trigger",
		"ignored", "duplicate", "superseded", "dry_run", "waiting",
		"stale", "rejected"};

	if (strcmp(status, "deployed") == 0 ||
		strcmp(status, "unchanged") == 0 || status[0] == '2')
		return ROW_WELL;
	for (size_t i = 0; i < ARRAY_LEN(quiet); i++)
		if (strcmp(quiet[i], status) == 0)
			return ROW_QUIET;
	return ROW_BADLY;
}

static const char *status_colour(const char *status)
{
	static const char *const yellow[] = {"waiting", "stale", "rejected"};

	for (size_t i = 0; i < ARRAY_LEN(yellow); i++)
		if (strcmp(yellow[i], status) == 0)
			return YELLOW;
	if (strcmp(status, "unchanged") == 0)
		return DIM;
	switch (row_outcome(status)) {
	case ROW_WELL:
		return GREEN;
	case ROW_QUIET:
		return DIM;
	default:
		return RED;
	}
}

/* What a terminal may take as a command: C0, DEL and C1 controls, line and
 * paragraph separators, and what turns the direction of writing. */
static bool is_dangerous(const char *p, size_t n)
{
	unsigned char a = (unsigned char)p[0];
	unsigned char b = n > 1 ? (unsigned char)p[1] : 0;
	unsigned char c = n > 2 ? (unsigned char)p[2] : 0;

	if (n == 1)
		return a < 0x20 || a == 0x7f;
	if (n == 2)
		return a == 0xc2 && b < 0xa0;
	if (n != 3 || a != 0xe2)
		return false;
	return (b == 0x80 && (c == 0x8e || c == 0x8f ||
				     (c >= 0xa8 && c <= 0xae))) ||
		(b == 0x81 && c >= 0xa6 && c <= 0xa9);
}

int row_safe(const char *text, struct strbuf *out)
{
	struct str rest = str_from(text);
	int used = 0;

	while (rest.n > 0) {
		size_t n = utf8_step(rest);

		/* Characters above ASCII stay: a reason may quote them. */
		if (n > 0 && !is_dangerous(rest.p, n)) {
			strbuf_add(out, rest.p, n);
			used++;
		} else {
			n = n > 0 ? n : 1;
			for (size_t i = 0; i < n; i++)
				strbuf_addf(out, "\\x%02x",
					(unsigned char)rest.p[i]);
			used += 4 * (int)n;
		}
		rest = str_cut(rest, n, rest.n);
	}
	return used;
}

/* One line of columns. A long text takes from the width of those after it, so
 * that they stand in line again as soon as they can. */
struct line {
	struct strbuf *out;
	int at, stop;
};

static void column(struct line *l, const char *text, int width)
{
	l->stop += width + 2;
	for (l->at += row_safe(text, l->out) + 2; l->at < l->stop; l->at++)
		strbuf_add_char(l->out, ' ');
	strbuf_add_cstr(l->out, "  ");
}

/* What was pushed, and where to; of a request that was refused before that was
 * known: what it was posted to, and from where. */
static void reference(const struct record *r, struct strbuf *ref,
	struct strbuf *target)
{
	struct json *q = NULL;
	const char *path, *peer;

	if (r->repository)
		strbuf_add_cstr(ref, r->repository);
	if (r->tag && *r->tag)
		strbuf_addf(ref, ":%s", r->tag);
	if (r->target)
		strbuf_add_cstr(target, r->target);
	if (ref->len == 0 && target->len == 0 && r->request)
		q = json_parse(str_from(r->request), NULL, NULL);
	path = json_str(json_get(q, "path"));
	peer = json_str(json_get(q, "peer"));
	if (r->source && q)
		strbuf_addf(ref, "source %s", r->source);
	else if (path)
		strbuf_add_cstr(ref, path);
	if (peer)
		strbuf_addf(target, "from %s", peer);
	json_free(q);
}

static void trim_right(struct strbuf *out)
{
	while (out->len && out->buf[out->len - 1] == ' ')
		strbuf_truncate(out, out->len - 1);
}

/* "attempt 2/10, next 2026-11-23T11:49:00.123Z, 120 ms" */
static void details(const struct record *r, struct strbuf *out)
{
	struct err err = {0};
	struct json *d = r->duration_ms
		? json_parse(str_from(r->duration_ms), NULL, &err)
		: NULL;
	int64_t total = json_i64(json_get(d, "total"), -1);
	char when[STR_TIME_LEN];
	const char *sep = " (";

	if (r->attempts > 1) {
		strbuf_addf(out, "%sattempt %lld/%lld", sep,
			(long long)r->attempt, (long long)r->attempts);
		sep = ", ";
	}
	if (r->next_attempt) {
		strbuf_addf(out, "%snext %s", sep,
			str_time(r->next_attempt, when));
		sep = ", ";
	}
	if (total >= 0) {
		strbuf_addf(out, "%s%lld ms", sep, (long long)total);
		sep = ", ";
	}
	if (sep[0] == ',')
		strbuf_add_char(out, ')');
	json_free(d);
}

void row_text(const struct record *r, bool colour, struct strbuf *out)
{
	struct strbuf ref = {0}, target = {0};
	struct line l = {.out = out};
	char when[STR_TIME_LEN];

	str_time(r->time, when);
	when[10] = ' ';
	when[19] = '\0';
	reference(r, &ref, &target);
	strbuf_addf(out, "%s  ", when);
	if (colour)
		strbuf_add_cstr(out, status_colour(r->status));
	column(&l, r->status, 11);
	if (colour)
		strbuf_add_cstr(out, r->final ? RESET : RESET DIM);
	column(&l, r->trigger && *r->trigger ? r->trigger : "-", 12);
	column(&l, ref.len ? strbuf_cstr(&ref) : "-", 28);
	column(&l, target.len ? strbuf_cstr(&target) : "-", 16);
	column(&l, r->reason, 0);
	trim_right(out);
	details(r, out);
	if (colour)
		strbuf_add_cstr(out, RESET);
	strbuf_release(&target);
	strbuf_release(&ref);
}
