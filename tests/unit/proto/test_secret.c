#include "proto/base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/pullwire-secret-XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void write_file(const char *p, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void test_read(void **state)
{
	static const struct {
		const char *content, *want; /* want NULL: refused */
	} cases[] = {
		{"token", "token"},
		{"token\n", "token"},
		{"token\r\n", "token"},
		{"token\n\n", "token\n"},
		{" token ", " token "},
		{"", NULL},
		{"\n", NULL},
		{"\r\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *want = cases[i].want;
		struct secret s = {0};
		struct err err = {0};

		write_file(cases[i].content, strlen(cases[i].content));
		assert_int_equal(secret_read(&s, path, &err), want ? 0 : -1);
		if (want != NULL)
			assert_true(secret_matches(&s, str_from(want)));
		else
			assert_non_null(strstr(err.text, path));
		secret_release(&s);
	}
}

static void test_sizes(void **state)
{
	static char big[65540];
	struct secret s = {0};
	struct err err = {0};

	(void)state;
	memset(big, 'x', sizeof(big));
	big[65536] = '\n';
	write_file(big, 65537);
	assert_int_equal(secret_read(&s, path, &err), 0);
	assert_int_equal(s.n, 65536);
	write_file(big, 65540);
	assert_int_equal(secret_read(&s, path, &err), -1);
	assert_non_null(strstr(err.text, "larger than 64 KiB"));
	assert_int_equal(s.n, 65536); /* kept */
	secret_release(&s);
	assert_int_equal(secret_read(&s, "/nowhere/token", &err), -1);
	assert_string_equal(err.text, "cannot open secret file /nowhere/token: "
				      "No such file or directory");
	assert_int_equal(secret_read(&s, "/", &err), -1);
}

static void test_matches(void **state)
{
	struct secret s = {0};

	(void)state;
	/* An unset secret matches nothing, not even the empty text. */
	assert_false(secret_matches(&s, STR("")));
	secret_set(&s, STR("one"));
	secret_set(&s, STR("two"));
	assert_true(secret_matches(&s, STR("two")));
	assert_false(secret_matches(&s, STR("one")));
	assert_false(secret_matches(&s, STR("tw")));
	assert_false(secret_matches(&s, STR("two ")));
	secret_set(&s, (struct str){s.p, 2});
	assert_true(secret_matches(&s, STR("tw")));
	secret_release(&s);
	assert_null(s.p);
	secret_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_matches),
	};

	return cmocka_run_group_tests_name(
		"secret", tests, make_file, remove_file);
}
