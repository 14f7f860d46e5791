/* Who may do what: each route by each role, by token and by session. */
#include "tests/unit/logger/api_world.h"

#define BEARER(token) "Authorization: Bearer " token "\r\n"
#define OURS "X-Pullwire: 1\r\n"
#define SAME "Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n"

/* What each role gets; 0 is "not refused": neither 401, 403 nor 429. */
static const struct {
	const char *method, *target;
	int nobody, viewer, operator;
} routes[] = {
	{"GET", "/", 0, 0, 0},
	{"GET", "/page/app.js", 0, 0, 0},
	{"GET", "/v1/setup", 401, 0, 0},
	{"GET", "/healthz", 0, 0, 0},
	{"GET", "/readyz", 0, 0, 0},
	{"GET", "/v1/session", 0, 0, 0},
	{"GET", "/metrics", 401, 0, 0},
	{"GET", "/v1/records", 401, 0, 0},
	{"GET", "/v1/records/e/t/1/x", 401, 0, 0},
	{"GET", "/v1/events/e", 401, 0, 0},
	{"GET", "/v1/triggers", 401, 0, 0},
	{"GET", "/v1/queue", 401, 0, 0},
	{"GET", "/v1/processes", 401, 0, 0},
	{"POST", "/v1/events/e/redeliver", 401, 403, 0},
	{"POST", "/v1/redeliver", 401, 403, 0},
	{"POST", "/v1/jobs/e/t/approve", 401, 403, 0},
	{"POST", "/v1/jobs/e/t/hold", 401, 403, 0},
	{"POST", "/v1/jobs/e/t/release", 401, 403, 0},
	{"POST", "/v1/jobs/e/t/cancel", 401, 403, 0},
	{"POST", "/v1/jobs/e/t/retry", 401, 403, 0},
	{"POST", "/v1/targets/t/rollback", 401, 403, 0},
};

static void check(size_t i, const char *lines, int want)
{
	ask(routes[i].method, routes[i].target, lines, "");
	if (want ? status != want
		 : status == 401 || status == 403 || status == 429)
		fail_msg("%s %s with %s: %d", routes[i].method,
			routes[i].target, lines, status);
}

/* The session's cookie line, for a request from our own page. */
static char *sign_in(const char *token)
{
	char *body = xprintf("{\"token\":\"%s\"}", token), *line;
	const char *from;

	ask("POST", "/v1/session", OURS SAME, body);
	free(body);
	assert_int_equal(status, 200);
	from = strstr(strbuf_cstr(&answer), "Set-Cookie: pullwire=");
	assert_non_null(from);
	line = xprintf("Cookie: a=b; pullwire=%.64s\r\n" OURS SAME,
		from + strlen("Set-Cookie: pullwire="));
	return line;
}

static void by_token(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		check(i, "", routes[i].nobody);
		check(i, BEARER(VIEWER), routes[i].viewer);
		check(i, BEARER(OPERATOR), routes[i].operator);
	}
}

static void by_session(void **state)
{
	char *viewer = sign_in(VIEWER), *operator= sign_in(OPERATOR);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		check(i, viewer, routes[i].viewer);
		check(i, operator, routes[i].operator);
	}
	free(viewer);
	free(operator);
}

/* Loopback only: all may look, and nobody may do anything. */
static void without_tokens(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		check(i, "", strcmp(routes[i].method, "GET") == 0 ? 0 : 403);
	expect_post("/v1/events/e/redeliver", BEARER(OPERATOR), "", 403,
		"`logger.tokens` is empty");
	expect("/v1/session", 200, "{\"role\":\"viewer\",\"name\":null,"
				   "\"tokens\":false,");
}

/* Each switch moves its own routes. */
static void what_is_shown(void **state)
{
	static const struct {
		int metrics, health;
		int nobody[2], viewer[2]; /* of /metrics, of /healthz */
	} cases[] = {
		{SHOWN_VIEWERS, SHOWN_ALL, {401, 200}, {200, 200}},
		{SHOWN_ALL, SHOWN_VIEWERS, {200, 401}, {200, 200}},
		{SHOWN_NOBODY, SHOWN_ALL, {404, 200}, {404, 200}},
		{SHOWN_ALL, SHOWN_NOBODY, {200, 404}, {200, 404}},
	};
	static const char *const targets[] = {"/metrics", "/healthz"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		api.metrics = cases[i].metrics;
		api.health = cases[i].health;
		for (size_t k = 0; k < 2; k++) {
			request("GET", targets[k]);
			assert_int_equal(status, cases[i].nobody[k]);
			ask("GET", targets[k], BEARER(VIEWER), "");
			assert_int_equal(status, cases[i].viewer[k]);
		}
		request("GET", "/readyz");
		assert_int_equal(status, cases[i].nobody[1]);
	}
}

