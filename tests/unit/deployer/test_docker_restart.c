#include "deployer/docker/docker_restart.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_wanted(void **state)
{
	static const struct {
		const char *label;
		bool want;
	} rows[] = {
		{NULL, false},
		{"", false},
		{"web:service_started:true", true},
		{"web:service_started:false", false},
		{"db:service_healthy:false,web:service_started:true", true},
		{"db:service_healthy:true,web:service_started:false", false},
		{"webapp:service_started:true", false},
		{"web", false},
		{"web:service_started", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (docker_restart_wanted(rows[i].label, "web") != rows[i].want)
			fail_msg("%s", rows[i].label);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_wanted)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
