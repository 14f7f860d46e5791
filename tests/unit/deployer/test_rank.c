/* newer_only: among jobs that wait, and against what was done last. */
#include "tests/unit/deployer/fake_world.h"

static const char conf_text[] =
	"engines: [{name: local, docker: 'unix:///run/e.sock'}]\n"
	"triggers:\n"
	"  - {name: web, repository: shop/web, newer_only: true,\n"
	"     approve: true, deploy: {container: web}}\n"
	"deployer: {state: '@', lanes: [local]}\n";

#define JOB(n) EVENT(n) "/web"

static int setup(void **state)
{
	int rc = world_setup(state);

	configure(conf_text);
	start_process();
	return rc;
}

static int teardown(void **state)
{
	stop_process();
	deliver_version = NULL;
	return world_teardown(state);
}

static size_t wanted;

static bool so_many_wait(void)
{
	return rows_of("waiting") == wanted;
}

static bool so_many_finals(void)
{
	return finals() == wanted;
}

static void push(const char *event, const char *tag, const char *version,
	int64_t time)
{
	deliver_version = version;
	deliver(event, "web", "local", tag, time);
}

static void wait_for_rows(bool (*enough)(void), size_t n)
{
	wanted = n;
	run_until(enough);
}

static void test_rank(void **state)
{
	const struct seen_row *row;

	(void)state;
	push(EVENT(01), "v2", "semver 2.0.0", 1000);
	wait_for_rows(so_many_wait, 1);
	/* Later, but lower: the higher one goes on waiting. */
	push(EVENT(02), "v1", "semver 1.0.0", 2000);
	wait_for_rows(so_many_finals, 1);
	row = row_of(EVENT(02), "superseded");
	assert_true(row->final);
	assert_string_equal(row->reason, "tag v2, which waits here (event "
		EVENT(01) "), is a higher version");
	/* The same version again, or a higher one, takes its place. */
	push(EVENT(03), "v2b", "semver 2.0.0", 3000);
	wait_for_rows(so_many_finals, 2);
	row_of(EVENT(01), "superseded");
	push(EVENT(04), "v10", "semver 10.0.0", 4000);
	wait_for_rows(so_many_finals, 3);
	row_of(EVENT(03), "superseded");
	wait_for_rows(so_many_wait, 3);
	order("approve", "{\"job\":\"" JOB(04) "\"}");
	wait_for_rows(so_many_finals, 4);
	row_of(EVENT(04), "deployed");
	/* What was done last is known to the next process. */
	stop_process();
	start_process();
	push(EVENT(05), "v9", "semver 9.0.0", 5000);
	wait_for_rows(so_many_finals, 5);
	row = row_of(EVENT(05), "untriggered");
	assert_true(row->final);
	assert_non_null(strstr(row->reason, "version 9.0.0 of tag `v9` is "
		"below version 10.0.0 of tag `v10`, which was done last"));
	assert_int_equal(fake.deploys, 1);
}

/* A failure is not what was done last. */
static void test_failed_is_not_done(void **state)
{
	(void)state;
	script(0, DRIVER_ROLLED_BACK, ERR_NONE, "unhealthy");
	push(EVENT(01), "v2", "semver 2.0.0", 1000);
	wait_for_rows(so_many_wait, 1);
	order("approve", "{\"job\":\"" JOB(01) "\"}");
	wait_for_rows(so_many_finals, 1);
	row_of(EVENT(01), "rolled_back");
	push(EVENT(02), "v1", "semver 1.0.0", 2000);
	wait_for_rows(so_many_wait, 2);
	order("approve", "{\"job\":\"" JOB(02) "\"}");
	wait_for_rows(so_many_finals, 2);
	row_of(EVENT(02), "deployed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rank, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_failed_is_not_done, setup, teardown),
	};

	return cmocka_run_group_tests_name("rank", tests, NULL, NULL);
}
