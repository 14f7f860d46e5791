#include "deployer/docker/docker_labels.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/mem.h"

#define C "\"Names\":[\"/web\"],\"Labels\":"
#define W "\"com.centurylinklabs.watchtower."
#define T "{\"from\":\"container web\",\"name\":\"web\",\"repository\":"
#define D ",\"deploy\":{\"container\":\"web\"},\"labels\":"

static const struct {
	const char *container, *image;
	bool watchtower;
	const char *want;  /* NULL: none */
	const char *fault; /* part of it; NULL: none */
} cases[] = {
	{"{" C "{\"pullwire.enable\":\"true\"}}", "shop/web:v1", false,
		T "\"shop/web\"" D "{}}", NULL},
	/* nothing without saying so */
	{"{" C "{\"pullwire.tags\":\"a\"}}", "shop/web", false, NULL, NULL},
	{"{" C "{\"pullwire.enable\":\"false\"}}", "shop/web", false, NULL,
		NULL},
	{"{" C "{\"pullwire.enable\":\"1\"}}", "shop/web", false, NULL,
		"container web: label pullwire.enable is `1`"},
	{"{" C "null}", "shop/web", false, NULL, NULL},
	{"{\"Names\":[\"/web\"]}", "shop/web", false, NULL, NULL},
	/* dashes; labels of a deploy and of others mean nothing here */
	{"{" C "{\"pullwire.enable\":\"true\",\"pullwire.min-age\":\"1h\","
	 "\"pullwire.deploy\":\"0123abcd\",\"pullwire.replaces\":\"x\","
	 "\"pullwire.was\":\"running\",\"other\":\"x\"}}",
		"r.example:5000/shop/web@sha256:0", false,
		T "\"r.example:5000/shop/web\"" D "{\"min_age\":\"1h\"}}", NULL},
	{"{" C "{\"pullwire.enable\":\"true\",\"pullwire.trigger\":\"w2\"}}",
		"nginx", false,
		"{\"from\":\"container web\",\"name\":\"w2\",\"repository\":"
		"\"nginx\"" D "{}}", NULL},
	/* under way: under the name it will have */
	{"{\"Names\":[\"/web.old-0123abcd\"],\"Labels\":"
	 "{\"pullwire.enable\":\"true\"}}", "a", false,
		T "\"a\"" D "{}}", NULL},
	/* Compose: the service; of one-off runs none */
	{"{\"Names\":[\"/p_s_2\"],\"Labels\":{\"pullwire.enable\":\"true\","
	 "\"com.docker.compose.project\":\"p\","
	 "\"com.docker.compose.service\":\"s\"}}", "a", false,
		"{\"from\":\"container p_s_2\",\"name\":\"p.s\","
		"\"repository\":\"a\",\"deploy\":{\"compose\":\"p/s\"},"
		"\"labels\":{}}", NULL},
	{"{" C "{\"pullwire.enable\":\"true\","
	 "\"com.docker.compose.oneoff\":\"True\"}}", "a", false, NULL, NULL},
	{"{" C "{\"pullwire.enable\":\"true\"}}", "sha256:0123", false, NULL,
		"an image without a name"},
	/* Watchtower's, where they are asked for; ours count */
	{"{" C "{\"com.centurylinklabs.watchtower.enable\":\"true\"}}", "a",
		false, NULL, NULL},
	{"{" C "{\"com.centurylinklabs.watchtower.enable\":\"true\","
	 "\"com.centurylinklabs.watchtower.monitor-only\":\"true\","
	 "\"com.centurylinklabs.watchtower.cooldown-delay\":\"24h\"}}", "a",
		true, T "\"a\"" D "{\"dry_run\":\"true\",\"min_age\":\"24h\"}}",
		NULL},
	{"{" C "{\"com.centurylinklabs.watchtower.enable\":\"true\","
	 "\"com.centurylinklabs.watchtower.lifecycle.pre-update\":\"a, b\","
	 "\"com.centurylinklabs.watchtower.lifecycle.pre-update-timeout\":"
	 "\"2\",\"com.centurylinklabs.watchtower.lifecycle.post-update\":"
	 "\"c\"}}", "a", true, T "\"a\"" D
		"{\"pre_hook\":[\"sh\",\"-c\",\"a, b\"],"
		"\"hook_timeout\":\"2m\","
		"\"post_hook\":[\"sh\",\"-c\",\"c\"]}}", NULL},
	{"{" C "{\"com.centurylinklabs.watchtower.enable\":\"true\","
	 "\"com.centurylinklabs.watchtower.stop-signal\":\"SIGHUP\"}}", "a",
		true, T "\"a\"" D "{\"stop_signal\":\"SIGHUP\"}}", NULL},
	{"{" C "{\"com.centurylinklabs.watchtower.enable\":\"true\","
	 "\"com.centurylinklabs.watchtower.stop-signal\":\"SIGHUP\","
	 "\"pullwire.stop-signal\":\"SIGINT\","
	 "\"pullwire.mac.back-end\":\"02:42:00:00:00:01\","
	 "\"pullwire.signal\":\"SIGHUP\"}}", "a",
		true, T "\"a\"" D "{\"stop_signal\":\"SIGINT\"}}", NULL},
	{"{" C "{" W "enable\":\"true\"," W "lifecycle.pre-check\":\"a\","
	 W "lifecycle.post-check\":\"b c\"," W "lifecycle.post-check-timeout"
	 "\":\"3\"," W "lifecycle.pre-check-timeout\":\"2\"}}", "a",
		true, T "\"a\"" D "{\"pre_check\":[\"sh\",\"-c\",\"a\"],"
		"\"post_check\":[\"sh\",\"-c\",\"b c\"],"
		"\"check_timeout\":\"3m\"}}", NULL},
	/* the longer of two, 0 is none; a word goes to the key's own check */
	{"{" C "{" W "enable\":\"true\"," W "lifecycle.pre-update-timeout\":"
	 "\"5\"," W "lifecycle.post-update-timeout\":\"2\"}}", "a",
		true, T "\"a\"" D "{\"hook_timeout\":\"5m\"}}", NULL},
	{"{" C "{" W "enable\":\"true\"," W "lifecycle.pre-update-timeout\":"
	 "\"0\"," W "lifecycle.post-update-timeout\":\"2\"}}", "a",
		true, T "\"a\"" D "{\"hook_timeout\":\"60m\"}}", NULL},
	{"{" C "{" W "enable\":\"true\"," W "lifecycle.pre-update-timeout\":"
	 "\"soon\"}}", "a",
		true, T "\"a\"" D "{\"hook_timeout\":\"soon\"}}", NULL},
	/* either way round */
	{"{" C "{" W "enable\":\"true\"," W "lifecycle.uid\":\"7\"," W
	 "lifecycle.gid\":\"8\"}}", "a",
		true, T "\"a\"" D "{\"hook_user\":\"7:8\"}}", NULL},
	{"{" C "{" W "enable\":\"true\"," W "lifecycle.gid\":\"8\"," W
	 "lifecycle.uid\":\"7\"}}", "a",
		true, T "\"a\"" D "{\"hook_user\":\"7:8\"}}", NULL},
	/* as Go reads a truth */
	{"{" C "{" W "enable\":\"True\"," W "monitor-only\":\"1\"}}", "a",
		true, T "\"a\"" D "{\"dry_run\":\"true\"}}", NULL},
	{"{" C "{" W "enable\":\"no\"}}", "a", true, NULL, NULL},
	/* of a Swarm's task: told, once a service; without a word no word */
	{"{" C "{\"pullwire.enable\":\"true\",\"com.docker.swarm.task.id\":"
	 "\"x\",\"com.docker.swarm.service.name\":\"shop_web\"}}", "a", false,
		NULL, "service shop_web: the labels of its containers mean "
		"nothing, its own do"},
	{"{" C "{\"com.docker.swarm.task.id\":\"x\"}}", "a", false, NULL, NULL},
	/* what there is nothing like here is told; no-pull is obeyed */
	{"{" C "{" W "enable\":\"true\"," W "scope\":\"x\"}}", "a",
		true, T "\"a\"" D "{}}", "container web: label com.centuryl"
		"inklabs.watchtower.scope has no meaning here"},
	{"{" C "{" W "enable\":\"true\"," W "depends-on\":\"x\"}}", "a",
		true, T "\"a\"" D "{}}", "container web: label com.centuryl"
		"inklabs.watchtower.depends-on has no meaning here"},
	{"{" C "{" W "enable\":\"true\"," W "no-pull\":\"true\"}}", "a",
		true, NULL, "watchtower.no-pull is true, and a redeploy here "
		"pulls"},
	{"{" C "{" W "no-pull\":\"true\",\"pullwire.enable\":\"true\"}}", "a",
		true, T "\"a\"" D "{}}", NULL},
	{"{" C "{\"com.centurylinklabs.watchtower.enable\":\"true\","
	 "\"pullwire.enable\":\"false\"}}", "a", true, NULL, NULL},
	{"{" C "{\"com.centurylinklabs.watchtower.enable\":\"true\","
	 "\"com.centurylinklabs.watchtower.monitor-only\":\"true\","
	 "\"pullwire.dry-run\":\"false\"}}", "a", true,
		T "\"a\"" D "{\"dry_run\":\"false\"}}", NULL},
	{"{" C "{\"com.centurylinklabs.watchtower.monitor-only\":\"true\"}}",
		"a", true, NULL, NULL},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err;
		struct json *c = json_parse(
			str_from(cases[i].container), NULL, &err);
		struct opt_errors faults = {0};
		struct strbuf got = {0};
		struct json *t;

		assert_non_null(c);
		t = docker_labels_trigger(c, cases[i].image,
			cases[i].watchtower, &faults);
		if (t != NULL)
			json_write(t, &got);
		if (strcmp(strbuf_cstr(&got),
			    cases[i].want != NULL ? cases[i].want : "") != 0)
			fail_msg("case %zu: %s", i, strbuf_cstr(&got));
		assert_int_equal(faults.list.n, cases[i].fault != NULL);
		if (cases[i].fault != NULL &&
			strstr(faults.list.v[0], cases[i].fault) == NULL)
			fail_msg("case %zu: %s", i, faults.list.v[0]);
		strbuf_release(&got);
		opt_errors_release(&faults);
		json_free(t);
		json_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests_name("docker_labels", tests, NULL, NULL);
}
