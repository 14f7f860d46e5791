#include "deployer/registry/verify.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "deployer/registry/registry_ask.h"

static char *maps[] = {"in.example=out.example:5000/team"};
static struct secret word = {"x", 1};

static void test_needed(void **state)
{
	const struct event push = {.source = (char[]){"s"}};
	const struct event own = {
		.source = (char[]){"trigger-url"}, .trigger = (char[]){"t"}};
	const struct conf_source none = {.auth.none = true};
	const struct conf_source url = {.auth.url_token = {&word, 1}};
	const struct conf_source both = {
		.auth = {.url_token = {&word, 1}, .bearer = {&word, 1}}};
	const struct conf_source hmac = {.auth.hmac.header = (char[]){"X"}};
	const struct conf_source off = {
		.auth.none = true, .verify = VERIFY_NONE};
	const struct conf_source on = {
		.auth.bearer = {&word, 1}, .verify = VERIFY_REGISTRY};

	(void)state;
	assert_true(verify_needed(&none, &push));
	assert_true(verify_needed(&url, &push));
	assert_false(verify_needed(&both, &push));
	assert_false(verify_needed(&hmac, &push));
	assert_false(verify_needed(&off, &push));
	assert_true(verify_needed(&on, &push));
	assert_false(verify_needed(NULL, &own));
	assert_true(verify_needed(NULL, &push));
}

static const struct {
	const char *what;
	int type;
	const char *registry, *pattern, *host;
	bool map, known;
} cases[] = {
	{"the source's", SOURCE_GENERIC, "r.example", "**", "r.example", false,
		true},
	{"another's", SOURCE_GENERIC, "r.example", "**", "evil.example", false,
		false},
	{"nothing is told", SOURCE_GENERIC, NULL, "shop/web", "r.example",
		false, false},
	{"no host: Docker Hub", SOURCE_GENERIC, NULL, "shop/web", NULL, false,
		false},
	{"Docker Hub's own source", SOURCE_DOCKERHUB, NULL, "**", NULL, false,
		true},
	{"by another of its names", SOURCE_DOCKERHUB, NULL, "**",
		"index.docker.io", false, true},
	{"not another", SOURCE_DOCKERHUB, NULL, "**", "evil.example", false,
		false},
	{"by registry_map", SOURCE_GENERIC, NULL, "**", "out.example:5000",
		true, true},
	{"not what it maps from", SOURCE_GENERIC, NULL, "**", "in.example",
		true, false},
	{"by the trigger", SOURCE_GENERIC, NULL, "r.example/shop/web",
		"r.example", false, true},
	{"by no glob of it", SOURCE_GENERIC, NULL, "*.example/shop/web",
		"r.example", false, false},
};

/* A source that the configuration lacks: whatever the trigger names. */
static void test_unknown_source(void **state)
{
	const struct conf_trigger trigger = {
		.repository = (char[]){"r.example/shop/web"}};
	const struct event event = {.source = (char[]){"gone"},
		.registry = (char[]){"r.example"}};
	struct err err = {0};

	(void)state;
	assert_int_equal(verify_known(NULL, &trigger, &event, &err), -1);
	assert_non_null(strstr(err.text, "configuration has no source gone"));
}

static void test_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct conf_source source = {
			.name = (char[]){"s"},
			.type = cases[i].type,
			.registry = (char *)(uintptr_t)cases[i].registry,
			.registry_map = {maps, cases[i].map},
		};
		const struct conf_trigger trigger = {
			.repository = (char *)(uintptr_t)cases[i].pattern};
		const struct event event = {
			.registry = (char *)(uintptr_t)cases[i].host};
		struct err err = {0};

		if ((verify_known(&source, &trigger, &event, &err) == 0) !=
			cases[i].known)
			fail_msg("%s: %s", cases[i].what, err.text);
	}
}

static void test_challenge(void **state)
{
	static const struct {
		const char *text, *name, *value; /* NULL: absent */
	} c[] = {
		{"Bearer realm=\"https://a/t\",service=\"s\",scope=\"x:y:pull\"",
			"realm", "https://a/t"},
		{"Bearer realm=\"https://a/t\",service=\"s\",scope=\"x:y:pull\"",
			"scope", "x:y:pull"},
		{"Bearer realm=\"https://a/t\", Service=s", "service", "s"},
		{"Bearer realm=\"a\\\"b\"", "realm", "a\"b"},
		{"Bearer xrealm=\"a\"", "realm", NULL},
		{"Bearer scope=\"realm=x\"", "realm", NULL},
		{"Bearer", "realm", NULL},
		{"Bearer ", "realm", NULL},
		{"Bearer realm", "realm", NULL},
		{"Bearer realm=\"unended", "realm", "unended"},
		{"Bearer realm=01234567890123456789012345678901234567890123456"
		 "789012345678901234567890", "realm", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		char out[64] = "";
		bool found = registry_challenge(
			c[i].text, c[i].name, out, sizeof(out));

		if (found != (c[i].value != NULL) ||
			(found && strcmp(out, c[i].value) != 0))
			fail_msg("%s: %s", c[i].text, out);
	}
}

static void test_loopback(void **state)
{
	static const char *const yes[] = {"localhost", "localhost:5000",
		"127.0.0.1", "127.1.2.3:5000", "[::1]:5000", "[::1]"};
	static const char *const no[] = {"localhost.example", "127.example.com",
		"127.0.0.1.example:5000", "10.0.0.1", "[::2]:1", "r"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_true(registry_is_loopback(yes[i]));
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(registry_is_loopback(no[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needed),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_unknown_source),
		cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
