/*
 * What the tests of orders share: a deployer that is otherwise whole, the order
 * to it and its answer, and what to wait for. Included by the one file of a
 * program, as fake_world.h.
 */
#ifndef TESTS_UNIT_DEPLOYER_ORDERS_RIG_H
#define TESTS_UNIT_DEPLOYER_ORDERS_RIG_H

#include "tests/unit/deployer/fake_world.h"

#include "deployer/orders/orders.h"
#include "deployer/queue/queue_read.h"

#define JOB(n) EVENT(n) "/web"

static const char conf_text[] =
	"engines: [{name: local, docker: 'unix:///run/e.sock'}]\n"
	"triggers:\n"
	"  - {name: web, repository: shop/web, approve: true,\n"
	"     deploy: {container: web}}\n"
	"  - {name: api, repository: shop/web, deploy: {container: api}}\n"
	"notify: [{name: chat, url: 'https://example.com/', on: [refused]}]\n"
	"deployer: {state: '@', lanes: [local]}\n";

static inline int setup(void **state)
{
	int rc = world_setup(state);

	configure(conf_text);
	start_process();
	return rc;
}

static inline int teardown(void **state)
{
	fake.block = false;
	stop_process();
	return world_teardown(state);
}

static inline bool answered(void)
{
	return world.answers > 0;
}

static inline bool one_waits(void)
{
	return rows_of("waiting") == 1;
}

static inline bool one_deployed(void)
{
	return rows_of("deployed") == 1;
}

static inline bool two_deploys(void)
{
	return fake.deploys == 2 && fake.under_way == 0;
}

static inline bool one_deploy_runs(void)
{
	return fake.under_way == 1;
}

static inline bool one_recovery(void)
{
	return fake.recoveries == 1;
}

static inline bool two_answers(void)
{
	return world.answers == 2;
}

/* The answer to it, which has to come. */
static inline const struct msg_answer *ask(const char *what, const char *args)
{
	world.answers = 0;
	order(what, args);
	run_until(answered);
	assert_int_equal(world.answers, 1);
	return &world.answer;
}

static inline bool two_deployed(void)
{
	return rows_of("deployed") == 2;
}

static inline void do_order(const char *what, const char *says)
{
	char args[128];
	const struct msg_answer *a;

	snprintf(args, sizeof(args), "{\"job\":\"%s\"}", JOB(01));
	a = ask(what, args);
	if (!a->ok || strcmp(a->text, says) != 0)
		fail_msg("%s: %s", what, a->text);
}

static inline bool is_held(void)
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
