/*
 * One pass with a stack of open containers. The keys of all open objects lie
 * on one stack too; when an object closes, its keys are sorted by their
 * unescaped bytes and equal neighbours are refused: n log n, whatever keys
 * the sender chooses.
 */
#include "proto/data/json_scan.h"

#include "proto/base/utf8.h"
#include "proto/data/json_number.h"
#include "proto/data/json_text.h"

#define DEPTH_DEFAULT ((size_t)32)
#define DEPTH_MAX ((size_t)1000) /* cJSON's own */
#define NODES_DEFAULT ((size_t)10000)

enum expect {
	EXPECT_VALUE,
	EXPECT_VALUE_OR_END, /* after [ */
	EXPECT_KEY,
	EXPECT_KEY_OR_END, /* after { */
	EXPECT_COMMA_OR_END,
};

struct key {
	struct str text; /* unescaped */
	char *own;       /* what text points to, when it had escapes */
};

struct frame {
	bool object;
	size_t first_key;
};

struct scan {
	struct str text;
	size_t at;
	size_t depth_max, nodes_left;
	size_t n_numbers;
	enum expect expect;
	VEC(struct frame) open;
	VEC(struct key) keys;
	struct json_numbers *numbers; /* may be NULL */
	struct err *err;
};

static int refuse(struct scan *s, size_t where, const char *why)
{
	return err_fail(s->err, "not valid JSON at byte %zu: %s", where, why);
}

/* The byte at the cursor; -1 at the end. */
static int peek(const struct scan *s)
{
	return s->at < s->text.n ? (unsigned char)s->text.p[s->at] : -1;
}

static struct str rest(const struct scan *s)
{
	return str_cut(s->text, s->at, s->text.n);
}

static void skip_space(struct scan *s)
{
	int c;

	while ((c = peek(s)) == ' ' || c == '\t' || c == '\n' || c == '\r')
		s->at++;
}

/* The string at the cursor; *inside is what stands between its quotes. */
static int string(struct scan *s, struct str *inside, bool *escaped)
{
	size_t start = ++s->at, n;
	const char *why;
	int c;

	*escaped = false;
	while ((c = peek(s)) != '"') {
		if (c < 0)
			return refuse(s, s->at, "the text ends inside a string");
		if (c < 0x20)
			return refuse(s, s->at, "a control byte in a string");
		why = "bytes that are not UTF-8";
		if (c == '\\') {
			*escaped = true;
			n = json_escape_step(rest(s), &why);
		} else {
			n = c < 0x80 ? 1 : utf8_step(rest(s));
		}
		if (n == 0)
			return refuse(s, s->at, why);
		s->at += n;
	}
	*inside = str_cut(s->text, start, s->at);
	s->at++;
	return 0;
}

static int by_text(const void *a, const void *b)
{
	struct str x = ((const struct key *)a)->text;
	struct str y = ((const struct key *)b)->text;
	int c = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);

	return c != 0 ? c : (x.n > y.n) - (x.n < y.n);
}

static void drop_keys(struct scan *s, size_t first)
{
	while (s->keys.n > first)
		free(s->keys.v[--s->keys.n].own);
}

static int refuse_twice(struct scan *s, struct str key)
{
	char text[64];

	return err_fail(s->err, "not valid JSON at byte %zu: the key \"%s\" is "
				"given twice",
		s->at, str_safe(key, text, sizeof(text)));
}

/* At the bracket that closes the innermost container. */
static int end(struct scan *s)
{
	struct frame f = s->open.v[--s->open.n];
	struct key *keys;
	size_t n = s->keys.n - f.first_key;

	if (f.object && n > 1) {
		keys = s->keys.v + f.first_key;
		qsort(keys, n, sizeof(*keys), by_text);
		for (size_t i = 1; i < n; i++) {
			if (str_eq(keys[i - 1].text, keys[i].text))
				return refuse_twice(s, keys[i].text);
		}
	}
	if (f.object)
		drop_keys(s, f.first_key);
	s->at++;
	s->expect = EXPECT_COMMA_OR_END;
	return 0;
}

static int begin(struct scan *s, bool object)
{
	struct frame f = {.object = object, .first_key = s->keys.n};

	if (s->open.n >= s->depth_max)
		return refuse(s, s->at, "nested too deeply");
	VEC_PUSH(&s->open, f);
	s->at++;
	s->expect = object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
	return 0;
}

