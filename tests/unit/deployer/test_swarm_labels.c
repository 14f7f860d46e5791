#include "deployer/swarm/swarm_labels.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define S(labels, image) \
	"{\"ID\":\"x\",\"Spec\":{\"Name\":\"shop_web\",\"Labels\":" labels "," \
	"\"TaskTemplate\":{\"ContainerSpec\":{\"Image\":\"" image "\"}}," \
	"\"Mode\":{\"Global\":{}}}}"
#define ON "\"pullwire.enable\":\"true\""

static const struct {
	const char *service;
	const char *want;  /* NULL: none */
	const char *fault; /* part of it; NULL: none */
} cases[] = {
	{S("{" ON "}", "r.example.com/shop/web:v1@sha256:0"),
		"{\"from\":\"service shop_web\",\"name\":\"shop_web\","
		"\"repository\":\"r.example.com/shop/web\",\"deploy\":{"
		"\"service\":\"shop_web\"},\"labels\":{}}", NULL},
	{S("{" ON ",\"pullwire.trigger\":\"w\",\"pullwire.tags\":\"a\","
	   "\"pullwire.same-tag-only\":\"true\","
	   "\"com.docker.stack.namespace\":\"shop\"}", "web"),
		"{\"from\":\"service shop_web\",\"name\":\"w\",\"repository\":"
		"\"web\",\"deploy\":{\"service\":\"shop_web\"},\"labels\":{"
		"\"tags\":\"a\",\"same_tag_only\":\"true\"}}", NULL},
	/* Watchtower's mean nothing on services. */
	{S("{\"com.centurylinklabs.watchtower.enable\":\"true\"}", "web"), NULL,
		NULL},
	{S("{\"pullwire.enable\":\"false\"}", "web"), NULL, NULL},
	{S("{\"pullwire.enable\":\"yes\"}", "web"), NULL,
		"service shop_web: label pullwire.enable is `yes`"},
	{S("null", "web"), NULL, NULL},
	{"{\"ID\":\"x\",\"Spec\":{\"Name\":\"clean\",\"Labels\":{" ON "},"
	 "\"TaskTemplate\":{\"ContainerSpec\":{\"Image\":\"web\"}},\"Mode\":{"
	 "\"ReplicatedJob\":{}}}}", NULL,
		"service clean: its labels are not looked at: service clean is "
		"a job"},
	{"{\"ID\":\"x\",\"Spec\":{\"Name\":\"plug\",\"Labels\":{" ON "},"
	 "\"TaskTemplate\":{\"PluginSpec\":{}},\"Mode\":{\"Global\":{}}}}",
		NULL, "service plug: its labels are not looked at"},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = {0};
		struct json *s = json_parse(
			str_from(cases[i].service), NULL, &err);
		struct opt_errors faults = {0};
		struct strbuf got = {0};
		struct json *t;

		if (!s)
			fail_msg("case %zu: %s", i, err.text);
		t = swarm_labels_trigger(s, &faults);
		if (t)
			json_write(t, &got);
		if (strcmp(strbuf_cstr(&got),
			    cases[i].want ? cases[i].want : "") != 0)
			fail_msg("case %zu: %s", i, strbuf_cstr(&got));
		assert_int_equal(faults.list.n, cases[i].fault != NULL);
		if (cases[i].fault && !strstr(faults.list.v[0], cases[i].fault))
			fail_msg("case %zu: %s", i, faults.list.v[0]);
		strbuf_release(&got);
		opt_errors_release(&faults);
		json_free(t);
		json_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests_name("swarm_labels", tests, NULL, NULL);
}
