#include "proto/io/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SETTLE_MS 20

/* What a row does to the files once they are watched. */
static void write_it(void)
{
	FILE *f = fopen("file", "w");

	assert_non_null(f);
	fputs("new", f);
	fclose(f);
}

static void rename_onto(void)
{
	FILE *f = fopen("other", "w");

	assert_non_null(f);
	fclose(f);
	assert_int_equal(rename("other", "file"), 0);
}

static void turn(void)
{
	assert_int_equal(symlink("..two", "..data_tmp"), 0);
	assert_int_equal(rename("..data_tmp", "..data"), 0);
}

static void write_behind(void)
{
	FILE *f = fopen("..one/file", "w");

	assert_non_null(f);
	fputs("new", f);
	fclose(f);
}

static void write_another(void)
{
	FILE *f = fopen("another", "w");

	assert_non_null(f);
	fclose(f);
}

struct watching {
	struct loop *loop;
	void (*change)(void);
	int told;
};

static void on_change(void *ctx)
{
	struct watching *t = ctx;

	t->told++;
	loop_stop(t->loop);
}

static void begin(void *ctx)
{
	((struct watching *)ctx)->change();
}

static void end(void *ctx)
{
	loop_stop(((struct watching *)ctx)->loop);
}

static void lay_out(bool link)
{
	assert_int_equal(system("rm -rf * ..data ..one ..two; "
		"mkdir ..one ..two; echo 1 >..one/file; echo 2 >..two/file"), 0);
	assert_int_equal(system(link ?
		"ln -s ..one ..data; ln -s ..data/file file" :
		"cp ..one/file file"), 0);
}

static int told(const char *path, void (*change)(void), int64_t wait_ms)
{
	struct watching t = {loop_new(), change, 0};
	struct err err = {0};
	struct watch *w = watch_new(t.loop, SETTLE_MS, on_change, &t, &err);

	assert_non_null(w);
	watch_file(w, path);
	loop_timer_start(t.loop, 1, 0, begin, &t);
	loop_timer_start(t.loop, wait_ms, 0, end, &t);
	loop_run(t.loop);
	watch_free(w);
	loop_free(t.loop);
	return t.told;
}

/* Is a change of the file told? It is a link as in a Kubernetes volume, or a
 * plain file; the path has a folder or none, as when a daemon was started in
 * its configuration's. */
static void test_changes(void **state UNUSED)
{
	static const struct {
		const char *what;
		bool link;
		void (*change)(void);
		bool told;
	} rows[] = {
		{"written", false, write_it, true},
		{"another renamed onto it", false, rename_onto, true},
		{"a neighbour", false, write_another, false},
		{"the volume's link turned", true, turn, true},
		{"written behind the link", true, write_behind, true},
		{"a neighbour of the link", true, write_another, false},
	};
	char folder[] = "/tmp/test_watch.XXXXXX", path[sizeof(folder) + 8];

	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	snprintf(path, sizeof(path), "%s/file", folder);
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		size_t row = i / 2;
		int n;

		lay_out(rows[row].link);
		n = told(i % 2 ? path : "file", rows[row].change,
			rows[row].told ? 60000 : 100);
		if (n != rows[row].told)
			fail_msg("%s, %s: told %d times", rows[row].what,
				i % 2 ? path : "file", n);
	}
	assert_int_equal(system("rm -rf \"$PWD\""), 0);
	assert_int_equal(chdir("/"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
