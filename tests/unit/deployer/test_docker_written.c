#include "deployer/docker/docker_written.h"

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
	/* The folder of a mount, and a tmpfs, which is not among them. */
	{"{" COMPOSE ",\"Mounts\":[{\"Destination\":\"/run/secrets/a/b\"}]}",
		"[{\"Path\":\"/run/secrets/a\",\"Kind\":1},"
		"{\"Path\":\"/run/secrets/a/b\",\"Kind\":1}]", false},
	{"{" COMPOSE ",\"HostConfig\":{\"Tmpfs\":{\"/run/secrets/a\":\"\"}}}",
		"[{\"Path\":\"/run/secrets/a\",\"Kind\":1}]", false},
	{"{" COMPOSE ",\"Mounts\":[{\"Destination\":\"/run/secrets/a/b\"}],"
		"\"HostConfig\":{\"Tmpfs\":{\"/run/secrets/c\":\"\"}}}",
		"[{\"Path\":\"/run/secrets/a\",\"Kind\":1},"
		"{\"Path\":\"/run/secrets/a/b\",\"Kind\":1},"
		"{\"Path\":\"/run/secrets/key\",\"Kind\":1}]", true},
};

static void test_secrets(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json *c =
			json_parse(str_from(cases[i].container), NULL, NULL);
		struct json *changes =
			json_parse(str_from(cases[i].changes), NULL, NULL);
		struct json *paths = docker_written_secrets(c, changes, 9);

		assert_true(docker_written_is_possible(c));
		assert_int_equal(json_len(paths), cases[i].refused);
		if (cases[i].refused)
			assert_string_equal(json_str(json_first(paths)),
				"/run/secrets/key");
		json_free(paths);
		json_free(c);
		json_free(changes);
	}
}

#define CHANGE(path, kind) "{\"Path\":\"" path "\",\"Kind\":" kind "}"

/* Folders are left out by what is in them; "a-b" sorts before "a/b". */
static const struct {
	const char *changes, *want;
	size_t max, more;
} candidates[] = {
	{"null", "[]", 9, 0},
	{"[" CHANGE("/b", "1") "," CHANGE("/a", "0") "," CHANGE("/c", "2") "]",
		"[\"/a\",\"/b\"]", 9, 0},
	{"[" CHANGE("/etc", "0") "," CHANGE("/etc/a/b", "1") ","
		CHANGE("/etc/a", "1") "," CHANGE("/etc/a-b", "1") ","
		CHANGE("/x", "1") "," CHANGE("/etc/a!", "1") "]",
		"[\"/x\",\"/etc/a!\",\"/etc/a-b\",\"/etc/a/b\"]", 9, 0},
	{"[" CHANGE("/d", "1") "," CHANGE("/d/e/f", "1") ","
		CHANGE("/d/e", "1") "," CHANGE("/da", "1") "]",
		"[\"/da\",\"/d/e/f\"]", 9, 0},
	{"[" CHANGE("/d/m/x", "1") "," CHANGE("/d/m", "1") ","
		CHANGE("/d/mm", "1") "," CHANGE("/d", "0") "]",
		"[\"/d/mm\"]", 9, 0},
	{"[" CHANGE("/1/2/3", "1") "," CHANGE("/2/3", "1") ","
		CHANGE("/3", "1") "]", "[\"/3\",\"/2/3\"]", 2, 1},
	{"[7,{\"Kind\":1},{\"Path\":\"/a\"},{\"Path\":3,\"Kind\":1}]", "[]", 9,
		0},
};

static void test_candidates(void **state)
{
	struct json *c = json_parse(STR("{\"Mounts\":[{\"Destination\":"
		"\"/d/m\"}]}"), NULL, NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
		struct json *changes = json_parse(
			str_from(candidates[i].changes), NULL, NULL);
		struct strbuf text = {0};
		size_t more = 77;
		struct json *got = docker_written_candidates(
			c, changes, candidates[i].max, &more);

		json_write(got, &text);
		assert_string_equal(strbuf_cstr(&text), candidates[i].want);
		assert_int_equal(more, candidates[i].more);
		strbuf_release(&text);
		json_free(got);
		json_free(changes);
	}
	json_free(c);
}

#define DAY "2026-11-23T"
#define LIVED(created, started) "{\"Created\":\"" created "\",\"State\":" \
	"{\"StartedAt\":\"" started "\"}}"
