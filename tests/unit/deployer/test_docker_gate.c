#include "deployer/docker/docker_gate.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "tests/unit/deployer/json_rig.h"

/* An inspected container: its State, and what is beside it. */
#define AT "\"StartedAt\":\"2026-11-23T12:00:00Z\""
#define RUNS "\"Status\":\"running\",\"Running\":true," AT
#define HEALTH(word) \
	"\"Health\":{\"Status\":\"" word "\",\"Log\":[{\"Output\":\"first\"}," \
	"{\"Output\":\" no answer\\nmore\"}]}"

static const struct {
	const char *what;
	const char *state;
	const char *rest; /* members beside State, with a comma before; or "" */
	int64_t elapsed_ms;
	enum docker_verdict want;
	const char *reason; /* part of it */
} rows[] = {
	{"young", RUNS, "", 9999, DOCKER_WAIT, NULL},
	{"stayed up", RUNS, "", 10000, DOCKER_PASS, NULL},
	{"health none is no healthcheck", RUNS "," HEALTH("none"), "", 10000,
		DOCKER_PASS, NULL},
	{"not yet running", "\"Status\":\"created\"," AT, "", 20000,
		DOCKER_WAIT, NULL},
	{"paused by somebody", "\"Status\":\"paused\"," AT, "", 40000,
		DOCKER_BAD, "is paused instead of running"},
	{"exited", "\"Status\":\"exited\",\"ExitCode\":3," AT, "", 100,
		DOCKER_BAD, "exited with code 3"},
	{"exited well", "\"Status\":\"exited\",\"ExitCode\":0," AT, "", 100,
		DOCKER_BAD, "exited with code 0"},
	{"could not start",
		"\"Status\":\"exited\",\"ExitCode\":127,\"Error\":\"no such "
		"file\"," AT,
		"", 100, DOCKER_BAD, "exited with code 127: no such file"},
	{"vanishing", "\"Status\":\"removing\",\"ExitCode\":2," AT, "", 100,
		DOCKER_BAD, "exited with code 2"},
	{"dead", "\"Status\":\"dead\"," AT, "", 100, DOCKER_BAD, "is dead"},
	{"crash loop says Running",
		"\"Status\":\"restarting\",\"Running\":true,\"Restarting\":true,"
		"\"ExitCode\":1," AT,
		"", 100, DOCKER_BAD, "keeps restarting, exit code 1"},
	{"between two crashes", RUNS, ",\"RestartCount\":1", 100, DOCKER_BAD,
		"ended and was started again"},
	{"started anew", "\"Status\":\"running\",\"StartedAt\":\"2026-11-23T12:"
		"00:09Z\"", "", 100, DOCKER_BAD, "was started again"},
	{"out of memory", "\"Status\":\"running\",\"OOMKilled\":true," AT, "",
		100, DOCKER_BAD, "want of memory"},
	{"another image", RUNS, ",\"Image\":\"sha256:other\"", 100, DOCKER_BAD,
		"runs image sha256:other instead of sha256:new"},
	{"healthy at once", RUNS "," HEALTH("healthy"), "", 0, DOCKER_PASS,
		NULL},
	{"starting past the grace", RUNS "," HEALTH("starting"), "", 59999,
		DOCKER_WAIT, NULL},
	{"starting past the deadline", RUNS "," HEALTH("starting"),
		",\"Config\":{\"Healthcheck\":{\"Interval\":1000000,"
		"\"Timeout\":1000000}}",
		60000, DOCKER_BAD, "did not get healthy within 60 s: no answer"},
	{"unhealthy", RUNS "," HEALTH("unhealthy"), "", 10, DOCKER_BAD,
		"is unhealthy: no answer"},
	{"a port is missing", RUNS, ",\"NetworkSettings\":{\"Ports\":"
		"{\"80/tcp\":null},\"Networks\":{\"a\":{},\"b\":{}}}",
		10000, DOCKER_BAD, "does not publish port 80/tcp"},
	{"a port was never published", RUNS, ",\"NetworkSettings\":{"
		"\"Ports\":{\"80/tcp\":[{}]},\"Networks\":{\"a\":{},"
		"\"b\":{}}}", 10000, DOCKER_PASS, NULL},
	{"a network is missing", RUNS, ",\"NetworkSettings\":{\"Ports\":{"
		"\"80/tcp\":[{}]},\"Networks\":{\"a\":{}}}", 10000, DOCKER_BAD, "is not in network b"},
	{"a network too many", RUNS "," HEALTH("healthy"),
		",\"NetworkSettings\":{\"Ports\":{\"80/tcp\":[{}]},"
		"\"Networks\":{\"a\":{},\"b\":{},\"c\":{}}}", 10, DOCKER_BAD, "in other networks"},
};

