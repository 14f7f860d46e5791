#include "deployer/swarm/swarm_spec.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/deployer/json_rig.h"

#define A "sha256:00000000000000000000000000000000000000000000000000000000000000aa"
#define B "sha256:00000000000000000000000000000000000000000000000000000000000000bb"
#define PUSHED "r.example.com/shop/web:v2"
#define SPEC(image, more) \
	"{\"Name\":\"web\",\"Labels\":{\"team\":\"x\"" more "}," \
	"\"TaskTemplate\":{\"ContainerSpec\":{\"Image\":\"" image "\"," \
	"\"Secrets\":[{\"SecretID\":\"s\"}],\"Unknown\":{\"Big\":" \
	"18446744073709551615}},\"ForceUpdate\":3,\"Runtime\":\"container\"}," \
	"\"Mode\":{\"Replicated\":{\"Replicas\":2}},\"UpdateConfig\":{" \
	"\"Parallelism\":2,\"MaxFailureRatio\":0.25}}"
#define STACK(image) ",\"com.docker.stack.image\":\"" image "\""

/* ---- the Spec with the image ------------------------------------------------ */

static const struct {
	const char *what, *spec, *reference, *digest, *label, *image;
	bool anew;
} edits[] = {
	{"another tag", SPEC("r.example.com/shop/web:v1@" A, ""), PUSHED, B, NULL,
		PUSHED "@" B, false},
	{"no digest known", SPEC("shop/web:v1", ""), PUSHED, "", NULL, PUSHED,
		false},
	{"a stack, the same tag", SPEC("r.example.com/shop/web:v2@" A,
		STACK("r.example.com/shop/web:v2")), PUSHED, B,
		"r.example.com/shop/web:v2", PUSHED "@" B, false},
	{"a stack, another tag", SPEC("r.example.com/shop/web:v1@" A,
		STACK("r.example.com/shop/web:v1")), PUSHED, B, PUSHED,
		PUSHED "@" B, false},
	{"a stack, another repository", SPEC("shop/web:v2@" A,
		STACK("shop/web:v2")), PUSHED, B, PUSHED, PUSHED "@" B, false},
	{"a stack, no tag is latest", SPEC("nginx@" A, STACK("nginx")),
		"library/nginx:latest", B, "nginx", "library/nginx:latest@" B,
		false},
	{"made anew", SPEC(PUSHED "@" B, ""), PUSHED, B, NULL, PUSHED "@" B,
		true},
};

static void test_next(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
		struct json *spec = parse(edits[i].spec);
		struct json *next = swarm_spec_next(spec, edits[i].reference,
			edits[i].digest, edits[i].anew ? 4 : 3);
		const char *label = json_str(json_get(json_get(next, "Labels"),
			"com.docker.stack.image"));

		if (strcmp(swarm_spec_image(next), edits[i].image) != 0)
			fail_msg("%s: %s", edits[i].what, swarm_spec_image(next));
		if (!label != !edits[i].label ||
			(label && strcmp(label, edits[i].label) != 0))
			fail_msg("%s: label %s", edits[i].what,
				label ? label : "none");
		if (json_i64(json_path(next, "TaskTemplate.ForceUpdate"), 0) !=
			(edits[i].anew ? 4 : 3))
			fail_msg("%s: ForceUpdate", edits[i].what);
		/* All else is as it was. */
		json_set_str(json_path(next, "TaskTemplate.ContainerSpec"),
			"Image", swarm_spec_image(spec));
		json_set_i64(json_get(next, "TaskTemplate"), "ForceUpdate", 3);
		if (label)
			json_set(json_get(next, "Labels"),
				"com.docker.stack.image", json_copy(json_get(
					json_get(spec, "Labels"),
					"com.docker.stack.image")));
		if (!json_equal(spec, next))
			fail_msg("%s: something else changed", edits[i].what);
		json_free(spec);
		json_free(next);
	}
}

