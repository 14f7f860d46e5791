/*
 * The matcher's work between an ingress, a deployer and a logger that are this
 * test: real links in one loop.
 */
#include "matcher/work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "matcher/rule_load.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/uid.h"
#include "proto/daemon/chan.h"
#include "proto/msg/msg.h"

#define WAIT_MS 60000
#define KEEP 64

static char dir[] = "/tmp/pullwire-work-XXXXXX";

/* What the neighbours saw. */
static struct seen {
	char *jobs[KEEP], *rows[KEEP], *nacks[KEEP];
	size_t n_jobs, n_rows, n_acks, n_nacks; /* of what is kept */
	size_t all_jobs, all_rows, n_sent;
} seen;

static struct loop *loop;
static struct chan *ingress, *deployer, *logger;
static struct work *work;
static struct conf *conf;
static bool is_drained, timed_out;
/* The deployer answers the next so many jobs with a NACK. */
static size_t refuse;
/* Of the ingress's leases; 0: the default. */
static int64_t lease_ms;

/* ---- neighbours ------------------------------------------------------------ */

static void event_acked(void *ctx, struct chan_item *item)
{
	(void)ctx;
	(void)item;
	seen.n_acks++;
}

static void event_nacked(void *ctx, struct chan_item *item, const char *reason)
{
	(void)ctx;
	(void)item;
	if (seen.n_nacks < KEEP)
		seen.nacks[seen.n_nacks++] = xstrdup(reason ? reason : "");
}

static void take_job(
	void *ctx, const struct chan_from *from, const struct msg *msg)
{
	(void)ctx;
	assert_int_equal(msg->type, MSG_JOB);
	if (refuse > 0) {
		refuse--;
		chan_nack(deployer, from, 100, "the disk is full");
		return;
	}
	seen.all_jobs++;
	if (seen.n_jobs < KEEP)
		seen.jobs[seen.n_jobs++] = xprintf("%s %s: %s",
			msg->u.job.lane, strchr(msg->u.job.id, '/') + 1,
			msg->u.job.reason);
	chan_ack(deployer, from);
}

static void take_row(
	void *ctx, const struct chan_from *from, const struct msg *msg)
{
	const struct record *r = &msg->u.record;

	(void)ctx;
	assert_int_equal(msg->type, MSG_RECORD);
	seen.all_rows++;
	if (seen.n_rows < KEEP)
		seen.rows[seen.n_rows++] = xprintf("%s %s %s%s: %s",
			strchr(r->id, '/'), r->target ? r->target : "-",
			r->status, r->final ? " final" : "", r->reason);
	chan_ack(logger, from);
}

static void event_sent(void *ctx, struct chan_item *item)
{
	(void)ctx;
	(void)item;
	seen.n_sent++;
}

static struct chan *open_end(const char *role, bool sends)
{
	static const struct chan_ops ingress_ops = {.acked = event_acked,
		.nacked = event_nacked, .sent = event_sent};
	static const struct chan_ops deployer_ops = {.deliver = take_job};
	static const struct chan_ops logger_ops = {.deliver = take_row};
	static const char *const lanes[] = {"local", "http"};
	char *endpoint = xprintf("ipc://%s/%s", dir, role);
	struct chan_config c = {
		.name = role, .sends = sends, .bind = endpoint, .role = role,
		.instance = role, .window = 100,
		.limits = {.lease_max_ms = lease_ms},
	};
	struct err err = {0};
	struct chan *end;

	if (strcmp(role, "deployer") == 0) {
		c.lanes = lanes;
		c.n_lanes = ARRAY_LEN(lanes);
	}
	end = chan_open(loop, &c,
		sends ? &ingress_ops
		      : strcmp(role, "logger") == 0 ? &logger_ops
						    : &deployer_ops,
		NULL, &err);
	if (end == NULL)
		fail_msg("%s: %s", role, err.text);
	free(endpoint);
	return end;
}

