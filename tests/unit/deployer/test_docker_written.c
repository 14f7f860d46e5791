#include "deployer/docker_written.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COMPOSE "\"Name\":\"/web\",\"Config\":{\"Labels\":" \
	"{\"com.docker.compose.project\":\"shop\"}}"

static const struct {
	const char *container, *changes;
	bool refused;
} cases[] = {
	{"{" COMPOSE "}", "null", false},
	{"{" COMPOSE "}", "[]", false},
	{"{" COMPOSE "}", "[{\"Path\":\"/run/secrets/key\",\"Kind\":1}]", true},
	{"{" COMPOSE "}", "[{\"Path\":\"/run\",\"Kind\":0},"
		"{\"Path\":\"/run/secrets\",\"Kind\":1}]", false},
	{"{" COMPOSE "}", "[{\"Path\":\"/run/secrets/key\",\"Kind\":0}]", false},
	{"{" COMPOSE "}", "[{\"Path\":\"/run/secrets/key\",\"Kind\":2}]", false},
	{"{" COMPOSE "}", "[{\"Path\":\"/data/key\",\"Kind\":1}]", false},
	{"{" COMPOSE "}", "[{\"Kind\":1},7,{\"Path\":null,\"Kind\":1}]", false},
	/* The place of a mounted one, below a mount, and beside one. */
	{"{" COMPOSE ",\"Mounts\":[{\"Destination\":\"/run/secrets/key\"}]}",
		"[{\"Path\":\"/run/secrets/key\",\"Kind\":1}]", false},
	{"{" COMPOSE ",\"Mounts\":[{\"Destination\":\"/run/secrets\"}]}",
		"[{\"Path\":\"/run/secrets/key\",\"Kind\":1}]", false},
	{"{" COMPOSE ",\"Mounts\":[{\"Destination\":\"/run/secrets/ke\"}]}",
		"[{\"Path\":\"/run/secrets/key\",\"Kind\":1}]", true},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json *c =
			json_parse(str_from(cases[i].container), NULL, NULL);
		struct json *changes =
			json_parse(str_from(cases[i].changes), NULL, NULL);
		struct err err = {0};
		int rc = docker_written_check(c, changes, &err);

		assert_true(docker_written_is_possible(c));
		assert_int_equal(rc, cases[i].refused ? -1 : 0);
		if (rc != 0)
			assert_string_equal(err.text, "/run/secrets/key of "
				"container web is a secret that Compose wrote "
				"into it, which a successor would be without; "
				"set `compose_files: true`, so that Compose "
				"replaces the container, and push again");
		json_free(c);
		json_free(changes);
	}
}

static void test_others_are_not_asked(void **state)
{
	struct json *c = json_parse(
		STR("{\"Config\":{\"Labels\":{\"a\":\"b\"}}}"), NULL, NULL);

	(void)state;
	assert_false(docker_written_is_possible(c));
	assert_false(docker_written_is_possible(NULL));
	json_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases),
		cmocka_unit_test(test_others_are_not_asked)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
