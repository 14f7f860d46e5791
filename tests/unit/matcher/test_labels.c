/* What deployers say of their containers' labels. */
#include "matcher/labels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/log.h"
#include "proto/base/mem.h"

#define SET(engine) \
	"{\"engine\":\"" engine "\",\"triggers\":[{\"from\":\"container a\"," \
	"\"name\":\"a\",\"repository\":\"shop/a\"," \
	"\"deploy\":{\"container\":\"a\"},\"labels\":{}}]}"

/* A configuration with engines e0 to eN. */
static struct conf *with_engines(int n)
{
	char path[] = "/tmp/pullwire-labels-XXXXXX";
	struct opt_errors errs = {0};
	struct conf *conf;
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	assert_non_null(f);
	fputs("engines:\n", f);
	for (int i = 0; i < n; i++)
		fprintf(f, "  - {name: e%d, docker: 'unix:///e%d.sock'}\n", i,
			i);
	assert_int_equal(fclose(f), 0);
	conf = conf_load(path, &errs);
	unlink(path);
	assert_non_null(conf);
	return conf;
}

/* Who says its set before we know its engine says it once. */
static void test_known_later(void **state)
{
	struct conf *one = with_engines(1), *two = with_engines(2);
	struct labels *l = labels_new(one);

	(void)state;
	assert_string_equal(labels_missing(l), "e0");
	labels_take(l, "e1", SET("e1"));
	labels_take(l, "e0", "{\"engine\":\"e0\",\"triggers\":[]}");
	assert_null(labels_missing(l));
	assert_int_equal(labels_rules(l)->n, 0);
	labels_set_conf(l, two);
	assert_null(labels_missing(l));
	assert_int_equal(labels_rules(l)->n, 1);
	labels_free(l);
	conf_free(one);
	conf_free(two);
}

static void test_strangers_are_bounded(void **state)
{
	struct conf *one = with_engines(1), *many = with_engines(30);
	struct labels *l = labels_new(one);

	(void)state;
	for (int i = 29; i >= 0; i--) {
		char *name = xprintf("e%d", i);
		char *set = xprintf(
			"{\"engine\":\"%s\",\"triggers\":[]}", name);

		labels_take(l, name, set);
		free(name);
		free(set);
	}
	assert_null(labels_missing(l)); /* ours has its place */
	labels_set_conf(l, many);
	assert_string_equal(labels_missing(l), "e1");
	labels_free(l);
	conf_free(one);
	conf_free(many);
}

/* What is no set of the engine leaves what was said before. */
static void test_no_set(void **state)
{
	static const char *const bad[] = {"", "null", "[]", "{\"engine\":\"e0",
		"{}", "{\"engine\":\"e0\"}", "{\"engine\":7,\"triggers\":[]}",
		"{\"engine\":\"e0\",\"triggers\":{}}", SET("e1")};
	struct conf *two = with_engines(2);
	struct labels *l = labels_new(two);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		labels_take(l, "e0", bad[i]);
		assert_string_equal(labels_missing(l), "e0");
	}
	labels_take(l, "e0", SET("e0"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		labels_take(l, "e0", bad[i]);
		assert_int_equal(labels_rules(l)->n, 1);
	}
	assert_string_equal(labels_missing(l), "e1");
	labels_free(l);
	conf_free(two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_later),
		cmocka_unit_test(test_strangers_are_bounded),
		cmocka_unit_test(test_no_set),
	};

	log_init("matcher", LOG_ERROR);
	return cmocka_run_group_tests_name("labels", tests, NULL, NULL);
}