static int number(struct scan *s)
{
	struct json_number num = {.ordinal = s->n_numbers++};
	size_t n = json_number_span(rest(s));

	if (n == 0)
		return refuse(s, s->at, "a malformed number");
	num.text = str_cut(s->text, s->at, s->at + n);
	if (s->numbers != NULL && !json_number_plain(num.text))
		VEC_PUSH(&s->numbers->list, num);
	s->at += n;
	return 0;
}

static int word(struct scan *s, struct str name)
{
	if (!str_starts(rest(s), name))
		return refuse(s, s->at, "a value was expected");
	s->at += name.n;
	return 0;
}

static int scalar(struct scan *s, int c)
{
	struct str inside;
	bool escaped;

	s->expect = EXPECT_COMMA_OR_END;
	switch (c) {
	case '"':
		return string(s, &inside, &escaped);
	case 't':
		return word(s, STR("true"));
	case 'f':
		return word(s, STR("false"));
	case 'n':
		return word(s, STR("null"));
	case '-': case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9':
		return number(s);
	case -1:
		return refuse(s, s->at, "the text ends too early");
	default:
		return refuse(s, s->at, "a value was expected");
	}
}

static int value(struct scan *s, int c)
{
	if (s->nodes_left == 0)
		return refuse(s, s->at, "too many values");
	s->nodes_left--;
	if (c == '{' || c == '[')
		return begin(s, c == '{');
	return scalar(s, c);
}

static int key(struct scan *s, int c)
{
	struct key k = {0};
	bool escaped;

	if (c != '"')
		return refuse(s, s->at, "a key was expected");
	if (string(s, &k.text, &escaped) < 0)
		return -1;
	if (escaped)
		k.text.p = k.own = json_unescape(k.text, &k.text.n);
	VEC_PUSH(&s->keys, k);
	skip_space(s);
	if (peek(s) != ':')
		return refuse(s, s->at, "a colon was expected");
	s->at++;
	s->expect = EXPECT_VALUE;
	return 0;
}

static int comma_or_end(struct scan *s, int c)
{
	bool object = s->open.v[s->open.n - 1].object;

	if (c == (object ? '}' : ']'))
		return end(s);
	if (c != ',')
		return refuse(s, s->at, object ? "a comma or } was expected"
					       : "a comma or ] was expected");
	s->at++;
	s->expect = object ? EXPECT_KEY : EXPECT_VALUE;
	return 0;
}

static int step(struct scan *s)
{
	int c = peek(s);

	switch (s->expect) {
	case EXPECT_VALUE_OR_END:
		return c == ']' ? end(s) : value(s, c);
	case EXPECT_VALUE:
		return value(s, c);
	case EXPECT_KEY_OR_END:
		return c == '}' ? end(s) : key(s, c);
	case EXPECT_KEY:
		return key(s, c);
	case EXPECT_COMMA_OR_END:
		return comma_or_end(s, c);
	}
	BUG("expect is %d", (int)s->expect);
}

static int document(struct scan *s)
{
	if (s->text.n == 0)
		return refuse(s, 0, "it is empty");
	if (str_starts(s->text, STR("\xEF\xBB\xBF")))
		return refuse(s, 0, "a byte order mark");
	do {
		skip_space(s);
		if (step(s) < 0)
			return -1;
	} while (s->open.n > 0 || s->expect != EXPECT_COMMA_OR_END);
	skip_space(s);
	if (s->at < s->text.n)
		return refuse(s, s->at, "something follows the value");
	return 0;
}

int json_scan_numbers(struct str text, const struct json_limits *limits,
	struct json_numbers *numbers, struct err *err)
{
	struct scan s = {.text = text, .numbers = numbers, .err = err,
		.depth_max = DEPTH_DEFAULT, .nodes_left = NODES_DEFAULT};
	int rc;

	if (limits != NULL && limits->depth > 0)
		s.depth_max = limits->depth < DEPTH_MAX ? limits->depth : DEPTH_MAX;
	if (limits != NULL && limits->nodes > 0)
		s.nodes_left = limits->nodes;
	rc = document(&s);
	drop_keys(&s, 0);
	VEC_RELEASE(&s.keys);
	VEC_RELEASE(&s.open);
	return rc;
}

int json_scan(struct str text, const struct json_limits *limits,
	struct err *err)
{
	return json_scan_numbers(text, limits, NULL, err);
}
