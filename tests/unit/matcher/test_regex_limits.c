/*
 * A hundred expressions of the kinds that are known to take exponential or
 * steep polynomial time, on a thousand tags each. Every one has a harmless
 * twin that means the same (most of them): each answer is the twin's, or "cannot tell". No
 * match takes more than a millisecond of this thread's time.
 */
#include "matcher/regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include "proto/base/strbuf.h"

#define TAGS 1000
#ifdef __SANITIZE_ADDRESS__
#define LIMIT_NS 20000000 /* a sanitizer's time is not the program's */
#else
#define LIMIT_NS 1000000
#endif

/* @ stands for each of the atoms. */
static const struct {
	const char *slow, *twin;
} forms[] = {
	{"(@+)+Z", "@+Z"},
	{"(@*)*Z", "@*Z"},
	{"(@|@)*Z", "@*Z"},
	{"(@|@@)+Z", "@+Z"},
	{"(@+@+)+Z", "@{2,}Z"},
	{"((@+)+)+Z", "@+Z"},
	{"(@{1,30}){1,30}Z", "@+Z"},
	{"(@?){40}@{40}", "@{40,80}"},
	{"@*@*@*@*@*@*@*Z", "@*Z"},
};
static const char *const atoms[] = {"a", "[a-z]", "\\d", "\\w", ".", "[ab]",
	"(?:ab)", "[0-9a-f]", "(?:a|b)", "[^Z]"};

/* From the literature: OWASP's list and its like, for tags. */
static const struct {
	const char *slow, *twin;
} known[] = {
	{"(([a-z])+.)+[A-Z]([a-z])+", NULL},
	{"(.*a){20}", "(?:[^a]*+a){19}.*a"},
	{"(a|a?)+", "a*"},
	{"([a-zA-Z]+)*", "[a-zA-Z]*"},
	{"(x+x+)+y", "x{2,}y"},
	{"(v?\\d+\\.?)+-rc", NULL},
	{"(\\w|_)+-(\\w|_)+-x", NULL},
	{"(release|rel|r|e|l|a|s)+Z", NULL},
	{"(?:(?:\\d+)*\\.?)*-final", NULL},
	{"(.+)\\1\\1\\1Z", NULL},
};

static char tags[TAGS][129];
static int64_t slowest;
static size_t unknown, evaluations, patterns, hit;

static void make_tags(void)
{
	static const char *const words[] = {"a", "ab", "1", "aB", "x", "v1.",
		"0f", "release-", "a-", "9a"};
	static const char *const endings[] = {
		"", "Z-", "Z-", "Z-", "-Z", "Z", "y", "-"};
	unsigned seed = 12345;

	for (size_t i = 0; i < TAGS; i++) {
		const char *word = words[i % ARRAY_LEN(words)];
		size_t n = 1 + i * 126 / TAGS, len = strlen(word);

		for (size_t k = 0; k < n; k++)
			tags[i][k] = word[k % len];
		seed = seed * 1103515245 + 12345;
		/* "Z-": all that is asked for is there, but not at the end */
		snprintf(tags[i] + n, 3, "%s", endings[seed >> 16 & 7]);
	}
}

static int64_t thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static enum regex_answer timed(struct regex *r, const char *tag)
{
	struct err err = {0};
	int64_t best = INT64_MAX, start, ns;
	enum regex_answer got = REGEX_NO;

	/* A match is the same work each time: what a second and a third do
	 * not take again was the machine's. */
	for (int i = 0; i < 3 && best > LIMIT_NS; i++) {
		start = thread_ns();
		got = regex_match(r, str_from(tag), &err);
		ns = thread_ns() - start;
		best = ns < best ? ns : best;
	}
	slowest = best > slowest ? best : slowest;
	if (best > LIMIT_NS)
		fail_msg("`%s` took %lld ns", tag, (long long)best);
	evaluations++;
	return got;
}

static void check(const char *slow, const char *twin)
{
	struct err err = {0};
	struct regex *r = regex_new(slow, &err);
	struct regex *t = twin != NULL ? regex_new(twin, &err) : NULL;
	bool reached = false;

	if (r == NULL || (twin != NULL && t == NULL))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < TAGS; i++) {
		enum regex_answer got = timed(r, tags[i]);

		unknown += got == REGEX_UNKNOWN;
		reached = reached || got == REGEX_UNKNOWN;
		if (got == REGEX_UNKNOWN || t == NULL)
			continue;
		if (got != regex_match(t, str_from(tags[i]), &err))
			fail_msg("`%s` on `%s`: %d", slow, tags[i], (int)got);
	}
	patterns++;
	hit += reached;
	regex_free(r);
	regex_free(t);
}

static void fill(const char *form, const char *atom, struct strbuf *out)
{
	strbuf_truncate(out, 0);
	for (; *form != '\0'; form++) {
		if (*form == '@')
			strbuf_add_cstr(out, atom);
		else
			strbuf_add_char(out, *form);
	}
}

static void test_catastrophic(void **state)
{
	struct strbuf slow = {0}, twin = {0};

	(void)state;
	make_tags();
	for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
		for (size_t a = 0; a < ARRAY_LEN(atoms); a++) {
			fill(forms[f].slow, atoms[a], &slow);
			fill(forms[f].twin, atoms[a], &twin);
			check(strbuf_cstr(&slow), strbuf_cstr(&twin));
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		check(known[i].slow, known[i].twin);
	strbuf_release(&slow);
	strbuf_release(&twin);
	print_message("%zu expressions, %zu evaluations, slowest %lld us, "
		      "%zu without an answer (of %zu expressions)\n",
		patterns, evaluations, (long long)slowest / 1000, unknown, hit);
	assert_int_equal(patterns, 100);
	/* They are what they are said to be. */
	assert_true(hit > 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_catastrophic),
	};

	return cmocka_run_group_tests_name("regex_limits", tests, NULL, NULL);
}
