#include "ingress/normalise.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX64 "457f4aa83fc9a6663ab9d1b0a6e2dce25a12a943ed5bf2c1747c58d48bbb4917"

static const struct {
	const char *text;
	bool ok;
} tags[] = {
	{"latest", true}, {"1.0", true}, {"V1_2-rc.3", true}, {"_x", true},
	{"a", true}, {A64 A64, true}, {A64 A64 "a", false}, {"", false},
	{".x", false}, {"-x", false}, {"a b", false}, {"a/b", false},
	{"a:b", false}, {"\xc3\xa4", false}, {"a\n", false}, {"a\x7f", false},
}, repositories[] = {
	{"web", true}, {"shop/web", true}, {"a/b/c/d", true}, {"a.b", true},
	{"a_b", true}, {"a__b", true}, {"a-b", true}, {"a---b", true},
	{"0", true}, {"fe.mall/x1", true}, {A64 A64 A64 "/" A64, false},
	{A64 A64 A64 "/a", true},
	{"", false}, {"/web", false}, {"web/", false}, {"a//b", false},
	{"a..b", false}, {"a___b", false}, {"a._b", false}, {"_a", false},
	{"a_", false}, {"a-", false}, {".a", false}, {"A", false},
	{"a b", false}, {"a:b", false}, {"a@b", false}, {"a\xc3\xa4", false},
	{"a/../b", false},
}, digests[] = {
	{"sha256:" HEX64, true}, {"sha256:" A64, true},
	{"sha256:" HEX64 "0", false}, {"sha256:", false}, {"", false},
	{"sha512:" HEX64, false}, {HEX64, false}, {"SHA256:" HEX64, false},
	{"sha256:457F4aa83fc9a6663ab9d1b0a6e2dce25a12a943ed5bf2c1747c58d48bbb4917",
		false},
	{"sha256:14bf0c9f45293f4783bd75e51ea68689103k89da6e51db75ef30b8564fe8d3cc",
		false},
}, hosts[] = {
	{"registry", true}, {"registry:5000", true}, {"10.0.0.1:1", true},
	{"a.b-c.example.com:65535", true}, {"my_registry:5000", true},
	{"[::1]", true}, {"[fe80::1]:5000", true}, {"Registry.Example", true},
	{"", false}, {":5000", false}, {"a:", false}, {"a:0", false},
	{"a:65536", false}, {"a:+1", false}, {"a:b", false}, {"a/b", false},
	{"a b", false}, {"-a", false}, {"user@a", false}, {"[::1", false},
	{"[]", false}, {"[::1]x", false}, {"a?x", false},
};