static void test_digest(void **state)
{
	struct json *pinned = parse(SPEC("shop/web:v1@" A, ""));
	struct json *plain = parse(SPEC("shop/web:v1", ""));
	struct strbuf ref = {0}, digest = {0};

	(void)state;
	assert_true(swarm_spec_has(pinned, A));
	assert_false(swarm_spec_has(pinned, B));
	assert_false(swarm_spec_has(pinned, ""));
	assert_false(swarm_spec_has(plain, A));
	assert_false(swarm_spec_has(NULL, A));
	swarm_spec_split(pinned, &ref, &digest);
	assert_string_equal(strbuf_cstr(&ref), "shop/web:v1");
	assert_string_equal(strbuf_cstr(&digest), A);
	strbuf_truncate(&ref, 0);
	strbuf_truncate(&digest, 0);
	swarm_spec_split(plain, &ref, &digest);
	assert_string_equal(strbuf_cstr(&ref), "shop/web:v1");
	assert_int_equal(digest.len, 0);
	strbuf_release(&ref);
	strbuf_release(&digest);
	json_free(pinned);
	json_free(plain);
}

/* ---- may it, does it fit ---------------------------------------------------- */

static char web[] = "web", whole[] = "shop/web", glob[] = "shop/*";

static const struct {
	const char *what, *spec;
	struct conf_deploy deploy;
	char *repository;
	const char *reason; /* NULL: it is updated */
} judged[] = {
	{"pinned by a client, with its tag", SPEC("r.example.com/shop/web:v1@" A,
		""), {.service = web}, whole, NULL},
	{"pinned by a client, skip", SPEC("r.example.com/shop/web:v1@" A, ""),
		{.service = web, .pinned = PINNED_SKIP}, whole, NULL},
	{"pinned on purpose", SPEC("r.example.com/shop/web@" A, ""),
		{.service = web}, whole, NULL},
	{"pinned on purpose, skip", SPEC("r.example.com/shop/web@" A, ""),
		{.service = web, .pinned = PINNED_SKIP}, whole,
		"service web is pinned to r.example.com/shop/web@"},
	{"another repository, named", SPEC("nginx:1@" A, ""), {.service = web},
		whole, NULL},
	{"another repository, by a glob", SPEC("shop/db:1@" A, ""),
		{.service = web}, glob, "service web runs shop/db:1, another "
		"repository"},
	{"another tag", SPEC("r.example.com/shop/web:v1@" A, ""),
		{.service = web, .same_tag_only = true}, whole,
		"service web runs tag v1, not v2"},
	{"a downgrade", SPEC("r.example.com/shop/web:v2.1.0@" A, ""),
		{.service = web, .no_downgrade = true}, whole, NULL},
	{"a job", "{\"Name\":\"web\",\"Mode\":{\"ReplicatedJob\":{}},"
		"\"TaskTemplate\":{\"ContainerSpec\":{\"Image\":\"a\"}}}",
		{.service = web}, whole, "service web is a job"},
	{"a job on every node", "{\"Name\":\"web\",\"Mode\":{\"GlobalJob\":{}},"
		"\"TaskTemplate\":{\"ContainerSpec\":{\"Image\":\"a\"}}}",
		{.service = web}, whole, "is a job"},
	{"a plugin", "{\"Name\":\"web\",\"Mode\":{\"Global\":{}},"
		"\"TaskTemplate\":{\"PluginSpec\":{}}}", {.service = web}, whole,
		"no container image"},
	{"told to be left alone", SPEC("shop/web:v1",
		",\"pullwire.enable\":\"false\""), {.service = web}, whole,
		"pullwire.enable=false"},
};

static void test_judge(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(judged); i++) {
		struct json *spec = parse(judged[i].spec);
		const struct conf_trigger t = {.deploy = judged[i].deploy,
			.repository = judged[i].repository};
		struct err err = {0};
		int rc = swarm_spec_judge(spec, &err);

		if (rc == 0)
			rc = swarm_spec_fit(&t, PUSHED, spec, &err);
		if ((rc == 0) != (judged[i].reason == NULL) ||
			(rc != 0 && !strstr(err.text, judged[i].reason)))
			fail_msg("%s: %s", judged[i].what, err.text);
		json_free(spec);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_judge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
