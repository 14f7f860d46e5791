/* Ranges of versions: each is brought to alternatives of plain comparators,
 * as node-semver does it. */
#include "proto/base/semver.h"

#include "proto/base/mem.h"
#include "proto/base/vec.h"

enum op { OP_LT, OP_LE, OP_GT, OP_GE, OP_EQ };

struct comparator {
	enum op op;
	struct semver v;
};

struct set {
	VEC(struct comparator) all; /* each must hold */
};

struct semver_range {
	char *text;
	VEC(struct set) any;
};

/* "1", "1.2", "1.2.x", "1.2.3-rc.1": how many parts are given. */
struct partial {
	size_t given;
	struct semver v;
};

/* The lowest pre-release of all: nothing is between 2.0.0-0 and 1.9. */
#define LOWEST STR("0")

static void add(struct set *s, enum op op, struct semver v)
{
	struct comparator c = {.op = op, .v = v};

	VEC_PUSH(&s->all, c);
}

/* The first version after all that begin with the first n parts of v. */
static struct semver after(const struct semver *v, size_t n)
{
	struct semver next = {.pre = LOWEST};

	for (size_t i = 0; i < n; i++)
		next.part[i] = v->part[i];
	next.part[n - 1]++;
	return next;
}

static void add_nothing(struct set *s)
{
	add(s, OP_LT, (struct semver){.pre = LOWEST});
}

static void add_any(struct set *s)
{
	add(s, OP_GE, (struct semver){0});
}

/* ---- one term -------------------------------------------------------------- */

static bool is_x(struct str s)
{
	return s.n == 1 && (*s.p == 'x' || *s.p == 'X' || *s.p == '*');
}

/* The number itself ends before a pre-release. */
static struct str without_suffix(struct str s)
{
	size_t dash = str_find(s, '-'), plus = str_find(s, '+');

	return str_cut(s, 0, dash < plus ? dash : plus);
}

static int parse_partial(struct str s, struct partial *p)
{
	struct str numbers, part;
	uint64_t unused;
	bool open = false;
	size_t n = 0;

	*p = (struct partial){0};
	if (s.n != 0 && s.p[0] == 'v')
		s = str_cut(s, 1, s.n);
	if (semver_parse(s, &p->v) == 0) {
		p->given = 3;
		return 0;
	}
	p->v = (struct semver){0};
	numbers = without_suffix(s);
	if (numbers.n != s.n || s.n == 0 || s.p[s.n - 1] == '.')
		return -1;
	for (; str_split(&numbers, '.', &part); n++) {
		if (n == 3)
			return -1;
		open = open || is_x(part);
		if (is_x(part))
			continue;
		if (str_to_u64(part, &unused) < 0 || unused >> 53 != 0 ||
			(part.n > 1 && *part.p == '0'))
			return -1;
		if (open)
			continue; /* "1.x.3" is "1.x" */
		p->v.part[n] = unused;
		p->given = n + 1;
	}
	return 0;
}

static void add_plain(struct set *s, const char *op, const struct partial *p)
{
	bool less = *op == '<', more = *op == '>';
	bool equal = (less || more) && op[1] == '=';

	if (p->given == 0) {
		if ((less || more) && !equal)
			add_nothing(s);
		else
			add_any(s);
	} else if (p->given == 3) {
		add(s, less ? (equal ? OP_LE : OP_LT)
				: more ? (equal ? OP_GE : OP_GT) : OP_EQ, p->v);
	} else if (less) {
		struct semver v = p->v;

		v.pre = LOWEST;
		add(s, OP_LT, equal ? after(&p->v, p->given) : v);
	} else if (more && !equal) {
		struct semver v = after(&p->v, p->given);

		v.pre = (struct str){0};
		add(s, OP_GE, v);
	} else {
		add(s, OP_GE, p->v);
		if (!more)
			add(s, OP_LT, after(&p->v, p->given));
	}
}

static void add_tilde(struct set *s, const struct partial *p)
{
	if (p->given == 0) {
		add_any(s);
		return;
	}
	add(s, OP_GE, p->v);
	add(s, OP_LT, after(&p->v, p->given == 1 ? 1 : 2));
}

/* Up to the next change of the leftmost part that is not zero. */
static void add_caret(struct set *s, const struct partial *p)
{
	size_t n = 1;

	if (p->given == 0) {
		add_any(s);
		return;
	}
	while (n < p->given && p->v.part[n - 1] == 0)
		n++;
	add(s, OP_GE, p->v);
	add(s, OP_LT, after(&p->v, n));
}

