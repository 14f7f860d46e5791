/*
 * Each tests/vectors/TYPE/CASE.json (or .form), posted with the headers of
 * CASE.headers to a source of that type, must give what CASE.want says: a line
 * for each event and each ignored part, or the error. PULLWIRE_VECTORS=write
 * writes the .want files anew (look at what changed). The members' order and
 * unknown members must change nothing.
 */
#include "tests/unit/ingress/provider_rig.h"

static void check_vector(const char *type, const char *name)
{
	struct strbuf path = {0}, text = {0}, want = {0}, got = {0};
	struct outcome o;

	load_vector(type, name, &path, &text);
	run(type, strbuf_cstr(&text), &o);
	print(&o, &got);
	strbuf_truncate(&path, path.len - strlen("json"));
	strbuf_add_cstr(&path, "want");
	if (getenv("PULLWIRE_VECTORS")) {
		FILE *f = fopen(strbuf_cstr(&path), "w");

		assert_non_null(f);
		fputs(strbuf_cstr(&got), f);
		fclose(f);
	}
	if (!read_file(strbuf_cstr(&path), &want))
		fail_msg("%s is missing", strbuf_cstr(&path));
	if (strcmp(strbuf_cstr(&want), strbuf_cstr(&got)) != 0)
		fail_msg("%s\nwant %s\ngot  %s", strbuf_cstr(&path),
			strbuf_cstr(&want), strbuf_cstr(&got));
	outcome_release(&o);
	strbuf_release(&path);
	strbuf_release(&text);
	strbuf_release(&want);
	strbuf_release(&got);
}

static void test_vectors(void **state)
{
	(void)state;
	assert_true(each_vector(check_vector) > 150);
}

/* ---- what must change nothing ---- */

/* Reverses the members of every object and adds one that nobody knows. */
static void disturb(struct json *j)
{
	const char *keys[512];
	size_t n = 0;

	for (struct json *c = json_first(j); c; c = json_next(c)) {
		disturb(c);
		if (json_kind(j) == JSON_OBJECT && n < ARRAY_LEN(keys))
			keys[n++] = strdup(json_key(c));
	}
	while (n-- > 0) {
		json_set(j, keys[n], json_detach(j, keys[n]));
		free((char *)keys[n]);
	}
	if (json_kind(j) == JSON_OBJECT)
		json_set(j, "not_known", json_parse(STR("{\"tag\":\"evil\","
			"\"repository\":\"evil/name\",\"action\":7}"), NULL,
			NULL));
}

static void check_disturbed(const char *type, const char *name)
{
	struct strbuf path = {0}, text = {0}, other = {0}, want = {0}, got = {0};
	struct outcome o;
	struct json *tree;

	load_vector(type, name, &path, &text);
	tree = json_parse(strbuf_str(&text), NULL, NULL);
	/* In Quay's old map of tags a member is a tag. */
	if (tree && !strstr(name, "tag-map")) {
		run(type, strbuf_cstr(&text), &o);
		print(&o, &want);
		outcome_release(&o);
		disturb(tree);
		json_write(tree, &other);
		run(type, strbuf_cstr(&other), &o);
		print(&o, &got);
		outcome_release(&o);
		if (strcmp(strbuf_cstr(&want), strbuf_cstr(&got)) != 0)
			fail_msg("%s\nwant %s\ngot  %s", strbuf_cstr(&path),
				strbuf_cstr(&want), strbuf_cstr(&got));
	}
	json_free(tree);
	strbuf_release(&path);
	strbuf_release(&text);
	strbuf_release(&other);
	strbuf_release(&want);
	strbuf_release(&got);
}

static void test_disturbed(void **state)
{
	(void)state;
	assert_true(each_vector(check_disturbed) > 150);
}

/* ---- what providers make ---- */

/* Each type's own test body is its own, sniffed and parsed back. */
static void test_compose(void **state)
{
	static const char digest[] = "sha256:"
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	struct provider_push push = {
		.sender_id = "id-1", .repository = "shop/web", .tag = "v1"};

	(void)state;
	n_headers = 0;
	for (size_t i = 0; providers[i]; i++) {
		for (int with_digest = 0; with_digest < 2; with_digest++) {
			struct strbuf body = {0};
			struct outcome o;

			push.digest = with_digest ? digest : NULL;
			providers[i]->compose(&push, 1772600767000, &body);
			run(providers[i]->name, strbuf_cstr(&body), &o);
			assert_false(o.failed);
			assert_int_equal(o.events.n, 1);
			assert_string_equal(o.events.v[0].repository,
				"shop/web");
			assert_string_equal(o.events.v[0].tag, "v1");
			if (o.events.v[0].digest)
				same("digest", push.digest,
					o.events.v[0].digest);
			if (o.events.v[0].pushed_at)
				assert_int_equal(o.events.v[0].pushed_at,
					1772600767000);
			outcome_release(&o);
			strbuf_release(&body);
		}
	}
}

static void test_guess(void **state)
{
	static const struct {
		const char *body, *type;
	} cases[] = {
		{"{\"events\":[{\"action\":\"push\",\"target\":{}}]}",
			"distribution"},
		{"{\"push_data\":{\"tag\":\"v1\"},"
		 "\"repository\":{\"region\":\"r\"}}", "aliyun"},
		{"{\"name\":\"a\",\"tag\":\"b\"}", "generic"},
		{"{\"name\":\"a\"}", NULL},
		{"[1]", NULL},
		{"7", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json *body = json_parse(
			str_from(cases[i].body), NULL, NULL);
		struct request req = {STR(""), no_value, no_value, NULL, NULL};
		struct provider_in in = {&req, body, NULL};
		const struct provider *p = provider_guess(&in);

		same(cases[i].body, cases[i].type, p ? p->name : NULL);
		json_free(body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_disturbed),
		cmocka_unit_test(test_compose),
		cmocka_unit_test(test_guess),
	};

	return cmocka_run_group_tests_name("provider", tests, NULL, NULL);
}
