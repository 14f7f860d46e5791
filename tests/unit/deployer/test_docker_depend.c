#include "deployer/docker/docker_depend.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "deployer/docker/docker_swap.h"
#include "tests/unit/deployer/json_rig.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccc"
#define D "dddddddddddddddddddddddd"
#define ONE(id, name, host) \
	"{\"Id\":\"" id "\",\"Name\":\"/" name "\",\"HostConfig\":{" host "}}"
#define NET(of) "\"NetworkMode\":\"container:" of "\""

static const struct {
	const char *what, *all;
	const char *want; /* names in order; NULL: a circle */
} rows[] = {
	{"none", ONE(A, "a", "") "," ONE(B, "b", "\"NetworkMode\":\"host\""),
		""},
	{"by id", ONE(B, "b", NET(A)) "," ONE(A, "a", ""), "b"},
	{"by a cut id", ONE(B, "b", NET("aaaaaaaaaaaa")) "," ONE(A, "a", ""),
		"b"},
	{"by too short an id", ONE(B, "b", NET("aaaa")) "," ONE(A, "a", ""),
		""},
	{"by name", ONE(B, "b", "\"PidMode\":\"container:a\"") "," ONE(
		"f0" A, "a", ""), "b"},
	{"memory", ONE(B, "b", "\"IpcMode\":\"container:" A "\"") "," ONE(A,
		"a", ""), "b"},
	{"volumes", ONE(B, "b", "\"VolumesFrom\":[\"x\",\"a:ro\"]") "," ONE(A,
		"a", ""), "b"},
	{"a link", ONE(B, "b", "\"Links\":[\"/a:/b/db\"]") "," ONE(A, "a", ""),
		"b"},
	{"a chain, listed from its end", ONE(D, "d", NET(C)) "," ONE(C, "c",
		NET(B)) "," ONE(B, "b", NET(A)) "," ONE(A, "a", ""), "b c d"},
	{"one of two others", ONE(D, "d", NET(B) ",\"VolumesFrom\":[\"c\"]")
		"," ONE(B, "b", NET(A)) "," ONE(C, "c", NET(A)) "," ONE(A,
		"a", ""), "b c d"},
	{"a circle of two", ONE(B, "b", NET(A) ",\"VolumesFrom\":[\"c\"]") ","
		ONE(C, "c", "\"VolumesFrom\":[\"b\"]") "," ONE(A, "a", ""),
		NULL},
	{"a circle with the target", ONE(B, "b", "\"VolumesFrom\":[\"a\"]") ","
		ONE(A, "a", "\"VolumesFrom\":[\"b\"]"), NULL},
	{"another's", ONE(B, "b", NET(C)) "," ONE(C, "c", "") "," ONE(A, "a",
		""), ""},
};

static void test_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strbuf sb = {0}, got = {0};
		struct json *all, *out = json_new_array();
		struct json *targets;
		struct err err = {0};
		const char *id = strstr(rows[i].all, "f0" A) ? "f0" A : A;
		int rc;

		strbuf_addf(&sb, "[%s]", rows[i].all);
		all = parse(strbuf_cstr(&sb));
		strbuf_truncate(&sb, 0);
		strbuf_addf(&sb, "[{\"Id\":\"%s\",\"Names\":[\"/a\"]}]", id);
		targets = parse(strbuf_cstr(&sb));
		rc = docker_depend_order(all, targets, out, &err);
		for (const struct json *c = json_first(out); c;
			c = json_next(c))
			strbuf_addf(&got, "%s%s", got.len ? " " : "",
				docker_swap_name(c));
		if ((rc == 0) != (rows[i].want != NULL) ||
			(rc == 0 && strcmp(strbuf_cstr(&got), rows[i].want)))
			fail_msg("%s: %d, %s %s", rows[i].what, rc,
				strbuf_cstr(&got), err.text);
		json_free(all);
		json_free(out);
		json_free(targets);
		strbuf_release(&sb);
		strbuf_release(&got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_order)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
