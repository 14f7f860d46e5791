/*
 * What the tests of the matcher's work share: real links in one loop between it
 * and an ingress, a deployer and a logger that are the test.
 */
#ifndef TESTS_UNIT_MATCHER_WORK_RIG_H
#define TESTS_UNIT_MATCHER_WORK_RIG_H

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

/* ---- neighbours ---------------------------------------------------------- */

static inline void event_acked(void *ctx, struct chan_item *item)
{
	(void)ctx;
	(void)item;
	seen.n_acks++;
}

static inline void event_nacked(
	void *ctx, struct chan_item *item, const char *reason)
{
	(void)ctx;
	(void)item;
	if (seen.n_nacks < KEEP)
		seen.nacks[seen.n_nacks++] = xstrdup(reason ? reason : "");
}

static inline void take_job(
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

static inline void take_row(
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

static inline void event_sent(void *ctx, struct chan_item *item)
{
	(void)ctx;
	(void)item;
	seen.n_sent++;
}

static inline struct chan *open_end(const char *role, bool sends)
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

/* ---- running ------------------------------------------------------------- */

static bool (*condition)(void);

static inline void poll_condition(void *ctx)
{
	(void)ctx;
	if (condition())
		loop_stop(loop);
}

static inline void give_up(void *ctx)
{
	(void)ctx;
	timed_out = true;
	loop_stop(loop);
}

static inline void run_until(bool (*done)(void))
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

static inline bool one_ack(void)
{
	return seen.n_acks == 1;
}

static inline bool one_job_and_one_nack(void)
{
	return seen.n_jobs >= 1 && seen.n_nacks >= 1;
}

static inline bool one_row_and_one_nack(void)
{
	return seen.n_rows >= 1 && seen.n_nacks >= 1;
}

static inline bool many_leases(void)
{
	return seen.n_sent >= 40;
}

static inline bool drained(void)
{
	return is_drained;
}

static inline void note_drained(void *ctx)
{
	(void)ctx;
	is_drained = true;
}

/* ---- each test's world --------------------------------------------------- */

static inline struct conf *load_text(const char *text)
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

static inline void load_conf(void)
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

static inline int setup(void **state)
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

static inline void close_end(struct chan **end)
{
	if (*end != NULL)
		chan_close(*end);
	*end = NULL;
}

static inline int teardown(void **state)
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

static inline void put_event(char *repository, char *tag)
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

#endif
