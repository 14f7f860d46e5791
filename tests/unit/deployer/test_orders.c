/* Orders of loggers, each with its answer. */
#include "tests/unit/deployer/orders_rig.h"

#include "deployer/queue/queue_schema.h"
#include "proto/data/json.h"

static void test_refused(void **state)
{
	static const struct {
		const char *what, *args, *code, *text;
	} cases[] = {
		{"nonsense", "{}", "unknown",
			"a deployer has no order `nonsense`"},
		{"no\nsense", NULL, "unknown",
			"a deployer has no order `no\\x0asense`"},
		{"approve", NULL, "malformed",
			"approve takes a job: EVENT/TRIGGER"},
		{"approve", "{\"job\":7}", "malformed",
			"approve takes a job: EVENT/TRIGGER"},
		{"approve", "[]", "malformed",
			"the arguments of approve are no JSON object"},
		{"approve", "{", "malformed", NULL},
		{"approve", "{\"job\":\"e/t\"}", "absent",
			"e/t does not wait here: not approved"},
		{"redeliver", "{\"job\":\"e/t\"}", "absent",
			"e/t is not redelivered: it is no ended job that is "
			"kept here"},
		{"redeliver", NULL, "malformed", NULL},
		{"redeliver", "{\"tag\":\"v1\"}", "malformed",
			"jobs are chosen by trigger, status, since and until, "
			"not by tag"},
		{"redeliver", "{\"since\":1}", "malformed",
			"since is to be a text"},
		{"redeliver", "{\"until\":\"soon\"}", "malformed", NULL},
		{"redeliver", "{\"trigger\":\"*\"}", "absent",
			"no ended job that is kept here fits"},
		{"enable", "{\"trigger\":\"web\"}", "absent",
			"web is no trigger of ours with a URL: not enabled"},
		{"rollback", "{}", "malformed", "rollback takes a trigger that "
			"redeploys, or what it redeploys"},
		{"rollback", "{\"trigger\":\"no\\nsuch\"}", "absent", NULL},
		{"rollback", "{\"trigger\":\"nosuch\"}", "absent",
			"no trigger here redeploys `nosuch`"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct msg_answer *a = ask(cases[i].what, cases[i].args);

		assert_false(a->ok);
		assert_null(a->body);
		assert_string_equal(a->code, cases[i].code);
		if (cases[i].text)
			assert_string_equal(a->text, cases[i].text);
	}
}

static bool three_deployed(void)
{
	return rows_of("deployed") == 3;
}

static bool four_deployed(void)
{
	return rows_of("deployed") == 4;
}

static bool one_superseded(void)
{
	return rows_of("superseded") == 1;
}

/* Redeploys: one by its job, a range by its filter; no second final row. */
static void test_redeliver(void **state)
{
	const struct msg_answer *a;

	(void)state;
	deliver(EVENT(01), "api", "local", "v1", 1000);
	run_until(one_deployed);
	a = ask("redeliver", "{\"job\":\"" EVENT(01) "/api\"}");
	assert_true(a->ok);
	assert_string_equal(a->text, "1 job is done again");
	run_until(two_deployed);
	assert_string_equal(row_of(EVENT(01), "deployed")->id,
		EVENT(01) "/api/1/deployed");
	assert_string_equal(world.rows.v[1].id, EVENT(01) "/api/2/deployed");
	assert_false(world.rows.v[1].final);

	/* The older one of the two is not the newest push any more. */
	deliver(EVENT(02), "api", "local", "v2", 2000);
	run_until(three_deployed);
	a = ask("redeliver",
		"{\"trigger\":\"a*\",\"status\":\"deployed\","
		"\"since\":\"1970-01-01T00:00:00Z\"}");
	assert_true(a->ok);
	assert_string_equal(a->text, "2 jobs are done again");
	run_until(four_deployed);
	run_until(one_superseded);
	assert_false(row_of(EVENT(01), "superseded")->final);
	assert_int_equal(finals(), 2);
	a = ask("redeliver", "{\"status\":\"failed\"}");
	assert_string_equal(a->code, "absent");
}

/* One whose copy is damaged is not opened: nobody could begin it. */
static void test_redeliver_damaged(void **state)
{
	const struct msg_answer *a;
	char *path = xprintf("%s/queue.db", world.dir);
	struct err err;
	struct db *db;

	(void)state;
	deliver(EVENT(01), "api", "local", "v1", 1000);
	run_until(one_deployed);
	stop_process();
	db = db_open(path, &queue_schema, false, &err);
	assert_non_null(db);
	assert_int_equal(db_exec(db, "UPDATE jobs SET payload = "
		"zeroblob(length(payload))", &err), 0);
	db_close(db);
	free(path);
	start_process();
	/* The second time as the first. */
	for (int i = 0; i < 2; i++) {
		a = ask("redeliver", "{\"job\":\"" EVENT(01) "/api\"}");
		assert_false(a->ok);
		assert_string_equal(a->code, "failed");
		assert_non_null(strstr(a->text, "is not redelivered: "));
		assert_null(strstr(a->text, "no ended job"));
	}
}

static struct json *queue(void)
{
	const struct msg_answer *a = ask("queue", NULL);
	struct err err;
	struct json *j;

	assert_true(a->ok);
	j = json_parse(str_from(a->body), NULL, &err);
	assert_non_null(j);
	return j;
}

static void assert_text(const struct json *j, const char *path,
	const char *want)
{
	assert_string_equal(json_str(json_path(j, path)), want);
}

static void test_queue(void **state)
{
	struct json *j = queue();

	(void)state;
	assert_int_equal(json_i64(json_get(j, "waiting"), -1), 0);
	assert_int_equal(json_len(json_get(j, "jobs")), 0);
	json_free(j);
	fake.block = true;
	deliver(EVENT(01), "web", "local", "v1", 1000);
	deliver(EVENT(01), "api", "local", "v1", 1000);
	run_until(one_waits);
	run_until(one_deploy_runs);
	j = queue();
	assert_int_equal(json_i64(json_get(j, "running"), -1), 1);
	assert_int_equal(json_i64(json_get(j, "waiting"), -1), 1);
	assert_int_equal(json_i64(json_get(j, "held"), -1), 0);
	assert_false(json_bool(json_get(j, "more")));
	assert_text(j, "jobs.0.state", "running");
	assert_text(j, "jobs.0.trigger", "api");
	assert_false(json_bool(json_path(j, "jobs.0.approval")));
	assert_text(j, "jobs.1.job", JOB(01));
	assert_text(j, "jobs.1.state", "waiting");
	assert_text(j, "jobs.1.target", "container web");
	assert_text(j, "jobs.1.repository", "shop/web");
	assert_text(j, "jobs.1.tag", "v1");
	assert_true(json_bool(json_path(j, "jobs.1.approval")));
	assert_text(j, "jobs.1.note", "waits for approval: pullwire-deployer "
		"queue approve " JOB(01));
	json_free(j);
}

static void test_approve(void **state)
{
	const struct msg_answer *a;

	(void)state;
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_waits);
	a = ask("approve", "{\"job\":\"" JOB(01) "\"}");
	assert_true(a->ok);
	assert_string_equal(a->text, JOB(01) " is approved");
	run_until(one_deployed);
}

