/* Each of our vectors, changed in places: bodies that are nearly right. */
#include "tests/unit/ingress/provider_rig.h"

#define MUTATIONS 40 /* of each vector */

/* Values that a field may be swapped for. */
static const char *const odd[] = {"null", "7", "true", "[]", "{}", "\"\"",
	"\"a b\"", "\"\\u00e9\"", "[[1]]", "{\"tag\":1}"};

static uint32_t seed = 1;
static size_t mutants, accepted;

static size_t draw(size_t n)
{
	seed = seed * 1664525 + 1013904223;
	return n ? (seed >> 8) % n : 0;
}

static void mutate(const struct strbuf *from, struct strbuf *to)
{
	size_t at = draw(from->len), n = draw(8);
	struct str head = str_cut(strbuf_str(from), 0, at);
	struct str tail = str_cut(strbuf_str(from), at + n, from->len);
	size_t colon = str_find(tail, ':'), end = str_find(tail, ',');

	to->len = 0;
	switch (draw(3)) {
	case 0: /* other bytes */
		strbuf_add_str(to, head);
		for (size_t i = draw(4); i > 0; i--)
			strbuf_add_char(to, (char)draw(256));
		strbuf_add_str(to, tail);
		break;
	case 1: /* another value */
		strbuf_add_str(to, head);
		strbuf_add_str(to, str_cut(strbuf_str(from), at, at + n));
		strbuf_add_str(to, str_cut(tail, 0, colon + 1));
		strbuf_add_cstr(to, odd[draw(ARRAY_LEN(odd))]);
		strbuf_add_str(to, str_cut(tail, end, tail.n));
		break;
	default: /* twice the middle */
		strbuf_add_str(to, str_cut(strbuf_str(from), 0, at + n));
		strbuf_add_str(to, tail);
		strbuf_add_str(to, str_cut(tail, 0, 40));
		break;
	}
}

/* Whatever comes in: no crash, and what is accepted is in the grammar. */
static void check_mutant(const char *type, struct str text)
{
	struct json *body = json_parse(text, NULL, NULL);
	struct outcome o;

	if (!body)
		return;
	json_free(body);
	run_text(type, text, &o);
	mutants++;
	accepted += !o.failed && o.events.n;
	for (size_t i = 0; i < o.events.n && !o.failed; i++) {
		const struct event *e = &o.events.v[i];

		assert_true(normalise_is_repository(str_from(e->repository)));
		assert_true(normalise_is_tag(str_from(e->tag)));
		assert_true(!e->digest ||
			normalise_is_digest(str_from(e->digest)));
		assert_true(!e->registry ||
			normalise_is_host(str_from(e->registry)));
	}
	outcome_release(&o);
}

static void mutate_vector(const char *type, const char *name)
{
	struct strbuf path = {0}, text = {0}, mutant = {0};

	load_vector(type, name, &path, &text);
	for (int i = 0; i < MUTATIONS; i++) {
		mutate(&text, &mutant);
		for (size_t p = 0; providers[p]; p++)
			check_mutant(providers[p]->name, strbuf_str(&mutant));
	}
	strbuf_release(&path);
	strbuf_release(&text);
	strbuf_release(&mutant);
}

static void test_mutations(void **state)
{
	(void)state;
	each_vector(mutate_vector);
	/* They reach the parsers, and some the end. */
	assert_true(mutants > 5000);
	assert_true(accepted > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests_name("provider_mutants", tests, NULL, NULL);
}
