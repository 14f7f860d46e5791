#include "deployer/docker/docker_swap.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "deployer/docker/docker_spec.h"
#include "proto/base/mem.h"

#define OLD_ID \
	"01d0000000000000000000000000000000000000000000000000000000000000"

static const struct {
	const char *name, *kind, *base; /* base NULL: is none */
} aliases[] = {
	{"web.old-1a2b3c4d", "old", "web"},
	{"web.old-1a2b3c4d", NULL, "web"},
	{"web.new-1a2b3c4d", "old", NULL},
	{"a.b.failed-00000000", NULL, "a.b"},
	{"web.old-1a2b3c4", NULL, NULL},
	{"web.old-1a2b3c4dd", NULL, NULL},
	{"web.old-1a2b3c4g", NULL, NULL},
	{"web-old-1a2b3c4d", NULL, NULL},
	{".old-1a2b3c4d", NULL, NULL},
	{"web.older-1a2b3c4d", NULL, NULL},
	{"", NULL, NULL},
};

static void test_alias(void **state)
{
	struct str base;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		bool is = docker_swap_is_alias(
			str_from(aliases[i].name), aliases[i].kind, &base);

		if (is != (aliases[i].base != NULL) ||
			(is && !str_is(base, aliases[i].base)))
			fail_msg("%s", aliases[i].name);
	}
}

static struct docker_swap sample(void)
{
	char did[DOCKER_DID_LEN];

	return (struct docker_swap){
		.did = xstrdup(docker_swap_did("event/web", did)),
		.name = xstrdup("web"),
		.old_id = xstrdup(OLD_ID),
		.was = xstrdup("running"),
		.policy = xstrdup("{\"Name\":\"always\"}"),
	};
}

static void check_same(const struct docker_swap *a, const struct docker_swap *b)
{
	assert_string_equal(a->did, b->did);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->old_id, b->old_id);
	assert_string_equal(a->was, b->was);
	assert_string_equal(a->policy, b->policy);
}

static void test_journal(void **state)
{
	struct docker_swap a = sample(), b;
	struct json *j;

	(void)state;
	a.signal = xstrdup("SIGINT");
	a.told = xstrdup("yes");
	a.rebirth = json_new_object();
	json_set_str(a.rebirth, "platform", "");
	j = docker_swap_to_json(&a);
	assert_int_equal(docker_swap_from_json(j, &b), 0);
	check_same(&a, &b);
	assert_string_equal(b.signal, "SIGINT");
	assert_string_equal(b.told, "yes");
	assert_null(b.new_id);
	assert_null(b.image);
	assert_true(json_equal(a.rebirth, b.rebirth));
	docker_swap_release(&b);
	json_del(j, "policy");
	assert_int_equal(docker_swap_from_json(j, &b), -1);
	assert_null(b.name);
	json_free(j);
	docker_swap_release(&a);
}

static void test_labels(void **state)
{
	struct docker_swap a = sample(), b;
	struct json *c = json_new_object(), *config = json_new_object();

	(void)state;
	a.signal = xstrdup("SIGRTMIN+3");
	a.told = xstrdup("yes");
	json_set_str(c, "Id", "n3w");
	json_set(config, "Labels", docker_swap_labels(&a));
	json_set(c, "Config", config);
	assert_int_equal(docker_swap_from_labels(c, &b), 0);
	check_same(&a, &b);
	assert_string_equal(b.new_id, "n3w");
	assert_string_equal(b.signal, "SIGRTMIN+3");
	assert_null(b.told); /* that is the journal's alone */
	docker_swap_release(&b);
	/* An image may have labels too: a name is not taken from there. */
	json_del(json_get(config, "Labels"), DOCKER_LABEL_REPLACES);
	json_set_str(json_get(config, "Labels"), DOCKER_LABEL_REPLACES, "db");
	assert_int_equal(docker_swap_from_labels(c, &b), -1);
	assert_null(b.old_id);
	json_del(json_get(config, "Labels"), DOCKER_LABEL_REPLACES);
	assert_int_equal(docker_swap_from_labels(c, &b), -1);
	json_free(c);
	docker_swap_release(&a);
}

static void test_did(void **state)
{
	char a[DOCKER_DID_LEN], b[DOCKER_DID_LEN];

	(void)state;
	assert_int_equal(strlen(docker_swap_did("event/web", a)), 8);
	/* The same job has the same each time, another one another. */
	assert_string_equal(docker_swap_did("event/web", b), a);
	assert_string_not_equal(docker_swap_did("event/db", b), a);
}

static const struct {
	const char *container, *name;
	bool started;
} looks[] = {
	{"{\"Name\":\"/web\",\"State\":{\"StartedAt\":\"0001-01-01T00:00:00Z\"}}",
		"web", false},
	{"{\"Names\":[\"/a/b\",\"/web\"],\"State\":{\"StartedAt\":"
	 "\"2026-11-23T12:00:00Z\"}}", "web", true},
	{"{}", "", false},
};

static void test_look(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		struct json *c =
			json_parse(str_from(looks[i].container), NULL, NULL);

		assert_string_equal(docker_swap_name(c), looks[i].name);
		assert_int_equal(docker_swap_started(c), looks[i].started);
		json_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_did),
		cmocka_unit_test(test_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
