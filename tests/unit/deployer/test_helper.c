#include "deployer/registry/helper.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/clock.h"

static const struct {
	const char *script;
	int rc, code, status;
	const char *out;
	int64_t limit_ms;
} cases[] = {
	{"cat", 0, 0, 0, "in", 60000},
	{"exit 7", 0, 0, 7, "", 60000},
	{"kill -9 $$", 0, 0, 137, "", 60000},
	/* What it leaves behind dies with it at the limit. */
	{"sleep 600 & echo x; exit 0", -1, ETIME, 0, NULL, 400},
	{"exec >/dev/null; sleep 600", 0, 0, 137, "", 400},
	{"trap '' TERM; sleep 600", -1, ETIME, 0, NULL, 400},
	{"head -c 2000 /dev/zero; sleep 600", -1, EMSGSIZE, 0, NULL, 60000},
};

static void test_run(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *argv[] = {"sh", "-c", cases[i].script, NULL};
		const struct helper h = {argv, STR("in"),
			cases[i].limit_ms, 1000};
		struct strbuf out = {0};
		struct err err = {0};
		int64_t began = clock_mono();
		int status = 0, rc = helper_run(&h, &out, &status, &err);

		if (rc != cases[i].rc || err.code != cases[i].code ||
			(rc == 0 && status != cases[i].status) ||
			(cases[i].out != NULL &&
				strcmp(strbuf_cstr(&out), cases[i].out) != 0))
			fail_msg("%s: %d, %d, %s, %d, %s", cases[i].script, rc,
				err.code, err.text, status, strbuf_cstr(&out));
		assert_true(clock_mono() - began < 50000);
		strbuf_release(&out);
	}
}

static void test_missing(void **state)
{
	const char *argv[] = {"no-such-program-here", NULL};
	const struct helper h = {argv, STR(""), 1000, 1000};
	struct strbuf out = {0};
	struct err err = {0};
	int status;

	(void)state;
	assert_int_equal(helper_run(&h, &out, &status, &err), -1);
	assert_int_equal(err.code, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
