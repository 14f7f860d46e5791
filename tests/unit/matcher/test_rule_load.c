#include "matcher/rule_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/pullwire-rules-XXXXXX";
static char path[64];

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/pullwire.yml", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static struct conf *load_conf(const char *text, struct opt_errors *errs)
{
	FILE *f = fopen(path, "w");
	struct conf *conf;

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	conf = conf_load(path, errs);
	for (size_t i = 0; i < errs->list.n; i++)
		print_message("%s\n", errs->list.v[i]);
	assert_non_null(conf);
	return conf;
}

#define ENGINE \
	"engines:\n" \
	"  - {name: local, docker: 'unix:///var/run/docker.sock'}\n"

static void test_good(void **state)
{
	static const char *const want[] = {
		"web: shop/web, tags that match `release-v.*`: redeploy "
		"container web (lane local)",
		"worker: shop/*, tags `latest`, `stable`: redeploy compose "
		"shop/worker (lane local)",
		"one: nginx, tag `1.27`: redeploy container n (lane local)",
		"list: shop/a, tags `v1`, `v2`: post to http://h/, as a dry "
		"run (lane http)",
		"regexp: shop/b, tags that match `v.*` and are versions in "
		"`^1.4` but not `.*-rc`: post to http://h/ (lane http)",
		"all: reg.x:5/shop/c, tags that are versions in `^1.4`: post "
		"to http://h/, 120 s after the push, once approved "
		"(lane http)",
		"notify: **, every tag: post to http://127.0.0.1:8090/hook?"
		"secret=*** (lane http)",
	};
	struct opt_errors errs = {0};
	struct strbuf text = {0};
	struct ruleset *set, *second;
	struct conf *conf;

	(void)state;
	conf = load_conf(ENGINE
		"triggers:\n"
		"  - name: web\n"
		"    repository: shop/web\n"
		"    expression: release-v.*\n"
		"    deploy: {container: web}\n"
		"  - {name: worker, repository: shop/*, tags: [latest, stable],"
		" deploy: {compose: shop/worker}}\n"
		"  - {name: one, repository: nginx, tags: '1.27',"
		" deploy: {container: n}}\n"
		"  - {name: list, repository: shop/a, type: TAG_LIST,"
		" tag: [v1, v2], url: 'http://h/', dry_run: true}\n"
		"  - {name: regexp, repository: shop/b, type: TAG_REG_EXP,"
		" tag: v.*, exclude: .*-rc, semver: ^1.4, url: 'http://h/'}\n"
		"  - {name: all, repository: Reg.x:5/shop/c, type: ALL,"
		" semver: ^1.4, url: 'http://h/', approve: true,"
		" min_age: 2m}\n"
		"  - name: notify\n"
		"    repository: '**'\n"
		"    url: http://127.0.0.1:8090/hook?secret=s3cret\n", &errs);
	set = rule_load(conf, &errs);
	assert_non_null(set);
	assert_int_equal(errs.list.n, 0);
	conf_free(conf); /* nothing of it is kept */
	assert_int_equal(set->n, ARRAY_LEN(want));
	for (size_t i = 0; i < set->n; i++) {
		strbuf_truncate(&text, 0);
		rule_describe(&set->rules[i], &text);
		assert_string_equal(strbuf_cstr(&text), want[i]);
	}
	/* what is the same is kept once */
	assert_ptr_equal(set->rules[4].range, set->rules[5].range);
	assert_int_equal(set->n_lanes, 2);
	assert_string_equal(set->rules[0].target, "container web");
	assert_string_equal(set->rules[0].affinity, "local/container web");
	assert_string_equal(set->rules[6].affinity, "http/notify");
	assert_string_equal(set->rules[6].target, "url");
	second = ruleset_ref(set);
	ruleset_unref(set);
	assert_string_equal(second->rules[0].name, "web");
	ruleset_unref(second);
	ruleset_unref(NULL);
	strbuf_release(&text);
	opt_errors_release(&errs);
}

/* Every bad expression, each with its own line. */
static void test_bad_expressions(void **state)
{
	struct opt_errors errs = {0};
	char want[256];
	struct conf *conf;

	(void)state;
	conf = load_conf(ENGINE
		"triggers:\n"
		"  - name: web\n"
		"    repository: shop/web\n"
		"    expression: v(1\n"
		"    deploy: {container: web}\n"
		"  - name: api\n"
		"    deploy: {container: api}\n"
		"    repository: shop/api\n"
		"    expression: release\n"
		"  - name: worker\n"
		"    repository: shop/worker\n"
		"    deploy: {container: worker}\n"
		"    expression: '*'\n", &errs);
	assert_null(rule_load(conf, &errs));
	assert_int_equal(errs.list.n, 2);
	snprintf(want, sizeof(want), "%s:6: expression: missing closing "
		"parenthesis at byte 3 of `v(1`", path);
	assert_string_equal(errs.list.v[0], want);
	snprintf(want, sizeof(want), "%s:15: expression: quantifier does not "
		"follow a repeatable item at byte 0 of `*`", path);
	assert_string_equal(errs.list.v[1], want);
	opt_errors_release(&errs);
	conf_free(conf);
}

/* With faults of other kinds in the file: all at once, in its order. */
static void test_among_other_faults(void **state)
{
	static const char *const want[] = {":4: ", ":6: expression: missing",
		":7: ", ":11: expression: quantifier"};
	struct opt_errors errs = {0};
	FILE *f = fopen(path, "w");

	(void)state;
	assert_non_null(f);
	fputs("triggers:\n"
	      "  - name: web\n"
	      "    repository: shop/web\n"
	      "    colour: blue\n"
	      "    url: http://127.0.0.1:8090/x\n"
	      "    expression: v(1\n"
	      "  - repository: shop/api\n"
	      "    url: http://127.0.0.1:8090/x\n"
	      "  - name: worker\n"
	      "    repository: shop/worker\n"
	      "    expression: '*'\n"
	      "    url: http://127.0.0.1:8090/x\n", f);
	assert_int_equal(fclose(f), 0);
	assert_null(conf_load_checked(path, rule_check, &errs));
	for (size_t i = 0; i < errs.list.n; i++) {
		if (i < ARRAY_LEN(want) &&
			strstr(errs.list.v[i], want[i]) != NULL)
			continue;
		fail_msg("%s", errs.list.v[i]);
	}
	assert_int_equal(errs.list.n, ARRAY_LEN(want));
	opt_errors_release(&errs);
}

static void test_none(void **state)
{
	struct opt_errors errs = {0};
	struct conf *conf = load_conf("triggers: []\n", &errs);
	struct ruleset *set = rule_load(conf, &errs);

	(void)state;
	assert_non_null(set);
	assert_int_equal(set->n, 0);
	ruleset_unref(set);
	conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad_expressions),
		cmocka_unit_test(test_among_other_faults),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests_name("rule_load", tests, setup, teardown);
}
