#include "logger/processes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define WALL 1763898540123 /* 2025-11-23T11:49:00.123Z, at mono 0 */

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

static void status(const char *role, const char *instance, const char *reason,
	int64_t mono)
{
	char *reasons[] = {(char *)(uintptr_t)reason};
	struct msg_status s = {.role = (char *)(uintptr_t)role,
		.instance = (char *)(uintptr_t)instance, .time = WALL + mono,
		.ready = reason == NULL,
		.reasons = {reasons, reason != NULL}};

	processes_status(p, &s, mono, WALL + mono);
}

static void expect(int64_t mono, bool ready, const char *json)
{
	struct strbuf out = {0};

	assert_int_equal(processes_json(p, mono, false, &out), ready);
	assert_string_equal(strbuf_cstr(&out), json);
	strbuf_release(&out);
}

static void who_speaks_is_shown(void **state)
{
	(void)state;
	expect(0, true, "{\"ready\":true,\"processes\":[]}");
	status("matcher", "m2", NULL, 0);
	status("matcher", "m1", NULL, 0);
	status("logger", "l", "the disk is full", 0);
	expect(500, false, "{\"ready\":false,\"processes\":["
		"{\"role\":\"logger\",\"instance\":\"l\",\"ready\":false,"
		"\"time\":\"2025-11-23T11:49:00.123Z\","
		"\"reasons\":[\"the disk is full\"]},"
		"{\"role\":\"matcher\",\"instance\":\"m1\",\"ready\":true,"
		"\"time\":\"2025-11-23T11:49:00.123Z\",\"reasons\":[]},"
		"{\"role\":\"matcher\",\"instance\":\"m2\",\"ready\":true,"
		"\"time\":\"2025-11-23T11:49:00.123Z\",\"reasons\":[]}]}");
}

static void silence_is_told_then_forgotten(void **state)
{
	static const char alive[] = "{\"ready\":true,\"processes\":["
		"{\"role\":\"ingress\",\"instance\":\"i\",\"ready\":true,"
		"\"time\":\"2025-11-23T11:49:00.123Z\",\"reasons\":[]}]}";
	static const char silent[] = "{\"ready\":false,\"processes\":["
		"{\"role\":\"ingress\",\"instance\":\"i\",\"ready\":false,"
		"\"time\":\"2025-11-23T11:49:00.123Z\",\"reasons\":["
		"\"no sign of life since 2025-11-23T11:49:00.123Z\"]}]}";

	(void)state;
	processes_up(p, "ingress", "i");
	status("ingress", "i", NULL, 0);
	expect(PROCESSES_SILENT_MS, true, alive);
	processes_down(p, "ingress", "i", false); /* killed, not stopped */
	expect(PROCESSES_SILENT_MS + 1, false, silent);
	expect(PROCESSES_FORGET_MS, false, silent);
	expect(PROCESSES_FORGET_MS + 1, true,
		"{\"ready\":true,\"processes\":[]}");
}

/* Names that come and go fill nothing up, though nobody asks. */
static void silent_ones_are_forgotten_unasked(void **state)
{
	const int64_t step = PROCESSES_FORGET_MS / 100;
	struct strbuf out = {0};
	int64_t now = 0;
	char name[16];

	(void)state;
	for (int i = 0; i < 3 * PROCESSES_MAX; i++, now += step) {
		snprintf(name, sizeof(name), "m%d", i);
		status("matcher", name, NULL, now);
		processes_forget(p, now);
	}
	status("matcher", "last", NULL, now);
	assert_false(processes_json(p, now, false, &out));
	assert_non_null(strstr(strbuf_cstr(&out), "\"last\""));
	strbuf_release(&out);
}

static void goodbye_is_no_fault(void **state)
{
	(void)state;
	processes_up(p, "matcher", "m");
	status("matcher", "m", "is stopping", 1000);
	processes_down(p, "matcher", "m", true);
	expect(1900, true, "{\"ready\":true,\"processes\":[]}");
	processes_up(p, "matcher", "n"); /* gone before its first word */
	processes_down(p, "matcher", "n", false);
	expect(90000, true, "{\"ready\":true,\"processes\":[]}");
	processes_down(p, "matcher", "never seen", true);
}

/* Started again under its name: the old connection ends after the new one
 * came, and must not take the process with it. */
static void a_restart_keeps_the_process(void **state)
{
	(void)state;
	processes_up(p, "matcher", "m");
	status("matcher", "m", NULL, 0);
	processes_up(p, "matcher", "m");
	status("matcher", "m", NULL, 4000);
	processes_down(p, "matcher", "m", true);
	expect(5000, true, "{\"ready\":true,\"processes\":["
		"{\"role\":\"matcher\",\"instance\":\"m\",\"ready\":true,"
		"\"time\":\"2025-11-23T11:49:04.123Z\",\"reasons\":[]}]}");
}

static void there_is_a_limit(void **state)
{
	struct strbuf out = {0};
	char name[32];

	(void)state;
	for (int i = 0; i < PROCESSES_MAX + 5; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		status("matcher", name, NULL, 0);
	}
	assert_true(processes_json(p, 0, false, &out));
	assert_non_null(strstr(strbuf_cstr(&out), "\"m999\""));
	assert_null(strstr(strbuf_cstr(&out), "\"m1000\""));
	strbuf_release(&out);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(who_speaks_is_shown),
		T(silence_is_told_then_forgotten),
		T(silent_ones_are_forgotten_unasked),
		T(goodbye_is_no_fault),
		T(a_restart_keeps_the_process),
		T(there_is_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
