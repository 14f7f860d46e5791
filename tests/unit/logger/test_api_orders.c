/* Orders: what is asked of the deployers, and what becomes of their answers. */
#include "tests/unit/logger/api_world.h"

#include "logger/ask.h"

#define ANN "Authorization: Bearer " OPERATOR "\r\n"

static void post(const char *target, const char *body, int want,
	const char *part)
{
	strbuf_truncate(&asked, 0);
	expect_post(target, ANN, body, want, part);
}

static void jobs(void **state)
{
	(void)state;
	script(0, "d1", NULL, "e/t is approved", NULL);
	post("/v1/jobs/e/t/approve", "", 200, "{\"text\":\"e/t is approved\","
		"\"answers\":[{\"instance\":\"d1\",\"ok\":true,");
	assert_string_equal(strbuf_cstr(&asked),
		"approve {\"job\":\"e/t\"} ann;");
	post("/v1/jobs/e%2Ft/cancel", "", 200, "");
	assert_string_equal(strbuf_cstr(&asked),
		"cancel {\"job\":\"e/t\"} ann;");
	post("/v1/targets/web/rollback", "", 200, "");
	assert_string_equal(strbuf_cstr(&asked),
		"rollback {\"trigger\":\"web\"} ann;");
	post("/v1/jobs/e/t/explode", "", 404, "nothing is served here");
	post("/v1/jobs//approve", "", 404, "nothing is served here");
}

/* The answer that says most is the one that counts. */
static void answers(void **state)
{
	static const struct {
		const char *codes[2];
		int status;
		const char *text;
	} cases[] = {
		{{"absent", NULL}, 200, "\"text\":\"d2 says\""},
		{{"absent", "refused"}, 409, "\"error\":\"d2 says\""},
		{{"absent", "absent"}, 404, "\"error\":\"d1 says\""},
		{{"unknown", "absent"}, 404, "\"error\":\"d2 says\""},
		{{"unknown", "unknown"}, 501,
			"\"error\":\"no deployer here can hold\""},
		{{"malformed", "absent"}, 400, "\"error\":\"d1 says\""},
		{{"failed", "absent"}, 503, "\"error\":\"d1 says\""},
		{{"new-code", "absent"}, 503, "\"error\":\"d1 says\""},
	};

	(void)state;
	post("/v1/jobs/e/t/hold", "", 503,
		"\"error\":\"no deployer is connected to this logger\"");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		script(0, "d1", cases[i].codes[0], "d1 says", NULL);
		script(1, "d2", cases[i].codes[1], "d2 says", NULL);
		post("/v1/jobs/e/t/hold", "", cases[i].status, cases[i].text);
	}
	/* It may be with the one that is silent. */
	deployers[1].why = "it does not answer in time";
	script(0, "d1", "absent", "d1 says", NULL);
	post("/v1/jobs/e/t/hold", "", 504, "\"error\":\"d2: it does not "
		"answer in time; look whether it was done\"");
}

static void put_result(const char *trigger, const char *target,
	const char *state)
{
	struct event e = {.id = (char *)(uintptr_t)"e1",
		.repository = (char *)(uintptr_t)"shop/web"};
	struct record r;

	record_from_event(&r, &e, trigger, 1, state, 1000);
	r.target = xstrdup_null(target);
	put_row(&r);
}

static void redeliver(void **state)
{
	(void)state;
	script(0, "d1", NULL, "sent again", NULL);
	post("/v1/events/e1/redeliver", "", 404, "there is no such event");
	put_result("idle", "url", "untriggered");
	post("/v1/events/e1/redeliver", "", 409, "nothing was done for this "
		"event, so there is nothing to redeliver");
	put_result("web", "url", "500");
	put_result("web", "url", "200");
	put_result("api", "url", "200");
	post("/v1/events/e1/redeliver", "", 200, "sent again");
	assert_non_null(strstr(strbuf_cstr(&asked),
		"redeliver {\"job\":\"e1/web\"} ann;"));
	assert_non_null(strstr(strbuf_cstr(&asked),
		"redeliver {\"job\":\"e1/api\"} ann;"));
	assert_int_equal(asked.len,
		2 * strlen("redeliver {\"job\":\"e1/web\"} ann;"));
	post("/v1/events/e1/redeliver", "{\"trigger\":\"api\"}", 200, "");
	assert_string_equal(strbuf_cstr(&asked),
		"redeliver {\"job\":\"e1/api\"} ann;");
	post("/v1/events/e1/redeliver", "{\"trigger\":\"idle\"}", 409,
		"by idle");
	post("/v1/events/e1/redeliver", "[]", 400, "no JSON object");
	/* A notice is done again by its own name only. */
	put_result("notify:a:web", "url", "200");
	post("/v1/events/e1/redeliver", "", 200, "");
	assert_null(strstr(strbuf_cstr(&asked), "notify:"));
	post("/v1/events/e1/redeliver", "{\"trigger\":\"notify:a:web\"}",
		200, "");
	assert_string_equal(strbuf_cstr(&asked),
		"redeliver {\"job\":\"e1/notify:a:web\"} ann;");
}

