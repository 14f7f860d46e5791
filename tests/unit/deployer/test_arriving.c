#include "deployer/arriving.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/mem.h"

#define JOB(n) "01890000-0000-7000-8000-00000000000" #n "/web"
#define NOW 1700000000000

static char folder[] = "/tmp/test_arriving.XXXXXX";
static struct arriving *a;

static enum arriving_answer begin(const char *id, int64_t mono,
	unsigned want_deaths)
{
	unsigned deaths = 99;
	enum arriving_answer got = arriving_begin(a, id, NOW, mono, &deaths);

	assert_int_equal(deaths, want_deaths);
	return got;
}

/* The next process, a while later. */
static void die(int64_t ms)
{
	arriving_close(a);
	a = arriving_open(folder, NOW + ms);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	a = arriving_open(folder, NOW);
	return 0;
}

static int teardown(void **state)
{
	char *path = xprintf("%s/arriving", folder);

	(void)state;
	arriving_close(a);
	unlink(path);
	free(path);
	rmdir(folder);
	snprintf(folder, sizeof(folder), "/tmp/test_arriving.XXXXXX");
	return 0;
}

/* The neighbours of the one that kills are taken alone, and then are as any
 * other; it is found at the fifth death, and left alone at the tenth. */
static void test_killer(void **state)
{
	(void)state;
	assert_int_equal(begin(JOB(1), 0, 0), ARRIVING_GO);
	assert_int_equal(begin(JOB(2), 0, 0), ARRIVING_GO);
	assert_int_equal(begin(JOB(3), 0, 0), ARRIVING_GO);
	arriving_end(a, JOB(1));
	die(0);
	assert_int_equal(begin(JOB(1), 0, 0), ARRIVING_GO);
	assert_int_equal(begin(JOB(2), 0, 1), ARRIVING_LATER);
	/* One waits to be alone: no more are begun for a second. */
	assert_int_equal(begin(JOB(4), 999, 0), ARRIVING_LATER);
	assert_int_equal(begin(JOB(4), 1001, 0), ARRIVING_GO);
	arriving_end(a, JOB(1));
	arriving_end(a, JOB(4));
	assert_int_equal(begin(JOB(2), 1002, 1), ARRIVING_GO);
	assert_int_equal(begin(JOB(1), 1003, 0), ARRIVING_LATER);
	assert_int_equal(begin(JOB(3), 1003, 1), ARRIVING_LATER);
	arriving_end(a, JOB(2));
	assert_int_equal(begin(JOB(2), 3000, 0), ARRIVING_GO);
	assert_int_equal(begin(JOB(2), 3000, 0), ARRIVING_GO); /* again */
	arriving_end(a, JOB(2));
	arriving_end(a, JOB(2));
	for (unsigned i = 1; i < ARRIVING_PARK; i++) {
		assert_int_equal(begin(JOB(3), 0, i), ARRIVING_GO);
		die(0);
	}
	for (unsigned i = ARRIVING_PARK; i < ARRIVING_LEAVE; i++) {
		assert_int_equal(begin(JOB(3), 0, i), ARRIVING_ENDS);
		die(0);
	}
	assert_int_equal(begin(JOB(3), 0, ARRIVING_LEAVE), ARRIVING_LEFT);
	assert_int_equal(begin(JOB(1), 0, 0), ARRIVING_GO);
}

static void test_survivor(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(begin(JOB(1), 0, 0), ARRIVING_GO);
		die(0);
		assert_int_equal(begin(JOB(1), 0, 1), ARRIVING_GO);
		arriving_end(a, JOB(1));
		die(0);
	}
}

static void test_old_and_torn(void **state)
{
	char *path = xprintf("%s/arriving", folder);
	FILE *f;

	(void)state;
	assert_int_equal(begin(JOB(1), 0, 0), ARRIVING_GO);
	die((int64_t)8 * 24 * 3600 * 1000);
	assert_int_equal(begin(JOB(1), 0, 0), ARRIVING_GO);
	arriving_close(a);
	f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0; i < 1 << 20; i++)
		fputc(i * 7, f);
	fclose(f);
	a = arriving_open(folder, NOW);
	assert_int_equal(begin(JOB(1), 0, 0), ARRIVING_GO);
	free(path);
}

static void test_full(void **state)
{
	char id[64];

	(void)state;
	for (int i = 0; i < ARRIVING_MAX; i++) {
		snprintf(id, sizeof(id),
			"01890000-0000-7000-8000-00000000%04x/web", i);
		assert_int_equal(begin(id, 0, 0), ARRIVING_GO);
	}
	assert_int_equal(begin(JOB(1) "x", 0, 0), ARRIVING_LATER);
	arriving_end(a, id);
	assert_int_equal(begin(JOB(1) "x", 0, 0), ARRIVING_GO);
}

/* Without a file nobody is counted, and nothing else is different. */
static void test_no_file(void **state)
{
	(void)state;
	arriving_close(a);
	a = arriving_open("/nowhere", NOW);
	assert_int_equal(begin(JOB(1), 0, 0), ARRIVING_GO);
	arriving_end(a, JOB(1));
	assert_int_equal(begin(JOB(1), 0, 0), ARRIVING_GO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_killer), TEST(test_survivor),
		TEST(test_old_and_torn), TEST(test_full), TEST(test_no_file),
	};

	return cmocka_run_group_tests_name("arriving", tests, NULL, NULL);
}
