/* Orders of loggers and of files, through a deployer that is otherwise whole. */
#include "tests/unit/deployer/fake_world.h"

#include "deployer/http/notices.h"
#include "deployer/orders/orders.h"
#include "deployer/queue/queue_read.h"
#include "proto/data/json.h"

#define JOB(n) EVENT(n) "/web"

static const char conf_text[] =
	"engines: [{name: local, docker: 'unix:///run/e.sock'}]\n"
	"triggers:\n"
	"  - {name: web, repository: shop/web, approve: true,\n"
	"     deploy: {container: web}}\n"
	"  - {name: api, repository: shop/web, deploy: {container: api}}\n"
	"notify: [{name: chat, url: 'https://example.com/', on: [refused]}]\n"
	"deployer: {state: '@', lanes: [local]}\n";

static int setup(void **state)
{
	int rc = world_setup(state);

	configure(conf_text);
	start_process();
	return rc;
}

static int teardown(void **state)
{
	fake.block = false;
	stop_process();
	return world_teardown(state);
}

static bool answered(void)
{
	return world.answers > 0;
}

static bool one_waits(void)
{
	return rows_of("waiting") == 1;
}

static bool one_deployed(void)
{
	return rows_of("deployed") == 1;
}

static bool two_deploys(void)
{
	return fake.deploys == 2 && fake.under_way == 0;
}

static bool one_deploy_runs(void)
{
	return fake.under_way == 1;
}

static bool one_recovery(void)
{
	return fake.recoveries == 1;
}

static bool two_answers(void)
{
	return world.answers == 2;
}

/* The answer to it, which has to come. */
static const struct msg_answer *ask(const char *what, const char *args)
{
	world.answers = 0;
	order(what, args);
	run_until(answered);
	assert_int_equal(world.answers, 1);
	return &world.answer;
}

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

