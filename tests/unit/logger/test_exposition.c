#include "logger/exposition.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/mem.h"

static struct processes *p;

static int setup(void **state)
{
	(void)state;
	p = processes_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	processes_free(p);
	return 0;
}

static void tell(const char *role, const char *instance, const char *metrics,
	int64_t mono)
{
	struct msg_status s = {.role = (char *)(uintptr_t)role,
		.instance = (char *)(uintptr_t)instance, .ready = true,
		.metrics = (char *)(uintptr_t)metrics};

	processes_status(p, &s, mono, mono);
}

static void expect(int64_t mono, bool open, const char *want)
{
	struct strbuf out = {0};

	exposition_write(p, mono, open, &out);
	assert_string_equal(strbuf_cstr(&out), want);
	strbuf_release(&out);
}

#define RETURNED_HELP "Events given back to their ingress, because a " \
	"deployer or a logger did not take what follows.\n"

static void families_of_all_processes(void **state)
{
	(void)state;
	tell("matcher", "m1", "{\"pullwire_returned_events_total\":3,"
		"\"pullwire_open_fds\":9}", 0);
	tell("matcher", "m2", "{\"pullwire_returned_events_total\":4}", 5000);
	expect(6000, false,
		"# HELP pullwire_open_fds Open file descriptors.\n"
		"# TYPE pullwire_open_fds gauge\n"
		"pullwire_open_fds{role=\"matcher\",instance=\"m1\"} 9\n"
		"# HELP pullwire_returned_events_total " RETURNED_HELP
		"# TYPE pullwire_returned_events_total counter\n"
		"pullwire_returned_events_total"
		"{role=\"matcher\",instance=\"m1\"} 3\n"
		"pullwire_returned_events_total"
		"{role=\"matcher\",instance=\"m2\"} 4\n");
	/* m1 is silent: its series are gone. OpenMetrics names counters so. */
	expect(12000, true,
		"# HELP pullwire_returned_events " RETURNED_HELP
		"# TYPE pullwire_returned_events counter\n"
		"pullwire_returned_events_total"
		"{role=\"matcher\",instance=\"m2\"} 4\n"
		"# EOF\n");
	expect(60000, false, "");
}

static void nothing_is_taken_over_unread(void **state)
{
	static const char *const bad[] = {
		"{\"other_total\":1}",
		"{\"pullwire_jobs_x{lane=\\\"a\\\"}\":1}",
		"{\"pullwire_jobs_bucket\":1}",
		"{\"pullwire_jobs{lane=\\\"a\\\"\":1}",
		"{\"pullwire_jobs{lane=\\\"a}\":1}",
		"{\"pullwire_jobs{lane=\\\"a\\\"b}\":1}",
		"{\"pullwire_jobs{}\":1}",
		"{\"pullwire_jobs{role=\\\"a\\\"}\":1}",
		"{\"pullwire_jobs{lane=\\\"a\\\\\\\"}\":1}",
		"{\"pullwire_jobs{lane=\\\"a\\\\x\\\"}\":1}",
		"{\"pullwire_jobs{lane=\\\"a\\nb\\\"}\":1}",
		"{\"pullwire_jobs\":\"1\"}",
		"{\"pullwire_jobs\":null}",
		"{\"pullwire_jobs\\n\":1}",
		"{\"\":1}",
		"[]",
		"",
		"{\"pullwire_jobs\":1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		tell("deployer", "d", bad[i], 0);
		expect(0, false, "");
	}
	tell("deployer", "d", NULL, 0);
	expect(0, false, "");
	tell("dep\"loyer\n", "d\\\x1b", "{\"pullwire_jobs{lane=\\\"a\\\","
		"state=\\\"\\\\\\\"}{\\\"}\":1}", 0);
	processes_down(p, "deployer", "d", true);
	expect(0, false,
		"# HELP pullwire_jobs Jobs in the queue: waiting, running or "
		"held.\n# TYPE pullwire_jobs gauge\n"
		"pullwire_jobs{role=\"dep\\\"loyer?\",instance=\"d\\\\?\","
		"lane=\"a\",state=\"\\\"}{\"} 1\n");
}

static void format_by_accept(void **state)
{
	(void)state;
	assert_false(exposition_is_open(NULL));
	assert_false(exposition_is_open("text/plain;version=0.0.4"));
	assert_true(exposition_is_open("application/openmetrics-text;"
		"version=1.0.0,text/plain;q=0.5"));
	assert_non_null(strstr(exposition_type(false), "version=0.0.4"));
	assert_non_null(strstr(exposition_type(true), "openmetrics-text"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(families_of_all_processes),
		T(nothing_is_taken_over_unread),
		T(format_by_accept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