#define FRESH LIVED(DAY "18:10:56.727Z", DAY "18:10:57.405Z")
#define LATER LIVED(DAY "18:10:56.727Z", DAY "19:40:00.000123Z")
#define NEVER LIVED(DAY "18:10:56.727Z", "0001-01-01T00:00:00Z")
#define STAT(mode, mtime) "{\"mode\":" mode ",\"mtime\":\"" mtime "\"}"

static const struct {
	const char *container, *stat;
	bool copy;
} stats[] = {
	/* As Compose 2.26 and 2.40 left them. */
	{FRESH, STAT("292", DAY "18:10:57Z"), true},
	{FRESH, STAT("256", DAY "18:10:57Z"), true},
	{LATER, STAT("292", DAY "18:10:57Z"), true},
	{NEVER, STAT("292", DAY "18:10:57Z"), true},
	{FRESH, STAT("292", DAY "20:10:57+02:00"), true},
	/* After a wait; by an `up` of a stopped one; too late for the one and
	 * too early for the other. */
	{LATER, STAT("420", DAY "18:20:56Z"), true},
	{LATER, STAT("420", DAY "18:20:57Z"), false},
	{LATER, STAT("420", DAY "19:39:49Z"), false},
	{LATER, STAT("420", DAY "19:39:51Z"), true},
	{LATER, STAT("420", DAY "19:40:00Z"), true},
	/* Since it runs; from its image; by what keeps time. */
	{LATER, STAT("420", DAY "19:40:01Z"), false},
	{FRESH, STAT("292", DAY "18:10:58Z"), false},
	{FRESH, STAT("292", DAY "18:10:56Z"), false},
	{FRESH, STAT("420", "1970-01-01T00:00:00Z"), false},
	{FRESH, STAT("420", DAY "18:10:57.2Z"), false},
	{FRESH, STAT("420", DAY "18:10:57.000000001Z"), false},
	/* A folder, a link, a pipe, a device. */
	{FRESH, STAT("2147484141", DAY "18:10:57Z"), false},
	{FRESH, STAT("134218239", DAY "18:10:57Z"), false},
	{FRESH, STAT("33554868", DAY "18:10:57Z"), false},
	{FRESH, STAT("69206454", DAY "18:10:57Z"), false},
	/* Nothing to go by. */
	{FRESH, "{}", false},
	{FRESH, "null", false},
	{FRESH, "{\"mode\":292}", false},
	{FRESH, "{\"mtime\":\"" DAY "18:10:57Z\"}", false},
	{FRESH, STAT("292", "soon"), false},
	{"{}", STAT("292", DAY "18:10:57Z"), false},
};

static void test_stats(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stats); i++) {
		struct json *c =
			json_parse(str_from(stats[i].container), NULL, NULL);
		struct json *stat =
			json_parse(str_from(stats[i].stat), NULL, NULL);

		assert_non_null(c);
		if (docker_written_is_copy(c, stat) != stats[i].copy)
			fail_msg("%s: %s", stats[i].container, stats[i].stat);
		json_free(c);
		json_free(stat);
	}
}

static const struct {
	const char *stat;
	bool secret;
} secrets[] = {
	{STAT("292", DAY "18:10:57Z"), true},
	{STAT("256", "2020-01-01T00:00:00Z"), true},
	/* Written by the container itself; a folder, a link; unknown. */
	{STAT("292", DAY "18:10:57.25Z"), false},
	{STAT("2147484141", DAY "18:10:57Z"), false},
	{STAT("134218239", DAY "18:10:57Z"), false},
	{"{}", false},
	{"null", false},
};

static void test_own_secrets(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		struct json *stat =
			json_parse(str_from(secrets[i].stat), NULL, NULL);

		assert_int_equal(
			docker_written_is_secret(stat), secrets[i].secret);
		json_free(stat);
	}
}

static void test_fine(void **state)
{
	struct json *fine = json_parse(
		STR(STAT("2147484141", DAY "18:10:57.2Z")), NULL, NULL);
	struct json *whole = json_parse(
		STR(STAT("2147484141", DAY "18:10:57Z")), NULL, NULL);

	(void)state;
	assert_true(docker_written_is_fine(fine));
	assert_false(docker_written_is_fine(whole));
	assert_false(docker_written_is_fine(NULL));
	json_free(fine);
	json_free(whole);
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
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_candidates), cmocka_unit_test(test_stats),
		cmocka_unit_test(test_own_secrets),
		cmocka_unit_test(test_fine),
		cmocka_unit_test(test_others_are_not_asked)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
