#include "deployer/docker/docker_compose.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define L(key) "\"com.docker.compose." key "\":"
#define LABELS(more) "{\"Config\":{\"Labels\":{" L("project") "\"shop\"," \
	L("service") "\"web\"" more "}}}"
#define FOLDER "," L("project.working_dir") "\"/p\""
#define FILES(list) "," L("project.config_files") "\"" list "\""
#define ENV(list) "," L("project.environment_file") "\"" list "\""

/* NULL: what is missing is told. Else the files, then the env files. */
static const struct {
	const char *container, *paths;
} cases[] = {
	{LABELS(FOLDER FILES("/p/a.yml")), "/p/a.yml;"},
	{LABELS(FOLDER FILES("/p/a.yml,b.yml")), "/p/a.yml /p/b.yml;"},
	{LABELS(FOLDER FILES("/p/a.yml") ENV("/x/a.env")),
		"/p/a.yml; /x/a.env"},
	{LABELS(FOLDER FILES("/p/a.yml") ENV("/x/a.env,b.env,/c.env")),
		"/p/a.yml; /x/a.env /p/b.env /c.env"},
	{LABELS(FOLDER FILES("/p/a.yml") ENV("")), "/p/a.yml;"},
	{LABELS(FOLDER FILES("")), NULL},
	{LABELS(FOLDER), NULL},
	{LABELS(FILES("/p/a.yml")), NULL},
	{"{}", NULL},
};

static void test_labels(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json *j =
			json_parse(str_from(cases[i].container), NULL, NULL);
		struct strbuf got = {0};
		struct docker_compose c;
		struct err err = {0};

		assert_non_null(j);
		if (docker_compose_from_labels(j, &c, &err) != 0) {
			assert_null(cases[i].paths);
			assert_string_equal(err.text,
				"its labels do not say where its files are");
		} else {
			assert_string_equal(c.project, "shop");
			assert_string_equal(c.service, "web");
			for (size_t k = 0; k < c.files.n; k++)
				strbuf_addf(&got, "%s%s", k > 0 ? " " : "",
					c.files.v[k]);
			strbuf_add_cstr(&got, ";");
			for (size_t k = 0; k < c.env_files.n; k++)
				strbuf_addf(&got, " %s", c.env_files.v[k]);
			assert_non_null(cases[i].paths);
			assert_string_equal(strbuf_cstr(&got), cases[i].paths);
			docker_compose_release(&c);
		}
		strbuf_release(&got);
		json_free(j);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_labels)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