#define CHECK(table, fn) \
	for (size_t i = 0; i < ARRAY_LEN(table); i++) \
		if (fn(str_from(table[i].text)) != table[i].ok) \
			fail_msg(#fn "(\"%s\")", table[i].text)

static void test_grammar(void **state)
{
	(void)state;
	CHECK(tags, normalise_is_tag);
	CHECK(repositories, normalise_is_repository);
	CHECK(digests, normalise_is_digest);
	CHECK(hosts, normalise_is_host);
	assert_false(normalise_is_tag((struct str){"a\0b", 3}));
	assert_false(normalise_is_repository((struct str){"a\0b", 3}));
}

static void test_split_host(void **state)
{
	static const struct {
		const char *text, *host, *repository;
	} cases[] = {
		{"web", "", "web"},
		{"shop/web", "", "shop/web"},
		{"gcr.io/shop/web", "gcr.io", "shop/web"},
		{"registry:5000/web", "registry:5000", "web"},
		{"localhost/web", "localhost", "web"},
		{"localhost:5000/web", "localhost:5000", "web"},
		{"fe.mall", "", "fe.mall"},
		{"shop/fe.mall", "", "shop/fe.mall"},
		{"gcr.io/", "gcr.io", ""},
		{"", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str host, repository;

		normalise_split_host(
			str_from(cases[i].text), &host, &repository);
		assert_true(str_is(host, cases[i].host));
		assert_true(str_is(repository, cases[i].repository));
	}
}

static const struct conf_source plain = {.name = (char *)"s"};
static const struct conf_source telling = {.name = (char *)"s",
	.registry = (char *)"registry.example.com",
	.region = (char *)"eu-1"};

/* What the event's registry and region become. */
static void test_sources_word(void **state)
{
	static const struct {
		const struct conf_source *source;
		const char *host, *region, *want_host, *want_region;
	} cases[] = {
		{&plain, "body:5000", "r", "body:5000", "r"},
		{&plain, NULL, NULL, NULL, NULL},
		{&plain, "not a host", NULL, NULL, NULL},
		{&telling, "body:5000", "r", "registry.example.com", "r"},
		{&telling, NULL, NULL, "registry.example.com", "eu-1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct provider_push p = {.repository = "Shop/Web",
			.tag = "V1", .registry = cases[i].host,
			.region = cases[i].region, .pushed_at = 7};
		struct event e = {0};
		struct err err = {0};

		assert_int_equal(
			normalise_event(&p, cases[i].source, &e, &err), 0);
		assert_string_equal(e.repository, "shop/web");
		assert_string_equal(e.tag, "V1");
		assert_int_equal(e.pushed_at, 7);
		if (cases[i].want_host)
			assert_string_equal(e.registry, cases[i].want_host);
		else
			assert_null(e.registry);
		if (cases[i].want_region)
			assert_string_equal(e.region, cases[i].want_region);
		else
			assert_null(e.region);
		field_release(&event_table, &e);
	}
}

/* By what name the hosts pull. */
static void test_registry_map(void **state)
{
	static char *entries[] = {
		(char *)"registry.example.com=registry-vpc.example.com:5000",
		(char *)"registry.example.com/shop=inner.example.com/mirror/s",
		(char *)"jfrog.example.com=jfrog.example.com/docker-local",
		(char *)"whole.example.com/a/b=other.example.com"};
	static const struct conf_source map = {.name = (char *)"s",
		.registry_map = {entries, ARRAY_LEN(entries)}};
	static const struct conf_source both = {.name = (char *)"s",
		.registry = (char *)"registry.example.com",
		.registry_map = {entries, ARRAY_LEN(entries)}};
	static const struct {
		const struct conf_source *source;
		const char *host, *repository, *want; /* NULL: refused */
	} cases[] = {
		{&map, "registry.example.com", "web",
			"registry-vpc.example.com:5000/web:v1"},
		{&map, "registry.example.com", "Shop/Web",
			"inner.example.com/mirror/s/web:v1"},
		{&map, "registry.example.com", "shopping/web",
			"registry-vpc.example.com:5000/shopping/web:v1"},
		{&map, "registry.example.com:443", "web",
			"registry.example.com:443/web:v1"},
		{&map, "jfrog.example.com", "shop/web",
			"jfrog.example.com/docker-local/shop/web:v1"},
		{&map, "other.example.com", "web", "other.example.com/web:v1"},
		{&map, NULL, "web", "web:v1"},
		{&map, "whole.example.com", "a/b", NULL},
		{&both, NULL, "web", "registry-vpc.example.com:5000/web:v1"},
		{&both, "no host", "web", "registry-vpc.example.com:5000/web:v1"},
		{&both, "internal:5000", "web", "registry.example.com/web:v1"},
		{&both, "jfrog.example.com", "web",
			"jfrog.example.com/docker-local/web:v1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct provider_push p = {.repository = cases[i].repository,
			.tag = "v1", .registry = cases[i].host};
		struct strbuf got = {0};
		struct event e = {0};
		struct err err = {0};
		int rc = normalise_event(&p, cases[i].source, &e, &err);

		if (rc < 0 && cases[i].want)
			fail_msg("%zu: %s", i, err.text);
		event_reference(&e, &got);
		assert_string_equal(strbuf_cstr(&got),
			cases[i].want ? cases[i].want : "");
		field_release(&event_table, &e);
		strbuf_release(&got);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		struct provider_push push;
		const char *want;
	} cases[] = {
		{{.repository = "a", .tag = A64 A64 "b"},
			"the tag has 129 characters; at most 128 are allowed"},
		{{.where = "events.2", .repository = "a", .tag = "a b"},
			"events.2: tag `a b` is not a tag"},
		{{.repository = "a", .tag = "a\x1b[2J"}, "`a\\x1b[2J`"},
		{{.repository = "a//b", .tag = "t"}, "repository `a//b`"},
		{{.repository = "", .tag = "t"}, "repository ``"},
		{{.repository = A64 A64 A64 A64, .tag = "t"},
			"the repository has 256 characters; at most 255"},
		{{.repository = "a", .tag = "t", .digest = "sha256:xyz"},
			"digest `sha256:xyz`"},
		{{.repository = "a", .tag = "t", .digest = ""}, "digest ``"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct event e = {0}, zero = {0};
		struct err err = {0};

		assert_int_equal(normalise_event(
			&cases[i].push, &plain, &e, &err), -1);
		if (!strstr(err.text, cases[i].want))
			fail_msg("%zu: \"%s\"", i, err.text);
		assert_memory_equal(&e, &zero, sizeof(e));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_split_host),
		cmocka_unit_test(test_sources_word),
		cmocka_unit_test(test_registry_map),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests_name("normalise", tests, NULL, NULL);
}