static void test_judge(void **state)
{
	const struct docker_gate_base base = {.started_at =
		"2026-11-23T12:00:00Z"};
	struct json *old = parse(
		"{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[{}],"
		"\"81/tcp\":[{}]}},\"NetworkSettings\":{\"Ports\":{"
		"\"80/tcp\":[{}],\"81/tcp\":null,\"82/tcp\":[{}]},\"Networks\":{\"a\":{},\"b\":{}}}}");
	enum docker_verdict got;
	struct json *c;
	char reason[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strbuf sb = {0};
		struct docker_gate g = {
			.image = "sha256:new", .grace_ms = 10000};

		if (strstr(rows[i].rest, "Networks") != NULL)
			g.old = old;
		strbuf_addf(&sb, "{\"State\":{%s}%s%s}", rows[i].state,
			strstr(rows[i].rest, "\"Image\"")
				? ""
				: ",\"Image\":\"sha256:new\"",
			rows[i].rest);
		c = parse(strbuf_cstr(&sb));
		reason[0] = '\0';
		got = docker_gate_judge(&g, &base, c, rows[i].elapsed_ms,
			reason, sizeof(reason));
		if (got != rows[i].want)
			fail_msg("%s: verdict %d, %s", rows[i].what, got,
				reason);
		if (rows[i].reason && !strstr(reason, rows[i].reason))
			fail_msg("%s: says \"%s\"", rows[i].what, reason);
		json_free(c);
		strbuf_release(&sb);
	}
	json_free(old);
}

static const struct {
	const char *health;
	int64_t ms;
} deadlines[] = {
	/* start_period + (interval + timeout) * (retries + 1) + 10 s */
	{"{\"Interval\":5000000000,\"Timeout\":2000000000,\"Retries\":2,"
	 "\"StartPeriod\":100000000000}", 100000 + 7000 * 3 + 10000},
	/* The engine's defaults: 30 s, 30 s, 3. */
	{"{\"Test\":[\"CMD\",\"x\"]}", 60000 * 4 + 10000},
	/* At least a minute. */
	{"{\"Interval\":1000000,\"Timeout\":1000000,\"Retries\":1}", 60000},
};

static void test_deadline(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(deadlines); i++) {
		struct strbuf sb = {0};
		struct json *c;

		strbuf_addf(&sb, "{\"Config\":{\"Healthcheck\":%s}}",
			deadlines[i].health);
		c = parse(strbuf_cstr(&sb));
		assert_int_equal(docker_gate_deadline(c), deadlines[i].ms);
		json_free(c);
		strbuf_release(&sb);
	}
}

/* ---- the wait, at an engine that answers late -------------------------------- */

#define GRACE_MS 200

/* Its container ends and is started again between all looks. */
static struct {
	int fd, looks, late; /* the look that takes longer than the grace time */
} engine;

static void answer(int fd, const char *ask)
{
	char body[400] = "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}";
	char head[200];
	bool logs = strstr(ask, "/logs") != NULL;

	if (strstr(ask, "/containers/") != NULL && !logs) {
		if (++engine.looks == engine.late)
			clock_sleep(GRACE_MS * 2);
		snprintf(body, sizeof(body),
			"{\"Id\":\"one\",\"Name\":\"/one\",\"RestartCount\":%d,"
			"\"State\":{" RUNS ",\"ExitCode\":3}}",
			engine.looks - 1);
	}
	snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Type: "
		"application/json\r\nContent-Length: %zu\r\n\r\n",
		logs ? "501 Not Implemented" : "200 OK", strlen(body));
	(void)!write(fd, head, strlen(head));
	(void)!write(fd, body, strlen(body));
}

/* One connection after the other, until there is none. */
static void *serve(void *ctx)
{
	char ask[4000];
	ssize_t n;
	int fd;

	while ((fd = accept(engine.fd, NULL, NULL)) >= 0) {
		while ((n = read(fd, ask, sizeof(ask) - 1)) > 0) {
			ask[n] = '\0';
			answer(fd, ask);
		}
		close(fd);
	}
	return ctx;
}

static void test_wait_late(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct conf_engine conf = {.name = "e"};
	struct docker_gate g = {.grace_ms = GRACE_MS};
	struct docker_api *api;
	struct err err;
	pthread_t thread;
	char url[sizeof(at.sun_path) + 8];

	(void)state;
	snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/test_gate.%d.sock",
		(int)getpid());
	snprintf(url, sizeof(url), "unix://%s", at.sun_path);
	conf.docker = url;
	engine.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(engine.fd, (void *)&at, sizeof(at)), 0);
	assert_int_equal(listen(engine.fd, 5), 0);
	pthread_create(&thread, NULL, serve, NULL);
	for (engine.late = 1; engine.late <= 2; engine.late++) {
		engine.looks = 0;
		err = (struct err){0};
		api = docker_api_open(&conf, &err);
		assert_int_equal(docker_gate_wait(api, "one", &g, &err), -1);
		if (strstr(err.text, "was started again") == NULL)
			fail_msg("look %d late: %s", engine.late, err.text);
		docker_api_close(api);
	}
	shutdown(engine.fd, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(engine.fd);
	unlink(at.sun_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_wait_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