static int add_term(struct set *s, const char *op, struct str text)
{
	struct partial p;

	if (parse_partial(text, &p) < 0)
		return -1;
	if (*op == '~')
		add_tilde(s, &p);
	else if (*op == '^')
		add_caret(s, &p);
	else
		add_plain(s, op, &p);
	return 0;
}

/* ---- one alternative --------------------------------------------------------- */

/* Takes the next word off *rest; false at the end. */
static bool take_word(struct str *rest, struct str *word)
{
	*rest = str_trim(*rest);
	if (rest->n == 0)
		return false;
	*word = str_cut(*rest, 0, str_find(*rest, ' '));
	*rest = str_cut(*rest, word->n, rest->n);
	return true;
}

static const char *take_op(struct str *word)
{
	static const char *const ops[] = {
		">=", "<=", "~>", ">", "<", "=", "~", "^"};

	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		if (!str_starts(*word, str_from(ops[i])))
			continue;
		*word = str_cut(*word, strlen(ops[i]), word->n);
		return ops[i];
	}
	return "";
}

/* "1.2 - 1.4": from the first to all that begin with the last. */
static int add_hyphen(struct set *s, struct str from, struct str to)
{
	struct partial p;

	if (add_term(s, ">=", from) < 0 || parse_partial(to, &p) < 0)
		return -1;
	add_plain(s, "<=", &p);
	return 0;
}

static int add_set(struct set *s, struct str text)
{
	struct str rest = text, word, to;

	while (take_word(&rest, &word)) {
		const char *op = take_op(&word);
		struct str ahead = rest;

		if (word.n == 0 && !take_word(&rest, &word))
			return -1; /* an operator alone */
		if (*op == '\0' && take_word(&ahead, &to) && str_is(to, "-")) {
			if (!take_word(&ahead, &to) ||
				add_hyphen(s, word, to) < 0)
				return -1;
			rest = ahead;
		} else if (add_term(s, op, word) < 0) {
			return -1;
		}
	}
	if (s->all.n == 0)
		add_any(s);
	return 0;
}

/* ---- the whole ----------------------------------------------------------------- */

struct semver_range *semver_range_new(const char *text, struct err *err)
{
	struct semver_range *r = xcalloc(1, sizeof(*r));
	struct str rest, alternative;
	bool more = true;

	r->text = xstrdup(text);
	rest = str_from(r->text);
	while (more) {
		struct set s = {0};
		size_t bar = 0;

		while (bar < rest.n && !(rest.p[bar] == '|' &&
					       bar + 1 < rest.n &&
					       rest.p[bar + 1] == '|'))
			bar++;
		alternative = str_cut(rest, 0, bar);
		more = bar < rest.n;
		rest = str_cut(rest, bar + 2, rest.n);
		if (add_set(&s, alternative) < 0) {
			VEC_RELEASE(&s.all);
			semver_range_free(r);
			err_fail(err, "`%s` is no range of versions; write for "
				      "example `>=1.4 <2`, `^1.4` or `1.x`",
				text);
			return NULL;
		}
		VEC_PUSH(&r->any, s);
	}
	return r;
}

void semver_range_free(struct semver_range *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->any.n; i++)
		VEC_RELEASE(&r->any.v[i].all);
	VEC_RELEASE(&r->any);
	free(r->text);
	free(r);
}

static bool holds(const struct comparator *c, const struct semver *v)
{
	int order = semver_compare(v, &c->v);

	switch (c->op) {
	case OP_LT:
		return order < 0;
	case OP_LE:
		return order <= 0;
	case OP_GT:
		return order > 0;
	case OP_GE:
		return order >= 0;
	case OP_EQ:
		return order == 0;
	}
	BUG("operator %d", (int)c->op);
}

static bool set_has(const struct set *s, const struct semver *v)
{
	bool named = v->pre.n == 0;

	for (size_t i = 0; i < s->all.n; i++) {
		const struct comparator *c = &s->all.v[i];

		if (!holds(c, v))
			return false;
		if (c->v.pre.n != 0 && memcmp(c->v.part, v->part,
					       sizeof(v->part)) == 0)
			named = true;
	}
	return named;
}

bool semver_range_has(const struct semver_range *r, const struct semver *v)
{
	for (size_t i = 0; i < r->any.n; i++)
		if (set_has(&r->any.v[i], v))
			return true;
	return false;
}
