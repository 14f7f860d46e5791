/* Triggers that containers have as labels, beside those of the file. */
#include "proto/data/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/mem.h"

static char path[] = "/tmp/pullwire-labels-XXXXXX";
static struct conf *base;

static int setup(void **state)
{
	static const char text[] =
		"engines:\n"
		"  - {name: local, docker: 'unix:///e.sock'}\n"
		"  - {name: far, docker: 'unix:///f.sock'}\n"
		"triggers:\n"
		"  - {name: web, repository: shop/web, engine: local,"
		" deploy: {container: web}}\n";
	int fd = mkstemp(path);
	struct opt_errors errs = {0};

	(void)state;
	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) < 0)
		return -1;
	base = conf_load(path, &errs);
	unlink(path);
	return base != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	conf_free(base);
	return 0;
}

#define SET(engine, items) \
	"{\"engine\":\"" engine "\",\"triggers\":[" items "]}"
#define ITEM(name, labels) \
	"{\"from\":\"container " name "\",\"name\":\"" name "\"," \
	"\"repository\":\"shop/" name "\",\"deploy\":{\"container\":\"" name \
	"\"},\"labels\":{" labels "}}"

static void test_options(void **state)
{
	static const char *const sets[] = {
		SET("local", ITEM("a", "\"tags\":\"v1, v2\",\"min_age\":\"1h\","
			"\"exclude\":\"${HOME}$\",\"pinned\":\"skip\","
			"\"stop_signal\":\"int\","
			"\"window\":\"22:00-06:00 Europe/Berlin\","
			"\"repository\":\"other/*\","
			"\"pre_hook\":[\"sh\",\"-c\",\"a, $b\"]")),
		SET("far", ITEM("b", ""))};
	struct opt_errors errs = {0};
	struct conf *c = conf_with_labels(base, sets, 2, &errs), *again;
	const struct conf_trigger *a = conf_trigger(c, "a");

	(void)state;
	assert_int_equal(errs.list.n, 0);
	assert_non_null(a);
	assert_int_equal(a->tags.n, 2);
	assert_string_equal(a->tags.v[1], "v2");
	assert_int_equal(a->min_age, 3600000);
	assert_string_equal(a->repository, "other/*");
	assert_string_equal(a->exclude, "${HOME}$"); /* no variables here */
	assert_int_equal(a->deploy.pinned, PINNED_SKIP);
	assert_string_equal(a->deploy.stop_signal, "int");
	assert_int_equal(a->deploy.pre_hook.n, 3);
	assert_string_equal(a->deploy.pre_hook.v[2], "a, $b");
	assert_string_equal(a->engine, "local");
	assert_true(conf_window_next(c, a, 1700000000000) >= 1700000000000);
	assert_int_equal(conf_window_next(c, a, 1700000000000), /* 23:13 */
		1700000000000);
	assert_string_equal(conf_trigger(c, "b")->engine, "far");
	assert_string_equal(conf_trigger(c, "web")->repository, "shop/web");
	assert_null(conf_trigger(base, "a"));
	assert_int_equal(conf_labelled_triggers(c).n, 2);
	assert_string_equal(c->generation, base->generation);
	/* On top of that: only the new ones. */
	again = conf_with_labels(c, sets + 1, 1, &errs);
	conf_free(c);
	assert_null(conf_trigger(again, "a"));
	assert_non_null(conf_trigger(again, "b"));
	assert_non_null(conf_trigger(again, "web"));
	conf_free(again);
}

