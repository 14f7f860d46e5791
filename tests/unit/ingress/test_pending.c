#include "ingress/pending.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_each_once(void **state)
{
	struct pending p;
	struct pending_entry a = {0}, b = {0}, c = {0};
	int ra, rb, rc;
	int64_t next;

	(void)state;
	pending_init(&p);
	assert_true(pending_add(&p, &a, &ra, 400));
	assert_false(pending_add(&p, &b, &rb, 410));
	assert_false(pending_add(&p, &c, &rc, 900));
	/* The writer comes first for a. */
	assert_true(pending_take(&p, &a));
	assert_false(pending_take(&p, &a));
	assert_null(pending_overdue(&p, 409, &next));
	assert_int_equal(next, 410);
	/* The loop comes first for b. */
	assert_ptr_equal(pending_overdue(&p, 410, &next), &rb);
	assert_false(pending_take(&p, &b));
	assert_null(pending_overdue(&p, 410, &next));
	assert_int_equal(next, 900);
	assert_true(pending_take(&p, &c));
	/* Nothing waits: nobody watches, so the next one must arm again. */
	assert_null(pending_overdue(&p, 900, &next));
	assert_int_equal(next, 0);
	assert_true(pending_add(&p, &a, &ra, 1000));
	assert_true(pending_take(&p, &a));
	pending_destroy(&p);
}

/* One that waits for less than those before it is not late for them. */
static void test_the_hurried_first(void **state)
{
	struct pending p;
	struct pending_entry a = {0}, b = {0}, c = {0}, d = {0};
	int ra, rb, rc, rd;
	int64_t next;

	(void)state;
	pending_init(&p);
	assert_true(pending_add(&p, &a, &ra, 4000));
	assert_true(pending_add(&p, &b, &rb, 400));
	assert_false(pending_add(&p, &c, &rc, 4100));
	assert_false(pending_add(&p, &d, &rd, 500));
	assert_null(pending_overdue(&p, 100, &next));
	assert_int_equal(next, 400);
	assert_ptr_equal(pending_overdue(&p, 600, &next), &rb);
	assert_ptr_equal(pending_overdue(&p, 600, &next), &rd);
	assert_null(pending_overdue(&p, 600, &next));
	assert_int_equal(next, 4000);
	assert_ptr_equal(pending_overdue(&p, 5000, &next), &ra);
	assert_ptr_equal(pending_overdue(&p, 5000, &next), &rc);
	assert_null(pending_overdue(&p, 5000, &next));
	assert_int_equal(next, 0);
	pending_destroy(&p);
}

/* Writer and loop race for many entries: each goes to exactly one. */
#define RACERS 20000

static struct pending race;
static struct pending_entry entries[RACERS];
static size_t writer_won;

static void *writer(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < RACERS; i++)
		writer_won += pending_take(&race, &entries[i]);
	return NULL;
}

static void test_race(void **state)
{
	size_t loop_won = 0;
	pthread_t t;
	int64_t next;

	(void)state;
	pending_init(&race);
	for (size_t i = 0; i < RACERS; i++)
		pending_add(&race, &entries[i], &entries[i], 1);
	assert_int_equal(pthread_create(&t, NULL, writer, NULL), 0);
	while (pending_overdue(&race, 2, &next))
		loop_won++;
	pthread_join(t, NULL);
	while (pending_overdue(&race, 2, &next))
		loop_won++;
	assert_int_equal(writer_won + loop_won, RACERS);
	pending_destroy(&race);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_once),
		cmocka_unit_test(test_the_hurried_first),
		cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests_name("pending", tests, NULL, NULL);
}