static bool two_deployed(void)
{
	return rows_of("deployed") == 2;
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

static void do_order(const char *what, const char *says)
{
	char args[128];
	const struct msg_answer *a;

	snprintf(args, sizeof(args), "{\"job\":\"%s\"}", JOB(01));
	a = ask(what, args);
	if (!a->ok || strcmp(a->text, says) != 0)
		fail_msg("%s: %s", what, a->text);
}

static bool is_held(void)
{
	struct strbuf note = {0};
	struct err err;
	struct queue_job *job = queue_find(world.d->queue, JOB(01));
	bool held;

	if (job && job->state == QUEUE_WAITING)
		queue_read_note(queue_store_reader(world.d->store), job->id,
			&note, &err);
	held = note.len && strstr(strbuf_cstr(&note), "is held by hand");
	strbuf_release(&note);
	return held;
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

/* Nobody posts it here, so it ends at once. */
static bool notice_came(void)
{
	for (size_t i = 0; i < world.rows.n; i++)
		if (strstr(world.rows.v[i].id, "/notify:chat:web/"))
			return true;
	return false;
}

static void test_cancel(void **state)
{
	const struct seen_row *row;

	(void)state;
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_waits);
	do_order("cancel", JOB(01) " is cancelled");
	row = row_of(EVENT(01), "refused");
	assert_non_null(row);
	assert_true(row->final);
	assert_non_null(strstr(row->reason, "cancelled by "));
	assert_int_equal(fake.deploys, 0);
	assert_int_equal(queue_len(world.d->queue), 0);
	run_until(notice_came);
}

static bool waits_for_engine(void)
{
	const struct queue_job *job =
		queue_find(world.d->queue, EVENT(01) "/api");

	return rows_of("waiting") == 1 && job && job->state == QUEUE_HELD;
}

static bool was_recovered(void)
{
	struct journal *j = queue_store_journal(world.d->store);
	char *json = NULL;
	struct err err;
	bool gone;

	if (fake.recoveries < 2)
		return false;
	assert_int_equal(j->get(j, EVENT(01) "/api", &json, &err), 0);
	gone = json == NULL;
	free(json);
	return gone;
}

/* Its engine went away amid the deploy: it can be given up, and recovery ends
 * what was begun, of which no row is told any more. */
static void test_cancel_of_a_held_job(void **state)
{
	static struct driver_result late;
	const struct seen_row *row;

	(void)state;
	fake.note = "{}";
	script(0, DRIVER_WAITING, ERR_RETRY, "the engine went away");
	run_until(one_recovery);
	fake.alive = false;
	deliver(EVENT(01), "api", "local", "v1", 1000);
	run_until(waits_for_engine);
	assert_string_equal(ask("retry", "{\"job\":\"" EVENT(01) "/api\"}")
				    ->text, EVENT(01) "/api waits for its engine, "
		"and goes on by itself when that answers");
	assert_string_equal(ask("cancel", "{\"job\":\"" EVENT(01) "/api\"}")
				    ->text, EVENT(01) "/api is cancelled");
	row = row_of(EVENT(01), "refused");
	assert_true(row->final);
	assert_non_null(strstr(row->reason, "while its engine did not answer"));
	assert_int_equal(queue_len(world.d->queue), 0);
	driver_result_set(&late, DRIVER_DEPLOYED, "api runs v1");
	fake.recovered = &late;
	fake.alive = true;
	run_until(was_recovered);
	assert_int_equal(rows_of("deployed"), 0);
}

static int64_t notices_left(void)
{
	struct err err;
	int64_t n = -1;

	assert_int_equal(queue_read_notices_n(
				 queue_store_reader(world.d->store), &n, &err),
		0);
	return n;
}

static bool one_notice(void)
{
	return notices_left() == 1;
}

static bool no_notice(void)
{
	return notices_left() == 0;
}

/* Nobody takes it, and its receiver leaves the configuration: a day later it
 * goes. */
static void test_notice_of_nobody(void **state)
{
	static const char text[] =
		"engines: [{name: local, docker: 'unix:///run/e.sock'}]\n"
		"triggers: [{name: web, repository: shop/web, approve: true, "
		"deploy: {container: web}}]\n"
		"deployer: {state: '@', lanes: [local], "
		"notices: ['tcp://127.0.0.1:1']}\n%s";
	char conf[600];

	(void)state;
	stop_process();
	snprintf(conf, sizeof(conf), text, "notify: [{name: chat, "
		"url: 'https://example.com/', on: [refused]}]\n");
	configure(conf);
	start_process();
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_waits);
	do_order("cancel", JOB(01) " is cancelled");
	run_until(one_notice);
	notices_prune(world.d->notices, clock_wall() + 25 * 3600 * 1000);
	notices_tick(world.d->notices);
	run_for(100);
	assert_true(one_notice()); /* it is configured */
	stop_process();
	snprintf(conf, sizeof(conf), text, "");
	configure(conf);
	start_process();
	notices_prune(world.d->notices, clock_wall() + 23 * 3600 * 1000);
	notices_tick(world.d->notices);
	run_for(100);
	assert_true(one_notice()); /* not yet a day */
	notices_prune(world.d->notices, clock_wall() + 25 * 3600 * 1000);
	notices_tick(world.d->notices);
	run_until(no_notice);
}

static void test_cancel_of_a_running_job(void **state)
{
	(void)state;
	fake.block = true;
	deliver(EVENT(01), "api", "local", "v1", 1000);
	run_until(one_deploy_runs);
	assert_non_null(strstr(ask("cancel", "{\"job\":\"" EVENT(01)
				"/api\"}")->text, "is under way: it cannot"));
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

static void write_file(const char *name, const char *text)
{
	char *folder = xprintf("%s/orders", world.dir);
	char *path = xprintf("%s/%s", folder, name);
	FILE *f;

	/* The folder is there from the start, and the deployer's own. */
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(path);
	free(folder);
}

static void write_order(const char *text)
{
	write_file("1.order", text);
}

static void approve_by(const char *text)
{
	char *folder = xprintf("%s/orders", world.dir);

	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_waits);
	write_order(text);
	run_until(one_deployed);
	assert_int_equal(world.answers, 0);
	assert_int_equal(rmdir(folder), 0); /* the file is gone */
	free(folder);
}

