#include "matcher/rule_index.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void find(const struct rule_index *ix, char *registry, char *repository,
	struct rule_list *out)
{
	struct event e = {.registry = registry, .repository = repository};

	rule_index_find(ix, &e, out);
}

static struct rule rules[] = {
	{.name = "0", .repository = "shop/web"},
	{.name = "1", .repository = "shop/*"},
	{.name = "2", .repository = "nginx"},
	{.name = "3", .repository = "**/web"},
	{.name = "4", .repository = "library/redis"},
	{.name = "5", .repository = "shop/web"},
	{.name = "6", .repository = "team/shop/web"},
	{.name = "7", .repository = "**"},
	{.name = "8", .repository = "shop/webapp"},
	{.name = "9", .repository = "reg.example.com:5000/shop/web"},
	{.name = "a", .repository = "docker.io/nginx"},
	{.name = "b", .repository = "docker.io/library/*"},
	{.name = "c", .repository = "*.example.com:5000/**"},
	{.name = "d", .repository = "localhost/shop/w*b"},
	{.name = "e", .repository = "*shop*"},
	{.name = "f", .repository = "sh*/webapp"},
};

static const struct {
	char *registry, *repository, *want;
} cases[] = {
	{NULL, "shop/web", "01357"},
	{NULL, "shop/worker", "17"},
	{NULL, "shop/webapp", "178f"},
	{NULL, "team/shop/web", "367"},
	{NULL, "a/b/c/web", "37"},
	{NULL, "shop/a/b", "7"},
	{NULL, "shop", "7e"},
	{NULL, "eshops", "7e"},
	{NULL, "nginx", "27"},
	{NULL, "library/nginx", "27"},
	{NULL, "redis", "47"},
	{NULL, "library/redis", "47"},
	{NULL, "other/redis", "7"},
	{NULL, "other/nginx", "7"},
	{NULL, "xshop/web", "37"},
	/* the registry that a push came from */
	{"reg.example.com:5000", "shop/web", "013579c"},
	{"reg.example.com", "shop/web", "01357"},
	{"localhost", "shop/web", "01357d"},
	{"docker.io", "nginx", "27ab"},
	{"index.docker.io", "library/nginx", "27ab"},
	{"registry-1.docker.io", "redis", "47b"},
	{"docker.io", "team/nginx", "7"},
	/* elsewhere library/ is a folder like any other */
	{"reg.example.com:5000", "library/nginx", "7c"},
	{"reg.example.com:5000", "nginx", "27c"},
	{"reg.example.com:5000", "library/redis", "47c"},
};

static void test_find(void **state)
{
	struct rule_index *ix = rule_index_new(rules, ARRAY_LEN(rules));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rule_list found = {0};
		char got[ARRAY_LEN(rules) + 1] = "";

		find(ix, cases[i].registry, cases[i].repository, &found);
		for (size_t k = 0; k < found.n; k++)
			got[k] = found.v[k]->name[0];
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: %s, not %s", cases[i].repository, got,
				cases[i].want);
		VEC_RELEASE(&found);
	}
	rule_index_free(ix);
}

static void test_empty(void **state)
{
	struct rule_index *ix = rule_index_new(NULL, 0);
	struct rule_list found = {0};

	(void)state;
	find(ix, NULL, (char[]){"shop/web"}, &found);
	assert_int_equal(found.n, 0);
	rule_index_free(ix);
	rule_index_free(NULL);
}

/* A thousand full names: the index agrees with asking each rule. */
static void test_many(void **state)
{
	static struct rule many[1000];
	static char names[1000][32];
	struct rule_index *ix;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		snprintf(names[i], sizeof(names[i]), "team%zu/app%zu", i % 37,
			i % 101);
		many[i].repository = names[i];
	}
	ix = rule_index_new(many, ARRAY_LEN(many));
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		struct rule_list found = {0};
		size_t n = 0;

		find(ix, NULL, names[i], &found);
		for (size_t k = 0; k < ARRAY_LEN(many); k++) {
			if (strcmp(names[i], names[k]) != 0)
				continue;
			assert_true(n < found.n);
			assert_ptr_equal(found.v[n++], &many[k]);
		}
		assert_int_equal(found.n, n);
		VEC_RELEASE(&found);
	}
	rule_index_free(ix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("rule_index", tests, NULL, NULL);
}
