#include "deployer/docker/docker_pick.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/deployer/json_rig.h"

#define LABELS(l) ",\"Config\":{\"Labels\":{" l "}}"
#define POLICY(p) ",\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"" p "\"}}"

static const struct {
	const char *what, *state, *rest;
	const char *was;    /* NULL: refused, with */
	const char *reason; /* part of it */
} rows[] = {
	{"running", "\"Status\":\"running\"", "", "running", NULL},
	{"crash loop", "\"Status\":\"restarting\"", "", "running", NULL},
	{"paused", "\"Status\":\"paused\"", "", "paused", NULL},
	{"stopped by a person", "\"Status\":\"exited\",\"ExitCode\":0",
		POLICY("always"), NULL, "is stopped (exit code 0)"},
	{"stopped, and it minded", "\"Status\":\"exited\",\"ExitCode\":1",
		POLICY("unless-stopped"), NULL, "is stopped (exit code 1)"},
	{"stopped by a signal", "\"Status\":\"exited\",\"ExitCode\":143",
		POLICY("on-failure"), NULL, "is stopped"},
	{"killed", "\"Status\":\"exited\",\"ExitCode\":137",
		POLICY("on-failure"), NULL, "is stopped"},
	{"killed for want of memory",
		"\"Status\":\"exited\",\"ExitCode\":137,\"OOMKilled\":true",
		POLICY("on-failure"), "exited", NULL},
	{"gave up", "\"Status\":\"exited\",\"ExitCode\":1",
		POLICY("on-failure"), "exited", NULL},
	{"ended, no policy", "\"Status\":\"exited\",\"ExitCode\":1",
		POLICY("no"), NULL, "is stopped"},
	{"could not be started", "\"Status\":\"exited\",\"ExitCode\":128,"
		"\"Error\":\"port is already allocated\"", POLICY("always"),
		"exited", NULL},
	{"never started", "\"Status\":\"created\"", POLICY("always"), NULL,
		"never started"},
	{"dead", "\"Status\":\"dead\"", "", NULL, "is dead"},
	{"no state", "\"Status\":\"\"", "", NULL, "no known state"},
	{"a Swarm task", "\"Status\":\"running\"",
		LABELS("\"com.docker.swarm.task.id\":\"x\","
		"\"com.docker.swarm.service.name\":\"shop_web\""), NULL,
		"say `deploy: {service: shop_web}`"},
	{"a pod", "\"Status\":\"running\"",
		LABELS("\"io.kubernetes.pod.name\":\"x\""), NULL,
		"belongs to Kubernetes"},
	{"a one-off", "\"Status\":\"running\"",
		LABELS("\"com.docker.compose.oneoff\":\"True\""), NULL,
		"one-off"},
	{"of Compose", "\"Status\":\"running\"",
		LABELS("\"com.docker.compose.oneoff\":\"False\""), "running",
		NULL},
	{"switched off", "\"Status\":\"running\"",
		LABELS("\"pullwire.enable\":\"false\""), NULL,
		"pullwire.enable=false"},
};

static void test_judge(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strbuf sb = {0};
		struct err err = {0};
		const char *was = NULL;
		struct json *c;
		int rc;

		strbuf_addf(&sb, "{\"Id\":\"x\",\"Name\":\"/web\",\"State\":{%s}%s}",
			rows[i].state, rows[i].rest);
		c = parse(strbuf_cstr(&sb));
		rc = docker_pick_judge(c, STOPPED_SKIP, false, &was, &err);
		if (rc != (rows[i].was ? 0 : -1) ||
			(rc == 0 && strcmp(was, rows[i].was) != 0) ||
			(rc != 0 && !strstr(err.text, rows[i].reason)))
			fail_msg("%s: %d, %s", rows[i].what, rc, err.text);
		json_free(c);
		strbuf_release(&sb);
	}
}

static void test_stopped(void **state)
{
	static const struct {
		const char *state;
		int stopped;
		const char *was;
	} cases[] = {
		{"created", STOPPED_RECREATE, "stopped"},
		{"created", STOPPED_START, "exited"},
		{"exited", STOPPED_RECREATE, "stopped"},
		{"exited", STOPPED_START, "exited"},
		{"running", STOPPED_RECREATE, "running"},
		{"paused", STOPPED_START, "paused"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct strbuf sb = {0};
		struct err err = {0};
		const char *was = NULL;
		struct json *c;

		strbuf_addf(&sb, "{\"Id\":\"x\",\"State\":{\"Status\":\"%s\"}}",
			cases[i].state);
		c = parse(strbuf_cstr(&sb));
		assert_int_equal(docker_pick_judge(c, cases[i].stopped, false, &was,
					 &err), 0);
		assert_string_equal(was, cases[i].was);
		json_free(c);
		strbuf_release(&sb);
	}
}

#define LISTED(name, number, oneoff) \
	"{\"Names\":[\"/linker/alias\",\"/" name "\"],\"Labels\":{" \
	"\"com.docker.compose.container-number\":\"" number "\"," \
	"\"com.docker.compose.oneoff\":\"" oneoff "\"}}"

static void test_sort(void **state)
{
	struct json *list = parse("[" LISTED("a_10", "10", "False") "," LISTED(
		"a_run", "1", "True") "," LISTED("a_2", "2", "False") "," LISTED(
		"a_1.new-0123abcd", "1", "False") "," LISTED("a_1", "1",
		"False") "]");
	static const char *const want[] = {"/a_1", "/a_2", "/a_10"};

	(void)state;
	docker_pick_sort(list);
	assert_int_equal(json_len(list), ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_string_equal(
			json_str(json_at(json_get(json_at(list, i), "Names"),
				1)),
			want[i]);
	json_free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_sort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