static void cookies(void **state)
{
	char *line;

	(void)state;
	ask("POST", "/v1/session", OURS SAME, "{\"token\":\"" OPERATOR "\"}");
	assert_int_equal(status, 200);
	assert_non_null(strstr(strbuf_cstr(&answer),
		"; HttpOnly; SameSite=Strict\r\n"));
	assert_non_null(strstr(strbuf_cstr(&answer),
		"{\"role\":\"operator\",\"name\":\"ann\",\"tokens\":true,"));
	line = sign_in(OPERATOR);
	ask("GET", "/v1/session", line, "");
	assert_non_null(strstr(strbuf_cstr(&answer), "\"operator\""));
	ask("DELETE", "/v1/session", line, "");
	assert_int_equal(status, 200);
	assert_non_null(strstr(strbuf_cstr(&answer), "Max-Age=0; "));
	ask("GET", "/v1/records", line, "");
	assert_int_equal(status, 401);
	free(line);
}

/* A browser sends cookies unasked: only our own page may use them. */
static void other_sites(void **state)
{
	static const struct {
		const char *lines;
		int want;
	} cases[] = {
		{OURS SAME, 0},
		{OURS, 0},
		{OURS "Sec-Fetch-Site: none\r\n", 0},
		{SAME, 403},
		{OURS "Origin: http://evil.example.com\r\n", 403},
		{OURS "Origin: http://localhost:81\r\n", 403},
		{OURS "Origin: null\r\n", 403},
		{OURS "Sec-Fetch-Site: cross-site\r\n", 403},
		{OURS "Sec-Fetch-Site: same-site\r\n", 403},
	};
	char *line = sign_in(OPERATOR);

	(void)state;
	line[strcspn(line, "\n") + 1] = '\0'; /* the cookie alone */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *lines = xprintf("%s%s", line, cases[i].lines);

		ask("POST", "/v1/jobs/e/t/approve", lines, "");
		if (cases[i].want ? status != cases[i].want : status == 403)
			fail_msg("%s: %d", cases[i].lines, status);
		free(lines);
	}
	/* Signing somebody else in is refused, too. */
	ask("POST", "/v1/session", OURS "Origin: http://evil.example.com\r\n",
		"{\"token\":\"" OPERATOR "\"}");
	assert_int_equal(status, 403);
	/* A token is not sent unasked. */
	ask("POST", "/v1/jobs/e/t/approve", BEARER(OPERATOR), "");
	assert_int_equal(status, 503);
	free(line);
}

static void guessing(void **state)
{
	char *line = sign_in(VIEWER);

	(void)state;
	for (int i = 0; i < AUTH_FAILURES; i++) {
		ask("GET", "/v1/records", BEARER("guess"), "");
		assert_int_equal(status, 401);
		assert_non_null(strstr(strbuf_cstr(&answer),
			"\r\nWWW-Authenticate: Bearer\r\n"));
	}
	ask("GET", "/v1/records", BEARER(OPERATOR), "");
	assert_int_equal(status, 429);
	assert_non_null(strstr(strbuf_cstr(&answer), "\r\nRetry-After: 60"));
	ask("POST", "/v1/session", OURS SAME, "{\"token\":\"" OPERATOR "\"}");
	assert_int_equal(status, 429);
	ask("GET", "/v1/records", line, ""); /* who is in stays in */
	assert_int_equal(status, 200);
	free(line);
}

static void bad_sign_ins(void **state)
{
	static const struct {
		const char *body;
		int want;
	} cases[] = {{"{\"token\":\"no\"}", 401}, {"{\"token\":7}", 401},
		{"", 401}, {"[]", 400}, {"{", 400}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ask("POST", "/v1/session", OURS SAME, cases[i].body);
		if (status != cases[i].want)
			fail_msg("%s: %d", cases[i].body, status);
		assert_null(strstr(strbuf_cstr(&answer), "Set-Cookie"));
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup_tokens, teardown)
	const struct CMUnitTest tests[] = {
		T(by_token), T(by_session), T(what_is_shown), T(cookies), T(other_sites),
		T(guessing), T(bad_sign_ins),
		cmocka_unit_test_setup_teardown(without_tokens, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
