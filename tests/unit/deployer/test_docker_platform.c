#include "deployer/docker/docker_platform.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *image;
	char *platforms[2];
	const char *why; /* NULL: it fits */
} cases[] = {
	{"{\"Os\":\"linux\",\"Architecture\":\"amd64\"}", {NULL}, NULL},
	{"{}", {NULL}, NULL},
	{"{\"Os\":\"linux\",\"Architecture\":\"amd64\"}",
		{"linux/amd64"}, NULL},
	{"{\"Os\":\"linux\",\"Architecture\":\"arm64\"}",
		{"linux/amd64", "linux/arm64"}, NULL},
	{"{\"Os\":\"linux\",\"Architecture\":\"arm\",\"Variant\":\"v7\"}",
		{"linux/arm"}, NULL},
	{"{\"Os\":\"linux\",\"Architecture\":\"arm\",\"Variant\":\"v7\"}",
		{"linux/arm/v7"}, NULL},
	{"{\"Os\":\"linux\",\"Architecture\":\"arm\",\"Variant\":\"v6\"}",
		{"linux/arm/v7"}, "the image is for linux/arm/v6, not for one "
		"of the trigger's platforms: `linux/arm/v7`"},
	{"{\"Os\":\"linux\",\"Architecture\":\"arm\"}",
		{"linux/arm/v7"}, "the image is for linux/arm, not"},
	{"{\"Os\":\"linux\",\"Architecture\":\"arm64\"}",
		{"linux/arm", "windows/arm64"}, "the image is for linux/arm64, "
		"not for one of the trigger's platforms: `linux/arm`, "
		"`windows/arm64`"},
	{"{}", {"linux/amd64"}, "the image is for an unknown platform"},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json *image =
			json_parse(str_from(cases[i].image), NULL, NULL);
		struct conf_trigger t = {.platforms = {
			.v = (char **)(uintptr_t)cases[i].platforms,
			.n = (size_t)(cases[i].platforms[0] != NULL) +
				(cases[i].platforms[1] != NULL)}};
		struct err err = {0};
		int rc = docker_platform_fits(image, &t, &err);

		if ((rc == 0) != (cases[i].why == NULL) ||
			(rc != 0 && strncmp(err.text, cases[i].why,
					    strlen(cases[i].why)) != 0))
			fail_msg("case %zu: %s", i, err.text);
		json_free(image);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};

	return cmocka_run_group_tests_name("docker_platform", tests, NULL,
		NULL);
}
