/* What is written while its dispatch ends: marks.c over a spool that we play. */
#include "ingress/marks.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct loop *loop;
static struct marks *marks;
static void (*written)(void *ctx, const struct err *err);
static void *written_ctx;
static size_t marked;

int spool_mark(struct spool *s, const struct spool_mark *m, size_t n,
	void (*done)(void *ctx, const struct err *err), void *ctx)
{
	(void)s;
	assert_non_null(m);
	assert_int_equal(n, 1);
	written = done;
	written_ctx = ctx;
	return 0;
}

static void on_marked(void *ctx, size_t n)
{
	(void)ctx;
	marked += n;
}

static void stop(void *ctx)
{
	loop_stop(ctx);
}

/* All that was posted comes before. */
static void turn(void)
{
	loop_post(loop, stop, loop);
	loop_run(loop);
}

static int setup(void **state)
{
	(void)state;
	marked = 0;
	loop = loop_new();
	marks = marks_new(loop, NULL, on_marked, NULL);
	marks_add(marks, 7, NULL);
	written(written_ctx, NULL);
	return 0;
}

static void test_marked(void **state)
{
	(void)state;
	assert_int_equal(marks_len(marks), 1);
	turn();
	assert_int_equal(marked, 1);
	assert_int_equal(marks_len(marks), 0);
	marks_close(marks);
	marks_free(marks);
	loop_free(loop);
}

/* It was written before the close, and its word comes after. */
static void test_closed_before_it_is_told(void **state)
{
	(void)state;
	marks_close(marks);
	turn();
	assert_int_equal(marked, 0);
	marks_free(marks);
	loop_free(loop);
}

static void test_freed_before_it_is_told(void **state)
{
	(void)state;
	marks_close(marks);
	marks_free(marks);
	turn();
	assert_int_equal(marked, 0);
	loop_free(loop);
}

static void test_never_told(void **state)
{
	(void)state;
	marks_close(marks);
	loop_free(loop);
	marks_free(marks);
	assert_int_equal(marked, 0);
}

static void test_never_told_and_freed_before(void **state)
{
	(void)state;
	marks_close(marks);
	marks_free(marks);
	loop_free(loop);
	assert_int_equal(marked, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(test_marked),
		T(test_closed_before_it_is_told),
		T(test_freed_before_it_is_told),
		T(test_never_told),
		T(test_never_told_and_freed_before),
	};

	return cmocka_run_group_tests_name("marks", tests, NULL, NULL);
}