/* ---- running --------------------------------------------------------------- */

static bool (*condition)(void);

static void poll_condition(void *ctx)
{
	(void)ctx;
	if (condition())
		loop_stop(loop);
}

static void give_up(void *ctx)
{
	(void)ctx;
	timed_out = true;
	loop_stop(loop);
}

static void run_until(bool (*done)(void))
{
	struct loop_timer *poll, *end;

	condition = done;
	timed_out = false;
	poll = loop_timer_start(loop, 1, 5, poll_condition, NULL);
	end = loop_timer_start(loop, WAIT_MS, WAIT_MS, give_up, NULL);
	loop_run(loop);
	loop_timer_cancel(&poll);
	loop_timer_cancel(&end);
	if (timed_out)
		fail_msg("after %d s: %zu jobs, %zu rows, %zu acks, %zu nacks",
			WAIT_MS / 1000, seen.n_jobs, seen.n_rows, seen.n_acks,
			seen.n_nacks);
}

static bool one_ack(void)
{
	return seen.n_acks == 1;
}

static bool one_job_and_one_nack(void)
{
	return seen.n_jobs >= 1 && seen.n_nacks >= 1;
}

static bool one_row_and_one_nack(void)
{
	return seen.n_rows >= 1 && seen.n_nacks >= 1;
}

static bool many_leases(void)
{
	return seen.n_sent >= 40;
}

static bool drained(void)
{
	return is_drained;
}

static void note_drained(void *ctx)
{
	(void)ctx;
	is_drained = true;
}

/* ---- each test's world ----------------------------------------------------- */

static struct conf *load_text(const char *text)
{
	struct opt_errors errs = {0};
	char *path = xprintf("%s/pullwire.yml", dir);
	FILE *f = fopen(path, "w");
	struct conf *c;

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	c = conf_load(path, &errs);
	for (size_t i = 0; i < errs.list.n; i++)
		print_message("%s\n", errs.list.v[i]);
	assert_non_null(c);
	free(path);
	return c;
}

static void load_conf(void)
{
	char *text = xprintf(
		"engines:\n"
		"  - {name: local, docker: 'unix:///nowhere/docker.sock', labels: false}\n"
		"triggers:\n"
		"  - {name: web, repository: shop/web, expression: release-v.*,"
		" deploy: {container: web}}\n"
		"  - {name: notify, repository: shop/*, tags: [latest],"
		" url: 'http://127.0.0.1:8090/x'}\n"
		"matcher:\n"
		"  window: 16\n"
		"  ingress: ['ipc://%s/ingress']\n"
		"  deployer: ['ipc://%s/deployer']\n"
		"  logger: ['ipc://%s/logger']\n", dir, dir, dir);

	conf = load_text(text);
	free(text);
}

static int setup(void **state)
{
	struct opt_errors errs = {0};
	struct work_config c = {
		.instance = "m",
		.drained = note_drained,
		.limits = {.hold_ms = 300, .task_ms = 1000, .silent_ms = 300,
			.busy_ms = 500},
	};
	struct err err = {0};

	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	seen = (struct seen){0};
	refuse = 0;
	lease_ms = 0;
	is_drained = false;
	log_init("matcher", LOG_ERROR);
	loop = loop_new();
	load_conf();
	c.conf = conf;
	work = work_open(loop, &c, rule_load(conf, &errs), &err);
	if (work == NULL)
		print_message("%s\n", err.text);
	return work != NULL ? 0 : -1;
}

static void close_end(struct chan **end)
{
	if (*end != NULL)
		chan_close(*end);
	*end = NULL;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	work_close(work);
	close_end(&ingress);
	close_end(&deployer);
	close_end(&logger);
	loop_free(loop);
	conf_free(conf);
	for (size_t i = 0; i < KEEP; i++) {
		free(seen.jobs[i]);
		free(seen.rows[i]);
		free(seen.nacks[i]);
	}
	snprintf(command, sizeof(command), "rm -r %s", dir);
	if (system(command) != 0)
		return -1;
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	return 0;
}

