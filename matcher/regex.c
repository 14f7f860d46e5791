#include "matcher/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "proto/base/mem.h"

struct regex {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *limits;
	/* Of the named groups, in order; the data has room for all then. */
	uint32_t *names;
	size_t n_names;
};

/* Tags are ASCII: a pattern that asks for UTF gains nothing but cost. */
#define OPTIONS \
	(PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C | \
		PCRE2_NEVER_UTF | PCRE2_NEVER_UCP)

#define SHOWN 200 /* bytes of a pattern that a sentence shows */

static pcre2_code *compile(const char *pattern, struct err *err)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_code *code;
	PCRE2_UCHAR text[256];
	size_t offset = 0;
	int number = 0;

	if (context == NULL) {
		err_retry(err, "no memory for the expression");
		return NULL;
	}
	pcre2_set_max_pattern_length(context, REGEX_PATTERN_MAX);
	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
		OPTIONS, &number, &offset, context);
	pcre2_compile_context_free(context);
	if (code != NULL)
		return code;
	if (pcre2_get_error_message(number, text, sizeof(text)) < 0)
		snprintf((char *)text, sizeof(text), "error %d", number);
	err_set(err, ERR_FAIL, number, "%s at byte %zu of `%.*s`",
		(const char *)text, offset, SHOWN, pattern);
	return NULL;
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* PCRE2's table has each name behind its group's number, in two bytes. */
static void find_names(struct regex *r)
{
	uint32_t n = 0, size = 0;
	PCRE2_SPTR table = NULL;

	pcre2_pattern_info(r->code, PCRE2_INFO_NAMECOUNT, &n);
	if (n == 0)
		return;
	pcre2_pattern_info(r->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	pcre2_pattern_info(r->code, PCRE2_INFO_NAMETABLE, &table);
	r->names = xcalloc(n, sizeof(*r->names));
	for (; r->n_names < n; r->n_names++, table += size)
		r->names[r->n_names] = (uint32_t)table[0] << 8 | table[1];
	qsort(r->names, r->n_names, sizeof(*r->names), ascending);
}

struct regex *regex_new(const char *pattern, struct err *err)
{
	pcre2_code *code = compile(pattern, err);
	struct regex *r;

	if (code == NULL)
		return NULL;
	r = xcalloc(1, sizeof(*r));
	r->code = code;
	find_names(r);
	/* Else only whether it matches is asked: one pair of offsets. */
	r->data = r->n_names > 0
		? pcre2_match_data_create_from_pattern(code, NULL)
		: pcre2_match_data_create(1, NULL);
	r->limits = pcre2_match_context_create(NULL);
	if (r->data == NULL || r->limits == NULL) {
		regex_free(r);
		err_retry(err, "no memory for the expression");
		return NULL;
	}
	pcre2_set_match_limit(r->limits, REGEX_MATCH_LIMIT);
	pcre2_set_depth_limit(r->limits, REGEX_DEPTH_LIMIT);
	pcre2_set_heap_limit(r->limits, REGEX_HEAP_LIMIT);
	return r;
}

void regex_free(struct regex *r)
{
	if (r == NULL)
		return;
	pcre2_code_free(r->code);
	pcre2_match_data_free(r->data);
	pcre2_match_context_free(r->limits);
	free(r->names);
	free(r);
}

enum regex_answer regex_match(
	struct regex *r, struct str subject, struct err *err)
{
	PCRE2_UCHAR text[256];
	int rc;

	rc = pcre2_match(r->code, (PCRE2_SPTR)(subject.n != 0 ? subject.p : ""),
		subject.n, 0, PCRE2_NO_JIT, r->data, r->limits);
	if (rc >= 0)
		return REGEX_YES;
	if (rc == PCRE2_ERROR_NOMATCH)
		return REGEX_NO;
	if (pcre2_get_error_message(rc, text, sizeof(text)) < 0)
		snprintf((char *)text, sizeof(text), "error %d", rc);
	err_set(err, ERR_FAIL, rc, "%s", (const char *)text);
	return REGEX_UNKNOWN;
}

bool regex_has_names(const struct regex *r)
{
	return r->n_names > 0;
}

void regex_names(const struct regex *r, struct str subject,
	struct strbuf *out)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(r->data);
	uint32_t pairs = pcre2_get_ovector_count(r->data);

	for (size_t i = 0; i < r->n_names; i++) {
		uint32_t group = r->names[i];

		if (i > 0)
			strbuf_add_char(out, '/');
		/* One that took no part has no offsets. */
		if (group < pairs && at[2 * group] != PCRE2_UNSET &&
			at[2 * group] <= at[2 * group + 1])
			strbuf_add_str(out, str_cut(subject, at[2 * group],
				at[2 * group + 1]));
	}
}
