#include "deployer/docker/docker_logs.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A frame: stream, length, payload. */
#define FRAME(s, n, text) s "\0\0\0\0\0\0" n text

static const struct {
	const char *what;
	struct str raw;
	const char *want;
} rows[] = {
	{"two streams", {FRAME("\1", "\3", "ab\n") FRAME("\2", "\2", "c\n"), 21},
		"ab\nc\n"},
	{"an empty frame", {FRAME("\1", "\0", "") FRAME("\1", "\1", "x"), 17},
		"x"},
	{"cut in a payload", {FRAME("\1", "\7", "abc"), 11}, "abc"},
	{"cut in a header", {FRAME("\1", "\1", "x") "\1\0\0", 12}, "x"},
	{"a length past all memory", {"\1\0\0\0\xff\xff\xff\xff" "ab", 10}, "ab"},
	{"nothing", {"", 0}, ""},
};

static void test_unframe(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strbuf sb = {0};

		docker_logs_unframe(rows[i].raw, &sb);
		if (strcmp(strbuf_cstr(&sb), rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].what, strbuf_cstr(&sb));
		strbuf_release(&sb);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unframe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