static char event_id[UID_LEN];
static struct event event;
static struct chan_item event_item;

static void put_event(char *repository, char *tag)
{
	static char source[] = "test";

	event = (struct event){
		.id = uid_new(clock_wall(), event_id),
		.source = source,
		.repository = repository,
		.tag = tag,
		.time = clock_wall(),
	};
	event_item = (struct chan_item){.type = MSG_EVENT, .body = &event};
	chan_put(ingress, &event_item);
}

/* ---- tests ----------------------------------------------------------------- */

static void test_job_and_row(void **state)
{
	static char repository[] = "shop/web", tag[] = "release-v2";

	(void)state;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	logger = open_end("logger", false);
	put_event(repository, tag);
	run_until(one_ack);
	assert_int_equal(seen.n_jobs, 1);
	assert_string_equal(seen.jobs[0],
		"local web: tag `release-v2` matches `release-v.*`");
	assert_int_equal(seen.n_rows, 1);
	assert_string_equal(seen.rows[0],
		"/notify/0/untriggered url untriggered final: tag `release-v2` "
		"is not one of `latest`");
	assert_int_equal(seen.n_nacks, 0);
}

static void test_no_trigger(void **state)
{
	static char repository[] = "other/web", tag[] = "latest";

	(void)state;
	ingress = open_end("ingress", true);
	logger = open_end("logger", false);
	put_event(repository, tag);
	run_until(one_ack);
	assert_int_equal(seen.n_rows, 1);
	assert_string_equal(seen.rows[0],
		"//0/no_trigger - no_trigger final: no trigger names "
		"repository `other/web`");
}

/* Without a deployer the event waits in ingress and says so; with one it is
 * done. */
static void test_no_deployer(void **state)
{
	static char repository[] = "shop/api", tag[] = "latest";

	(void)state;
	ingress = open_end("ingress", true);
	logger = open_end("logger", false);
	put_event(repository, tag);
	run_until(one_row_and_one_nack);
	assert_string_equal(seen.rows[0],
		"/notify/0/waiting url waiting: no deployer serves lane `http`: "
		"the push waits until one is started");
	assert_string_equal(seen.nacks[0],
		"no deployer serves lane `http`: the push waits until one is "
		"started");
	assert_int_equal(seen.n_acks, 0);
	deployer = open_end("deployer", false);
	run_until(one_ack);
	assert_int_equal(seen.n_jobs, 1);
}

/* Without a logger the job is done at once; the event waits for its row. */
static void test_no_logger(void **state)
{
	static char repository[] = "shop/web", tag[] = "release-v2";

	(void)state;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	put_event(repository, tag);
	run_until(one_job_and_one_nack);
	assert_string_equal(
		seen.nacks[0], "no logger takes the rows of this event");
	assert_int_equal(seen.n_acks, 0);
	logger = open_end("logger", false);
	run_until(one_ack);
	assert_true(seen.n_rows >= 1);
	assert_non_null(strstr(seen.rows[0], "/notify/0/untriggered"));
}

/* A job that is refused for a while is offered again, unseen from outside. */
static void test_refused_for_a_while(void **state)
{
	static char repository[] = "shop/web", tag[] = "release-v2";

	(void)state;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	logger = open_end("logger", false);
	refuse = 3;
	put_event(repository, tag);
	run_until(one_ack);
	assert_int_equal(refuse, 0);
	assert_int_equal(seen.n_jobs, 1);
	assert_int_equal(seen.n_nacks, 0);
}

/* One that is always refused goes back, with the deployer's reason. */
static void test_refused_for_long(void **state)
{
	static char repository[] = "shop/api", tag[] = "latest";

	(void)state;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	logger = open_end("logger", false);
	refuse = SIZE_MAX;
	put_event(repository, tag);
	run_until(one_row_and_one_nack);
	assert_string_equal(seen.nacks[0],
		"the deployer of lane `http` does not take the job: the disk "
		"is full");
	assert_non_null(strstr(seen.rows[0], "/notify/0/waiting url waiting"));
	refuse = 0;
	run_until(one_ack);
	assert_int_equal(seen.n_jobs, 1);
}

