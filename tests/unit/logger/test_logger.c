#include "logger/logger.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void which_addresses_are_ours_alone(void **state)
{
	static const char *const loopback[] = {"127.0.0.1:8081", "127.0.0.1:0",
		"127.9.9.9:1", "[::1]:8081", "localhost:8081"};
	static const char *const others[] = {"0.0.0.0:8081", "*:8081", ":8081",
		"[::]:8081", "10.0.0.1:8081", "1.127.0.0:8081", "logger:8081",
		"[::ffff:127.0.0.1]:80", "localhost.example.com:80", "",
		"127.0.0.1.example.com:80", "[fe80::1]:80", "2130706433:80"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(loopback); i++)
		if (!logger_is_loopback(loopback[i]))
			fail_msg("%s", loopback[i]);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (logger_is_loopback(others[i]))
			fail_msg("%s", others[i]);
}

static void an_open_address_is_a_fault_with_its_line(void **state)
{
	struct conf conf = {.path = (char *)(uintptr_t)"p.yml",
		.logger = {.where = {"p.yml", 12},
			.http = (char *)(uintptr_t)"0.0.0.0:8081"}};
	struct opt_errors errs = {0};
	struct conf_token token = {0};

	(void)state;
	logger_check(&conf, &errs);
	assert_int_equal(errs.list.n, 2);
	assert_ptr_equal(strstr(errs.list.v[0], "p.yml:12: logger.http: "
		"`0.0.0.0:8081` is reachable from other machines, so "
		"`logger.tokens` must"), errs.list.v[0]);
	assert_non_null(strstr(errs.list.v[1], "plain text: set `logger.tls`"));
	opt_errors_release(&errs);
	/* Either alone is not enough. */
	conf.logger.plain_http = true;
	logger_check(&conf, &errs);
	assert_int_equal(errs.list.n, 1);
	opt_errors_release(&errs);
	conf.logger.tokens = (struct opt_list){&token, 1};
	logger_check(&conf, &errs);
	assert_int_equal(errs.list.n, 0);
	conf.logger.plain_http = false;
	logger_check(&conf, &errs);
	assert_int_equal(errs.list.n, 1);
	opt_errors_release(&errs);
	conf.logger.http = (char *)(uintptr_t)"127.0.0.1:8081";
	conf.logger.tokens.n = 0;
	logger_check(&conf, &errs);
	assert_int_equal(errs.list.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_addresses_are_ours_alone),
		cmocka_unit_test(an_open_address_is_a_fault_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