/* What means nothing is logged and passed over. */
static void test_file(void **state)
{
	(void)state;
	approve_by("nonsense\n\napprove\napprove e/t\napprove " JOB(01) "\n");
}

static void test_file_json(void **state)
{
	(void)state;
	approve_by("approve {\napprove {\"job\":\"" JOB(01) "\"}\n");
}

static bool there(void)
{
	char *path = xprintf("%s/orders/1.order", world.dir);
	bool is = access(path, F_OK) == 0;

	free(path);
	return is;
}

static bool no_file(void)
{
	return !there();
}

/* A crash before it is on disk repeats it; meanwhile it is not done twice. */
static void test_file_stays_until_it_is_on_disk(void **state)
{
	(void)state;
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_waits);
	write_order("hold " JOB(01) "\napprove " JOB(01) "\n");
	orders_tick(world.d->orders);
	assert_true(there());
	orders_tick(world.d->orders);
	/* Nothing that was asked for is known to be written. */
	deployer_stop(world.d);
	loop_free(world.loop);
	assert_true(there());
	world.rows.v[0].id[0] = 'x'; /* the next one tells it again */
	start_process();
	run_until(no_file);
	run_until(is_held);
	do_order("release", JOB(01) " is released");
	run_until(one_deployed);
}

/* What a repeat would do twice is gone before it begins. */
static void test_file_that_is_carried_out_once(void **state)
{
	(void)state;
	deliver(EVENT(01), "api", "local", "v1", 1000);
	run_until(one_deployed);
	write_order("hold " JOB(01) "\nredeliver " EVENT(01) "/api\n");
	orders_tick(world.d->orders);
	assert_false(there());
	run_until(two_deployed);
}

/* Owned; NULL: there is none yet. */
static char *read_answer(void)
{
	char *path = xprintf("%s/orders/1.answer", world.dir);
	char text[1024] = {0};
	FILE *f = fopen(path, "r");

	if (f) {
		assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
		fclose(f);
		unlink(path);
	}
	free(path);
	return f ? xstrdup(text) : NULL;
}

static char *told;

static bool is_told(void)
{
	if (!told)
		told = read_answer();
	return told != NULL;
}

/* Who asked by a file is told what became of it, once all of it has ended. */
static void test_file_that_asks(void **state)
{
	static const struct {
		const char *asks, *told;
	} cases[] = {
		{"hold " JOB(01) "\n", "done\n" JOB(01) " is held\n"},
		{"release " JOB(01) "\nhold e/t\n",
			"refused\ne/t does not wait here: not held\n"
			"1 of 2 are done\n"},
		{"rollback web\n", "refused\nit is not known what container "
			"web ran before: nothing was deployed there from "
			"here\n"},
	};

	(void)state;
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_waits);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		write_file("1.asks.order", cases[i].asks);
		run_until(is_told);
		assert_string_equal(told, cases[i].told);
		free(told);
		told = NULL;
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refused), TEST(test_redeliver), TEST(test_queue),
		TEST(test_approve), TEST(test_hold), TEST(test_marks_at_once),
		TEST(test_cancel), TEST(test_cancel_of_a_held_job),
		TEST(test_cancel_of_a_running_job), TEST(test_notice_of_nobody),
		TEST(test_retry), TEST(test_rollback_of_nothing),
		TEST(test_file), TEST(test_file_json),
		TEST(test_file_stays_until_it_is_on_disk),
		TEST(test_file_that_is_carried_out_once),
		TEST(test_file_that_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
