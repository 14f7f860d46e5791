#include "logger/row_sum.h"

#include "proto/base/enc.h"
#include "proto/base/fail.h"
#include "proto/base/mem.h"
#include "proto/base/uid.h"
#include "proto/base/utf8.h"

#define TIME_MAX INT64_C(253402300799999) /* the end of the year 9999 */

/* ---- the sum ------------------------------------------------------------------ */

static void add_value(const struct field *f, const char *value, size_t n,
	struct strbuf *out)
{
	uint32_t len = (uint32_t)n;

	strbuf_add_cstr(out, f->name);
	strbuf_add_char(out, '=');
	strbuf_add(out, (const char *)&len, sizeof(len));
	strbuf_add(out, value, n);
}

static void add_field(const struct field *f, const char *p, struct strbuf *out)
{
	const char *text;
	char number[24];
	int64_t n;

	if (f->type == FIELD_STR || f->type == FIELD_JSON) {
		text = *(char *const *)p;
		if (text != NULL && text[0] != '\0')
			add_value(f, text, strlen(text), out);
		return;
	}
	n = f->type == FIELD_BOOL ? *(const bool *)p : *(const int64_t *)p;
	snprintf(number, sizeof(number), "%lld", (long long)n);
	if (n != 0)
		add_value(f, number, strlen(number), out);
}

int64_t row_sum(const struct record *r)
{
	unsigned char hash[ENC_SHA256_LEN];
	struct strbuf text = {0};
	uint64_t sum = 0;

	for (size_t i = 0; i < record_table.n; i++) {
		const struct field *f = &record_table.fields[i];

		add_field(f, (const char *)r + f->offset, &text);
	}
	enc_sha256(text.buf, text.len, hash);
	strbuf_release(&text);
	for (size_t i = 0; i < 8; i++)
		sum = sum << 8 | hash[i];
	sum >>= 1;
	return sum != 0 ? (int64_t)sum : 1;
}

bool row_sum_fits(const struct record *r, int64_t sum)
{
	if (r->id == NULL || r->event == NULL || r->status == NULL)
		return false; /* no row was ever stored without */
	return sum == ROW_SUM_OLD || sum == row_sum(r) ||
		FAIL_POINT("log.sum");
}

/* ---- what is left of it --------------------------------------------------------- */

static char *legible(const char *text)
{
	struct str s = str_from(text ? text : "");

	return s.n > 0 && utf8_prefix(s, s.n) == s.n ? xstrdup(text) : NULL;
}

static int64_t likely_time(const struct record *r)
{
	int64_t of_event = r->event != NULL ? uid_time(r->event) : -1;

	if (r->time > 0 && r->time <= TIME_MAX)
		return r->time;
	return of_event > 0 && of_event <= TIME_MAX ? of_event : 1;
}

void row_damaged(const struct record *r, struct record *out)
{
	char *status = legible(r->status), *reason = legible(r->reason);

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < record_table.n; i++) {
		const struct field *f = &record_table.fields[i];

		if (f->type == FIELD_STR)
			*(char **)((char *)out + f->offset) = legible(
				*(char *const *)((const char *)r + f->offset));
	}
	out->id = out->id != NULL ? out->id : xstrdup("?");
	out->event = out->event != NULL ? out->event : xstrdup("?");
	out->time = likely_time(r);
	free(out->status);
	out->status = xstrdup(ROW_DAMAGED);
	free(out->reason);
	out->reason = NULL;
	record_reason(out, "this row was changed on the disk, its checksum "
		"differs: nothing in it is sure; it says `%s`%s%s",
		status ? status : "?", reason ? ": " : "",
		reason ? reason : "");
	free(status);
	free(reason);
}
