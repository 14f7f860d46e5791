#include "deployer/docker/docker_fit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PUSHED "r.example.com/shop/web:v2"
#define PLAIN {.force = false}

static char named[] = "web", whole[] = "shop/web", glob[] = "shop/*";

static const struct {
	const char *what, *now; /* Config.Image */
	const char *image;      /* inspected */
	struct conf_deploy deploy;
	const char *repository, *pushed;
	const char *reason; /* NULL: it fits */
} rows[] = {
	{"another tag", "r.example.com/shop/web:v1", "{}", PLAIN, whole, PUSHED,
		NULL},
	{"no tag", "r.example.com/shop/web", "{}", PLAIN, whole, PUSHED, NULL},
	{"another repository, by its full name", "nginx:1", "{}", PLAIN, whole,
		PUSHED, NULL},
	{"another repository, by a glob", "shop/db:1", "{}", PLAIN, glob, PUSHED,
		"another repository"},
	{"a glob, another name of the registry", "r:5000/shop/web:v1", "{}",
		PLAIN, glob, PUSHED, NULL},
	{"a digest, of a service", "r.example.com/shop/web@sha256:" ID, "{}",
		PLAIN, whole, PUSHED, "is pinned to"},
	{"a digest, of a named container",
		"r.example.com/shop/web:v1@sha256:" ID, "{}",
		{.container = named}, whole, PUSHED, NULL},
	{"a digest, named, skip", "r.example.com/shop/web@sha256:" ID, "{}",
		{.container = named, .pinned = PINNED_SKIP}, whole, PUSHED,
		"is pinned to"},
	{"a digest, of a service, replace", "shop/web@sha256:" ID, "{}",
		{.pinned = PINNED_REPLACE}, whole, PUSHED, NULL},
	{"an id", "sha256:" ID, "{\"RepoTags\":[\"other:1\"]}", PLAIN, whole,
		PUSHED, "is pinned to"},
	{"a cut id", "0123456789ab", "{}", PLAIN, whole, PUSHED, "is pinned to"},
	{"an id of the repository", "sha256:" ID,
		"{\"RepoTags\":[\"r.example.com/shop/web:v1\"]}", PLAIN, whole,
		PUSHED, NULL},
	{"an id known by digest", "sha256:" ID,
		"{\"RepoDigests\":[\"r.example.com/shop/web@sha256:" ID "\"]}",
		PLAIN, whole, PUSHED, NULL},
	{"a name that looks like an id", "feed", "{}", PLAIN, whole, PUSHED,
		NULL},
	{"same tag only, another", "shop/web:v1", "{}",
		{.same_tag_only = true}, whole, PUSHED, "same_tag_only"},
	{"same tag only, the same", "shop/web:v2", "{}",
		{.same_tag_only = true}, whole, PUSHED, NULL},
	{"same tag only, none is latest", "shop/web", "{}",
		{.same_tag_only = true}, whole, "shop/web:latest", NULL},
	{"a downgrade", "shop/web:2.0.0", "{}", {.no_downgrade = true}, whole,
		"shop/web:v1.9.9", "newer than v1.9.9"},
	{"an upgrade", "shop/web:1.9.9", "{}", {.no_downgrade = true}, whole,
		"shop/web:1.10.0", NULL},
	{"the same version", "shop/web:1.9.9", "{}", {.no_downgrade = true},
		whole, "shop/web:v1.9.9", NULL},
	{"a pre-release is lower", "shop/web:1.9.9", "{}",
		{.no_downgrade = true}, whole, "shop/web:1.9.9-rc.1",
		"newer than"},
	{"no versions", "shop/web:stable", "{}", {.no_downgrade = true}, whole,
		"shop/web:1.0.0", NULL},
	{"a downgrade that nobody minds", "shop/web:2.0.0", "{}", PLAIN, whole,
		"shop/web:1.0.0", NULL},
};

static void test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conf_trigger t = {.deploy = rows[i].deploy,
			.repository = (char *)rows[i].repository};
		struct json *c = json_new_object();
		struct json *config = json_new_object();
		struct docker_fit fit = {.trigger = &t,
			.reference = rows[i].pushed, .container = c};
		struct json *image =
			json_parse(str_from(rows[i].image), NULL, NULL);
		struct err err = {0};
		int rc;

		json_set_str(c, "Name", "/web");
		json_set_str(config, "Image", rows[i].now);
		json_set(c, "Config", config);
		fit.image = image;
		rc = docker_fit_check(&fit, &err);
		if ((rc == 0) != (rows[i].reason == NULL) ||
			(rc != 0 && !strstr(err.text, rows[i].reason)))
			fail_msg("%s: %d, %s", rows[i].what, rc, err.text);
		json_free(image);
		json_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_check)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
