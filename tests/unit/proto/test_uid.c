#include "proto/base/uid.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* First, while no id was made: RFC 9562, appendix A.6. */
static void test_layout(void **state)
{
	char id[UID_LEN];

	(void)state;
	uid_new(0x17f22e279b0, id);
	assert_int_equal(strlen(id), UID_LEN - 1);
	assert_memory_equal(id, "017f22e2-79b0-7", 15);
	assert_true(strchr("89ab", id[19]) != NULL);
	assert_true(uid_valid(id));
	assert_true(uid_time(id) == 0x17f22e279b0);
}

/* The wall clock stands, jumps and steps back: the text only grows. */
static void test_monotonic(void **state)
{
	static const int64_t walls[] = {2000000000000, 2000000000000,
		1999999999999, 0, -5, 2000000000001, 1, 2000000000001};
	char last[UID_LEN] = "", id[UID_LEN];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uid_new(walls[(size_t)i % ARRAY_LEN(walls)], id);
		assert_true(strcmp(id, last) > 0);
		assert_true(uid_valid(id));
		memcpy(last, id, sizeof(last));
	}
	assert_true(uid_time(last) == 2000000000001);
}

static void test_floor(void **state)
{
	char id[UID_LEN], next[UID_LEN];

	(void)state;
	uid_floor("no id at all");
	uid_floor("02222222-2222-7fff-bfff-ffffffffffff");
	uid_new(1, id);
	assert_true(strcmp(id, "02222222-2222-7fff-bfff-ffffffffffff") > 0);
	/* The counter was used up: the time moves on by one. */
	assert_true(uid_time(id) == 0x022222222223);
	uid_floor("02222222-2000-7fff-bfff-ffffffffffff");
	uid_new(1, next);
	assert_true(strcmp(next, id) > 0);
	uid_floor("02222222-2223-7800-8000-ffffffffffff");
	uid_new(0x022222222223, next);
	assert_true(strcmp(next, "02222222-2223-7800-8000-ffffffffffff") > 0);
	assert_true(uid_time(next) == 0x022222222223);
}

#define PER_THREAD 5000
static char ids[4][PER_THREAD][UID_LEN];

static void *maker(void *arg)
{
	char(*mine)[UID_LEN] = arg;

	for (int i = 0; i < PER_THREAD; i++)
		uid_new(5000000000000, mine[i]);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void test_threads(void **state)
{
	pthread_t threads[ARRAY_LEN(ids)];
	char(*all)[UID_LEN] = ids[0];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, maker, ids[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		for (int k = 1; k < PER_THREAD; k++)
			assert_true(strcmp(ids[i][k - 1], ids[i][k]) < 0);
	qsort(all, ARRAY_LEN(ids) * PER_THREAD, UID_LEN, compare);
	for (size_t i = 1; i < ARRAY_LEN(ids) * PER_THREAD; i++)
		assert_true(strcmp(all[i - 1], all[i]) != 0);
}

static void test_valid(void **state)
{
	static const char *const bad[] = {
		"", "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
		"017f22e2-79b0-4cc3-98c4-dc0c0c07398f",
		"017f22e2-79b0-7cc3-c8c4-dc0c0c07398f",
		"017F22E2-79b0-7cc3-98c4-dc0c0c07398f",
		"017f22e2079b0-7cc3-98c4-dc0c0c07398f",
		"017f22e-279b0-7cc3-98c4-dc0c0c07398f",
		"017f22g2-79b0-7cc3-98c4-dc0c0c07398f"};

	(void)state;
	assert_true(uid_valid("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"));
	assert_true(uid_time("017f22e2-79b0-7cc3-98c4-dc0c0c07398f") ==
		0x17f22e279b0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (uid_valid(bad[i]))
			fail_msg("\"%s\" was taken", bad[i]);
		assert_true(uid_time(bad[i]) == -1);
	}
	assert_false(uid_valid(NULL));
}

static void test_derived(void **state)
{
	const char *event = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
	char job[UID_JOB_MAX], record[UID_RECORD_MAX];

	(void)state;
	assert_string_equal(uid_job(event, "web", job),
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398f/web");
	assert_string_equal(uid_record(job, 2, "deployed", record),
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398f/web/2/deployed");
	uid_record(uid_job(event, "", job), 0, "no_trigger", record);
	assert_string_equal(record,
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398f//0/no_trigger");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_monotonic),
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_derived),
	};

	return cmocka_run_group_tests_name("uid", tests, NULL, NULL);
}
