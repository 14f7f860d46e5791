/* Orders in files: carried out, kept until that is on disk, answered. */
#include "tests/unit/deployer/orders_rig.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_file), TEST(test_file_json),
		TEST(test_file_stays_until_it_is_on_disk),
		TEST(test_file_that_is_carried_out_once),
		TEST(test_file_that_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
