/* Services and tasks as Engine 20.10 told them, cut down to what counts. */
#include "deployer/swarm/swarm_wait.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NEW "sha256:bb70b1c4b1649df5804d520a5f505d508bf36eb4485cba0efbcd0d7e1a7f95e8"
#define OLD "sha256:a593607c73347991d9c9c0f29f5472ce7fe409ec42d851ea1487bd00d4ea3a00"
#define SPEC(digest, mode) \
	"{\"Name\":\"web\",\"Labels\":{},\"TaskTemplate\":{\"ContainerSpec\":{" \
	"\"Image\":\"localhost:20028/pr:v2@" digest "\",\"StopGracePeriod\":" \
	"1000000000,\"Isolation\":\"default\"},\"ForceUpdate\":0,\"Runtime\":" \
	"\"container\"},\"Mode\":" mode ",\"UpdateConfig\":{\"Parallelism\":1," \
	"\"FailureAction\":\"pause\",\"Monitor\":1000000000," \
	"\"MaxFailureRatio\":0,\"Order\":\"stop-first\"}}"
#define TWO "{\"Replicated\":{\"Replicas\":2}}"
#define ZERO "{\"Replicated\":{\"Replicas\":0}}"
#define GLOBAL "{\"Global\":{}}"
#define SERVICE(spec, status) \
	"{\"ID\":\"72r9n8r035kt2phwaqmq6emkm\",\"Version\":{\"Index\":27}," \
	"\"Spec\":" spec ",\"UpdateStatus\":" status "}"
#define FINISHES \
	"{\"Name\":\"web\",\"TaskTemplate\":{\"ContainerSpec\":{\"Image\":" \
	"\"localhost:20028/pr:v2@" NEW "\"},\"RestartPolicy\":{\"Condition\":" \
	"\"on-failure\"}},\"Mode\":" TWO "}"
#define STATUS(state) \
	"{\"State\":\"" state "\",\"StartedAt\":\"2026-11-23T18:14:32.692Z\"}"
#define TASK(id, desired, state, digest, at) \
	"{\"ID\":\"" id "\",\"Slot\":1,\"DesiredState\":\"" desired "\"," \
	"\"Spec\":{\"ContainerSpec\":{\"Image\":\"localhost:20028/pr:v2@" \
	digest "\"}},\"Status\":{\"Timestamp\":\"2026-11-23T18:14:" at "Z\"," \
	"\"State\":\"" state "\",\"Message\":\"started\"}}"
#define UP(id, at) TASK(id, "running", "running", NEW, at)
#define LATE "49.5" /* the look is at 18:15:00 */
#define JUST "59.5"

static struct json *parse(const char *text)
{
	static const struct json_limits limits = {.nodes = 10000};
	struct err err = {0};
	struct json *j = text ? json_parse(str_from(text), &limits, &err) : NULL;

	if (text && !j)
		fail_msg("%s: %s", text, err.text);
	return j;
}