/* Held, also by the next process, until it is released. */
static void test_hold(void **state)
{
	(void)state;
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_waits);
	do_order("hold", JOB(01) " is held");
	do_order("approve", JOB(01) " is approved");
	run_until(is_held);
	stop_process();
	world.rows.v[0].id[0] = 'x'; /* the next one tells it again */
	start_process();
	run_until(is_held);
	assert_int_equal(fake.deploys, 0);
	do_order("release", JOB(01) " is released");
	run_until(one_deployed);
}

/* Two at once: each changes what it says, and nothing of the other's. */
static void test_marks_at_once(void **state)
{
	(void)state;
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_waits);
	world.answers = 0;
	order("hold", "{\"job\":\"" JOB(01) "\"}");
	order("approve", "{\"job\":\"" JOB(01) "\"}");
	run_until(two_answers);
	run_until(is_held);
	assert_int_equal(fake.deploys, 0);
	do_order("release", JOB(01) " is released");
	run_until(one_deployed);
}

/* At once what waits; anew what has ended, by the next process too. */
static void test_retry(void **state)
{
	(void)state;
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_waits);
	do_order("retry", JOB(01) " is tried again");
	run_until(one_deployed);
	stop_process();
	start_process();
	do_order("retry", "1 job is done again");
	run_until(two_deploys);
	assert_int_equal(finals(), 1);
}

static void test_rollback_of_nothing(void **state)
{
	static const char *const names[] = {"{\"trigger\":\"web\"}",
		"{\"trigger\":\"container web\"}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct msg_answer *a = ask("rollback", names[i]);

		assert_false(a->ok);
		assert_string_equal(a->code, "absent");
		assert_non_null(strstr(a->text, "it is not known what container "
			"web ran before"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refused), TEST(test_redeliver),
		TEST(test_redeliver_damaged), TEST(test_queue),
		TEST(test_approve), TEST(test_hold), TEST(test_marks_at_once),
		TEST(test_retry), TEST(test_rollback_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