static void redeliver_range(void **state)
{
	(void)state;
	script(0, "d1", NULL, "3 jobs are done again", NULL);
	post("/v1/redeliver", "{\"status\":\"503\",\"since\":\"2h\","
		"\"job\":\"e/t\"}", 200, "3 jobs are done again");
	assert_string_equal(strbuf_cstr(&asked),
		"redeliver {\"status\":\"503\",\"since\":\"2h\"} ann;");
	post("/v1/redeliver", "[]", 400, "no JSON object");
	script(0, "d1", "malformed", "redeliver takes", NULL);
	post("/v1/redeliver", "{}", 400, "redeliver takes");
}

static void queue(void **state)
{
	struct json *j;

	(void)state;
	j = get("/v1/queue", 200);
	assert_int_equal(json_len(json_get(j, "jobs")), 0);
	assert_int_equal(json_len(json_get(j, "deployers")), 0);
	json_free(j);
	script(0, "d1", NULL, "", "{\"running\":1,\"waiting\":2,\"held\":0,"
		"\"more\":true,\"jobs\":[{\"job\":\"e/a\"},{\"job\":\"e/b\"}]}");
	script(1, "d2", NULL, "", "{\"running\":3,\"waiting\":0,\"held\":1,"
		"\"jobs\":[{\"job\":\"e/c\"}]}");
	script(2, "d3", "failed", "no room", NULL);
	j = get("/v1/queue", 200);
	assert_string_equal(strbuf_cstr(&asked), "queue {} -;queue {} -;");
	assert_int_equal(json_i64(json_get(j, "running"), -1), 4);
	assert_int_equal(json_i64(json_get(j, "waiting"), -1), 2);
	assert_int_equal(json_i64(json_get(j, "held"), -1), 1);
	assert_int_equal(json_len(json_get(j, "jobs")), 3);
	assert_string_equal(json_str(json_path(j, "jobs.2.instance")), "d2");
	assert_string_equal(json_str(json_path(j, "jobs.2.job")), "e/c");
	assert_true(json_bool(json_path(j, "deployers.0.more")));
	assert_string_equal(json_str(json_path(j, "deployers.2.error")),
		"no room");
	json_free(j);
	script(0, "d1", NULL, "", "not JSON"); /* nothing of it is shown */
	deployers[1].instance = NULL;
	j = get("/v1/queue", 200);
	assert_int_equal(json_len(json_get(j, "jobs")), 0);
	assert_string_equal(json_str(json_path(j, "deployers.0.error")),
		"what it told of its queue cannot be read");
	json_free(j);
}

static void not_asked(struct ask *a, void *ctx)
{
	const struct ask_answer *best = ask_best(a);

	++*(int *)ctx;
	assert_non_null(best);
	assert_false(best->ok);
	assert_string_equal(best->code, ANSWER_FAILED);
	assert_string_equal(best->text, "this logger ends: nobody was asked");
	ask_free(a);
}

/* An order that comes when the loop has ended is answered, and kept nowhere:
 * its request waits for it. */
static void the_loop_has_ended(void **state)
{
	struct loop *loop = loop_new();
	struct ask *a = ask_new("hold", "deployer", "ann");
	int told = 0;

	(void)state;
	VEC_PUSH(&a->args, xstrdup("{}"));
	ask_send(a, loop, NULL, not_asked, &told);
	assert_int_equal(told, 0);
	loop_free(loop);
	assert_int_equal(told, 1);
}

int main(void)
{
#define T(f, setup) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(jobs, setup_tokens), T(answers, setup_tokens),
		T(redeliver, setup_tokens),
		T(redeliver_range, setup_tokens), T(queue, setup),
		cmocka_unit_test(the_loop_has_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