static const struct {
	const char *what, *service, *current, *now;
	int64_t waited;
	enum swarm_state want, back;
} verdicts[] = {
	{"just posted: no status yet", SERVICE(SPEC(NEW, TWO), "null"), "[]",
		"[" TASK("old", "running", "running", OLD, LATE) "]", 100,
		SWARM_GOES_ON, SWARM_GOES_ON},
	{"an empty status, as older engines have", SERVICE(SPEC(NEW, TWO),
		"{\"State\":\"\"}"), "[]", "[]", 100, SWARM_GOES_ON,
		SWARM_GOES_ON},
	{"updating", SERVICE(SPEC(NEW, TWO), STATUS("updating")),
		"[" UP("a", JUST) "]", NULL, 3000, SWARM_GOES_ON, SWARM_GOES_ON},
	{"completed", SERVICE(SPEC(NEW, TWO), STATUS("completed")),
		"[" UP("a", JUST) "," UP("b", JUST) "]", "[]", 3000, SWARM_DONE,
		SWARM_GOES_ON},
	{"completed early, since someone changed a label",
		SERVICE(SPEC(NEW, TWO), STATUS("completed")),
		"[" UP("a", JUST) ","
		TASK("b", "running", "starting", NEW, JUST) "]", "[]", 3000,
		SWARM_GOES_ON, SWARM_GOES_ON},
	{"completed, and its tasks have ended as they should",
		SERVICE(FINISHES, STATUS("completed")),
		"[" UP("a", JUST) ","
		TASK("b", "shutdown", "complete", NEW, JUST) "]", "[]", 3000,
		SWARM_DONE, SWARM_GOES_ON},
	{"completed by `continue`, and one fails",
		SERVICE(SPEC(NEW, TWO), STATUS("completed")),
		"[" UP("a", LATE) "," TASK("b", "shutdown", "failed", NEW, JUST)
		"]", "[]", 3000, SWARM_GOES_ON, SWARM_GOES_ON},
	{"completed, one failed, its successor is young",
		SERVICE(SPEC(NEW, TWO), STATUS("completed")),
		"[" UP("a", LATE) "," UP("c", JUST) ","
		TASK("b", "shutdown", "failed", NEW, JUST) "]", "[]", 3000,
		SWARM_GOES_ON, SWARM_GOES_ON},
	{"completed, one failed, its successor stays up",
		SERVICE(SPEC(NEW, TWO), STATUS("completed")),
		"[" UP("a", LATE) "," UP("c", "48.0") ","
		TASK("b", "shutdown", "rejected", NEW, "47.0") "]", "[]", 3000,
		SWARM_DONE, SWARM_GOES_ON},
	{"completed, but with another's image",
		SERVICE(SPEC(OLD, TWO), STATUS("completed")), "[]", "[]", 3000,
		SWARM_OVERTAKEN, SWARM_RETURNED},
	{"updating to another's image",
		SERVICE(SPEC(OLD, TWO), STATUS("updating")), "[]", NULL, 3000,
		SWARM_OVERTAKEN, SWARM_GOES_ON},
	{"paused", SERVICE(SPEC(NEW, TWO), STATUS("paused")), "[]", NULL, 3000,
		SWARM_STUCK, SWARM_GOES_ON},
	{"going back", SERVICE(SPEC(OLD, TWO), STATUS("rollback_started")),
		"[]", NULL, 3000, SWARM_RETURNS, SWARM_GOES_ON},
	{"gone back", SERVICE(SPEC(OLD, TWO), STATUS("rollback_completed")),
		"[]", NULL, 3000, SWARM_RETURNED, SWARM_RETURNED},
	{"neither there nor back",
		SERVICE(SPEC(OLD, TWO), STATUS("rollback_paused")), "[]", NULL,
		3000, SWARM_LOST, SWARM_LOST},
	{"no replicas: never a status", SERVICE(SPEC(NEW, ZERO), "null"), "[]",
		"[]", 100, SWARM_DONE, SWARM_GOES_ON},
	{"no replicas, back", SERVICE(SPEC(OLD, ZERO), "null"), "[]", "[]", 100,
		SWARM_OVERTAKEN, SWARM_RETURNED},
	{"global, on no node", SERVICE(SPEC(NEW, GLOBAL), "null"), "[]", "[]",
		6000, SWARM_DONE, SWARM_GOES_ON},
	{"global, complete on its nodes", SERVICE(SPEC(NEW, GLOBAL),
		STATUS("completed")), "[" UP("a", JUST) "," UP("b", JUST) "]",
		"[]", 6000, SWARM_DONE, SWARM_GOES_ON},
	{"global, not begun", SERVICE(SPEC(NEW, GLOBAL), "null"), "[]",
		"[" TASK("old", "running", "running", OLD, LATE) "]", 6000,
		SWARM_GOES_ON, SWARM_GOES_ON},
	{"global, one node is not ready", SERVICE(SPEC(NEW, GLOBAL), "null"),
		"[" TASK("a", "running", "preparing", NEW, JUST) "]",
		"[" TASK("a", "running", "preparing", NEW, JUST) "]", 6000,
		SWARM_GOES_ON, SWARM_GOES_ON},
	{"nothing was to be replaced", SERVICE(SPEC(NEW, TWO), "null"),
		"[" UP("a", LATE) "," UP("b", LATE) "]",
		"[" UP("b", LATE) "," UP("a", LATE) "]", 6000, SWARM_DONE,
		SWARM_GOES_ON},
	{"no status, since someone changed a label, and it crashes",
		SERVICE(SPEC(NEW, TWO), "null"), "[" UP("a", LATE) ","
		UP("c", JUST) "," TASK("b", "shutdown", "failed", NEW, "58.0")
		"]", "[" UP("a", LATE) "," UP("c", JUST) "]", 6000,
		SWARM_GOES_ON, SWARM_GOES_ON},
	{"a task that no node takes", SERVICE(SPEC(NEW, TWO), "null"),
		"[" TASK("a", "running", "pending", NEW, LATE) "]",
		"[" TASK("a", "running", "pending", NEW, LATE) "]", 60000,
		SWARM_GOES_ON, SWARM_GOES_ON},
};