/* Each alone is left out, and named. */
static void test_faults(void **state)
{
	static const struct {
		const char *item, *want;
	} cases[] = {
		{ITEM("x", "\"taggs\":\"a\""), "container x: there is no label "
			"pullwire.taggs; did you mean pullwire.tags?"},
		{ITEM("x", "\"url\":\"http://h/\""), "container x: there is no "
			"label pullwire.url"},
		{ITEM("x", "\"engine\":\"far\""), "there is no label "
			"pullwire.engine"},
		{ITEM("x", "\"container\":\"y\""), "there is no label "
			"pullwire.container"},
		{ITEM("x", "\"deploy\":\"y\""), "there is no label "
			"pullwire.deploy"},
		{ITEM("x", "\"secret\":\"y\""), "there is no label "
			"pullwire.secret"},
		{ITEM("x", "\"tags\":\"a,b\",\"expression\":\"c\""),
			"container x: `expression` and `tags` exclude"},
		{ITEM("x", "\"tags\":\"1,2,3,4,5,6,7,8,9,10,11\""),
			"container x: `tags` has 11 entries"},
		{ITEM("x", "\"semver\":\"nonsense\""), "container x: semver: "},
		{ITEM("x", "\"stop_signal\":\"SIGNOPE\""),
			"container x: stop_signal: `SIGNOPE` is no signal"},
		{"{\"from\":\"container x\",\"name\":\"x\",\"repository\":"
			"\"shop/x\",\"deploy\":{\"compose\":\"p/s\"},"
			"\"labels\":{\"keep_failed\":\"1h\"}}",
			"container x: keep_failed: does not go with `compose`"},
		{ITEM("x", "\"window\":\"Mon 1:00-2:00 UTC\""),
			"container x: window: "},
		{ITEM("x", "\"min_age\":\"soon\""), "container x: min_age: "},
		{ITEM("x", "\"dry_run\":7"), "there is no label "},
		{ITEM("x", "\"dry_run\":[\"true\"]"), "there is no label "},
		{ITEM("x", "\"tags\":7"), "there is no label "},
		{ITEM("web", ""), "container web: its labels are not looked "
			"at: trigger `web` is in "},
		{ITEM("x", "") "," ITEM("x", ""), "give one of them another "
			"name by the label pullwire.trigger"},
		{"{\"from\":\"container x\",\"name\":\"-x\",\"repository\":\"a\","
		 "\"deploy\":{\"container\":\"x\"}}",
			"container x: name: `-x` is no trigger name"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *set = xprintf(SET("local", "%s,%s"), cases[i].item,
			ITEM("good", ""));
		const char *sets[] = {set};
		struct opt_errors errs = {0};
		struct conf *c = conf_with_labels(base, sets, 1, &errs);

		if (errs.list.n != 1 ||
			strstr(errs.list.v[0], cases[i].want) == NULL)
			fail_msg("case %zu: %zu: %s", i, errs.list.n,
				errs.list.n ? errs.list.v[0] : "");
		assert_non_null(conf_trigger(c, "good"));
		opt_errors_release(&errs);
		conf_free(c);
		free(set);
	}
}

/* Whatever a peer says. */
static void test_bad_sets(void **state)
{
	static const char *const sets[] = {"", "{}", "[]", "7", "{\"engine\":7}",
		SET("none", ITEM("x", "")), "{\"engine\":\"local\"",
		"{\"engine\":\"local\",\"triggers\":7}",
		SET("local", "7,{},[],null,{\"from\":\"x\"},"
			     "{\"name\":\"x\",\"from\" : \"y\"}")};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		struct opt_errors errs = {0};
		struct conf *c = conf_with_labels(base, sets + i, 1, &errs);

		assert_int_equal(conf_labelled_triggers(c).n, 0);
		assert_non_null(conf_trigger(c, "web"));
		opt_errors_release(&errs);
		conf_free(c);
	}
}

static void test_generation(void **state)
{
	static const char *const one[] = {SET("local", ITEM("a", ""))};
	static const char *const two[] = {SET("local", ITEM("b", ""))};
	struct opt_errors errs = {0};
	struct conf *a = conf_with_labels(base, one, 1, &errs);
	struct conf *b = conf_with_labels(base, two, 1, &errs);

	(void)state;
	assert_int_equal(strlen(conf_labelled_generation(a)), 16);
	assert_string_not_equal(conf_labelled_generation(a),
		conf_labelled_generation(b));
	assert_string_equal(conf_labelled_generation(base), "");
	conf_free(a);
	conf_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_bad_sets),
		cmocka_unit_test(test_generation),
	};

	return cmocka_run_group_tests_name("conf_labels", tests, setup,
		teardown);
}