/* One whose queue is full takes nothing: the event waits in ingress and says
 * so; when there is room it is done. */
static void test_no_room(void **state)
{
	static char repository[] = "shop/api", tag[] = "latest";

	(void)state;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	chan_pause(deployer, true);
	logger = open_end("logger", false);
	put_event(repository, tag);
	run_until(one_row_and_one_nack);
	assert_string_equal(seen.nacks[0],
		"the deployer of lane `http` does not take the job: it has no "
		"room for more");
	assert_string_equal(seen.rows[0],
		"/notify/0/waiting url waiting: the deployer of lane `http` "
		"does not take the job: it has no room for more");
	assert_int_equal(seen.all_jobs, 0);
	chan_pause(deployer, false);
	run_until(one_ack);
	assert_int_equal(seen.all_jobs, 1);
}

#define MANY 300

static struct many {
	struct event event;
	struct chan_item item;
	char id[UID_LEN];
} many[MANY];

static bool all_acked(void)
{
	return seen.n_acks == MANY;
}

/* More events than fit at once; each is acknowledged once. */
static void test_many(void **state)
{
	static char repository[] = "shop/web", api[] = "shop/api";
	static char tag[] = "latest", source[] = "test";

	(void)state;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	logger = open_end("logger", false);
	for (size_t i = 0; i < MANY; i++) {
		many[i].event = (struct event){
			.id = uid_new(clock_wall(), many[i].id),
			.source = source,
			.repository = i % 2 ? repository : api,
			.tag = tag,
			.time = clock_wall(),
		};
		many[i].item = (struct chan_item){
			.type = MSG_EVENT, .body = &many[i].event};
		chan_put(ingress, &many[i].item);
	}
	run_until(all_acked);
	assert_int_equal(seen.n_nacks, 0);
	/* notify takes each, web refuses half of them. */
	assert_int_equal(seen.all_jobs, MANY);
	assert_int_equal(seen.all_rows, MANY / 2);
}

/* Events that come after the swap meet the new rules. */
static void test_new_rules(void **state)
{
	static char repository[] = "shop/web", tag[] = "release-v2";
	struct opt_errors errs = {0};
	struct conf *other;

	(void)state;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	logger = open_end("logger", false);
	put_event(repository, tag);
	run_until(one_ack);
	assert_int_equal(seen.all_jobs, 1);
	other = load_text("triggers: []\n");
	work_set_rules(work, other, rule_load(other, &errs));
	conf_free(other);
	seen.n_acks = 0;
	put_event(repository, tag);
	run_until(one_ack);
	assert_int_equal(seen.all_jobs, 1);
	assert_string_equal(seen.rows[1],
		"//0/no_trigger - no_trigger final: no trigger names "
		"repository `shop/web`");
}

/* Leased again and again while it is under way: each lease is answered, so
 * that credit (16 here) does not run out. */
static void test_leased_anew(void **state)
{
	static char repository[] = "shop/web", tag[] = "release-v2";

	(void)state;
	lease_ms = 5;
	refuse = SIZE_MAX;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	logger = open_end("logger", false);
	put_event(repository, tag);
	run_until(many_leases);
}

static void test_drain(void **state)
{
	static char repository[] = "shop/web", tag[] = "release-v2";

	(void)state;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	logger = open_end("logger", false);
	put_event(repository, tag);
	run_until(one_ack);
	work_drain(work);
	run_until(drained);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_job_and_row, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_no_trigger, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_no_deployer, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_no_logger, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_refused_for_a_while, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_refused_for_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_new_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_leased_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drain, setup, teardown),
	};

	return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