/* Looks twice a second, at tasks that came up when they say so. */
static struct swarm_since *watch(const struct json *current)
{
	struct swarm_since *since = swarm_since_new();
	int64_t end, came;

	str_to_time(STR("2026-11-23T18:15:00Z"), &end);
	for (int64_t now = end - 15000; now <= end; now += 500) {
		struct json *there = json_new_array();
		const struct json *t = json_first(current);

		for (; t; t = json_next(t)) {
			str_to_time(str_from(json_str(json_path(
				t, "Status.Timestamp"))), &came);
			if (came <= now)
				json_push(there, json_copy(t));
		}
		swarm_since_see(since, there, now);
		json_free(there);
	}
	return since;
}

static void test_judge(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		struct json *service = parse(verdicts[i].service);
		struct json *current = parse(verdicts[i].current);
		struct json *now = parse(verdicts[i].now);
		struct swarm_since *since = watch(current);
		struct swarm_look l = {.since = since, .service = service, .current = current,
			.now = now, .digest = NEW, .grace_ms = 10000,
			.waited_ms = verdicts[i].waited};

		if (swarm_wait_judge(&l) != verdicts[i].want)
			fail_msg("%s: %d", verdicts[i].what,
				(int)swarm_wait_judge(&l));
		if (swarm_wait_judge_back(&l) != verdicts[i].back)
			fail_msg("%s, back: %d", verdicts[i].what,
				(int)swarm_wait_judge_back(&l));
		json_free(service);
		json_free(current);
		json_free(now);
		swarm_since_free(since);
	}
}

/* Our clock alone counts, and only while it runs. */
static void test_since(void **state)
{
	struct swarm_since *s = swarm_since_new();
	struct json *up = parse("[" UP("a", LATE) "," UP("b", LATE) "]");
	struct json *one = parse("[" UP("a", JUST) ","
		TASK("b", "running", "starting", NEW, LATE) "]");
	const struct json *a = json_first(up), *b = json_next(a);

	(void)state;
	assert_int_equal(swarm_since_up(s, a), 0);
	swarm_since_see(s, up, 1000);
	assert_int_equal(swarm_since_up(s, a), 0);
	swarm_since_see(s, up, 1700);
	assert_int_equal(swarm_since_up(s, b), 700);
	swarm_since_see(s, one, 2000);
	assert_int_equal(swarm_since_up(s, a), 1000);
	assert_int_equal(swarm_since_up(s, b), 0);
	swarm_since_see(s, up, 2500);
	assert_int_equal(swarm_since_up(s, a), 1500);
	assert_int_equal(swarm_since_up(s, b), 0);
	json_free(up);
	json_free(one);
	swarm_since_free(s);
}

/* ---- limits ----------------------------------------------------------------- */

static void test_deadline(void **state)
{
	static const struct {
		const char *spec;
		int64_t s;
	} rows[] = {
		/* 5 s monitor, 10 s stop, 4 probes of 30 s + 30 s */
		{"{}", 600 + 255},
		{"{\"Mode\":" ZERO "}", 600 + 255},
		{"{\"Mode\":{\"Replicated\":{\"Replicas\":5}},\"UpdateConfig\":{"
		 "\"Parallelism\":2,\"Delay\":20000000000}}", 600 + 3 * 275},
		{"{\"Mode\":{\"Replicated\":{\"Replicas\":9}},\"UpdateConfig\":{"
		 "\"Parallelism\":0}}", 600 + 255},
		{"{\"TaskTemplate\":{\"ContainerSpec\":{\"StopGracePeriod\":"
		 "1000000000,\"Healthcheck\":{\"Interval\":2000000000,"
		 "\"Timeout\":1000000000,\"Retries\":1,\"StartPeriod\":"
		 "60000000000}}}}", 600 + 5 + 1 + 60 + 2 * 3},
		{"{\"Mode\":" GLOBAL "}", 600 + 10 * 255},
		{"{\"Mode\":{\"Replicated\":{\"Replicas\":9223372036854775807}},"
		 "\"UpdateConfig\":{\"Delay\":9223372036854775807}}", 86400},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *spec = parse(rows[i].spec);

		if (swarm_wait_deadline(spec) != rows[i].s * 1000)
			fail_msg("%s: %lld", rows[i].spec,
				(long long)swarm_wait_deadline(spec));
		json_free(spec);
	}
}

static void test_counts(void **state)
{
	struct json *tasks = parse("[" UP("a", LATE) ","
		TASK("b", "shutdown", "running", NEW, LATE) ","
		TASK("c", "running", "starting", NEW, LATE) "]");
	struct json *two = parse(SPEC(NEW, TWO)), *all = parse(SPEC(NEW, GLOBAL));
	struct json *none = parse("{}");

	(void)state;
	assert_int_equal(swarm_wait_running(tasks), 1);
	assert_int_equal(swarm_wait_wanted(two), 2);
	assert_int_equal(swarm_wait_wanted(all), -1);
	assert_int_equal(swarm_wait_wanted(none), 1);
	assert_string_equal(swarm_wait_on_failure(none), "pause");
	assert_string_equal(swarm_wait_on_failure(two), "pause");
	json_free(tasks);
	json_free(two);
	json_free(all);
	json_free(none);
}

/* ---- who is to blame -------------------------------------------------------- */

#define ENDED(id, state, err, digest, at) \
	"{\"ID\":\"" id "\",\"Slot\":2,\"DesiredState\":\"shutdown\",\"Spec\":{" \
	"\"ContainerSpec\":{\"Image\":\"localhost:20028/pr:bad@" digest "\"}}," \
	"\"Status\":{\"Timestamp\":\"2026-11-23T18:14:" at "Z\",\"State\":\"" \
	state "\",\"Message\":\"preparing\",\"Err\":\"" err "\"}}"

static const struct {
	const char *what, *all, *want, *words;
} blames[] = {
	{"nobody", "[" UP("a", LATE) "]", NULL, NULL},
	{"the old image's", "[" ENDED("a", "failed", "x", OLD, "01.1") "]", NULL,
		NULL},
	{"the newest that failed", "["
		ENDED("a", "failed", "task: non-zero exit (3)", NEW, "01.1") ","
		ENDED("b", "failed", "task: non-zero exit (4)", NEW, "02.1") ","
		ENDED("c", "shutdown", "", NEW, "03.1") "]", "b",
		"task web.2 is failed: task: non-zero exit (4)"},
	{"an image that is nowhere", "["
		ENDED("a", "rejected", "No such image: x", NEW, "01.1") ","
		UP("b", LATE) "]", "a", "task web.2 is rejected: No such image: x"},
	{"no node takes it", "["
		ENDED("a", "pending", "no suitable node (insufficient "
		"resources)", NEW, "01.1") "]", "a",
		"task web.2 is pending: no suitable node"},
	{"unhealthy, but ended with 0", "["
		ENDED("a", "complete", "", NEW, "01.1") "]", "a",
		"task web.2 is complete: preparing"},
};

static void test_culprit(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(blames); i++) {
		struct json *all = parse(blames[i].all);
		const struct json *t = swarm_wait_culprit(all, NEW);
		const char *id = json_str(json_get(t, "ID"));
		char words[300] = "";

		if (!id != !blames[i].want ||
			(id && strcmp(id, blames[i].want) != 0))
			fail_msg("%s: %s", blames[i].what, id ? id : "nobody");
		if (t)
			swarm_wait_describe(t, "web", words, sizeof(words));
		if (t && strncmp(words, blames[i].words,
				strlen(blames[i].words)) != 0)
			fail_msg("%s: %s", blames[i].what, words);
		json_free(all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_since),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_culprit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
