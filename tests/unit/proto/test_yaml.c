#include "proto/data/yaml.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void every_node_knows_its_line(void **state)
{
	const char *text = "sources:\n"
			   "  - name: a\n"
			   "    registry: \"null\"\n"
			   "\n"
			   "engines: []\n";
	struct err err = {0};
	struct yaml *root = yaml_parse(str_from(text), "f.yml", &err);
	struct yaml *source;

	(void)state;
	assert_non_null(root);
	source = yaml_get(root, "sources")->first;
	assert_int_equal(source->kind, YAML_MAP);
	assert_int_equal(source->line, 2);
	assert_int_equal(yaml_get(source, "registry")->key_line, 3);
	assert_string_equal(yaml_get(source, "registry")->scalar, "null");
	assert_true(yaml_get(source, "registry")->quoted);
	assert_false(yaml_get(source, "name")->quoted);
	assert_int_equal(yaml_get(root, "engines")->kind, YAML_LIST);
	assert_int_equal(yaml_get(root, "engines")->key_line, 5);
	assert_null(yaml_get(root, "nothing"));
	yaml_tree_free(root);
}

static void json_is_a_subset(void **state)
{
	struct err err = {0};
	struct yaml *root = yaml_parse(
		str_from("{\"a\": [1, {\"b\": true}]}"), "f.json", &err);

	(void)state;
	assert_non_null(root);
	assert_string_equal(yaml_get(root, "a")->first->scalar, "1");
	yaml_tree_free(root);
}

static void empty_is_an_empty_map(void **state)
{
	static const char *const texts[] = {"", "# nothing\n", "---\n", "{}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct err err = {0};
		struct yaml *root =
			yaml_parse(str_from(texts[i]), "f.yml", &err);

		assert_non_null(root);
		assert_int_equal(root->kind, YAML_MAP);
		assert_null(root->first);
		yaml_tree_free(root);
	}
}

static void faults_name_file_and_line(void **state)
{
	static const struct {
		const char *text, *start, *word;
	} cases[] = {
		{"a: 1\nb: [1, 2\n", "f.yml:3: ", "flow sequence"},
		{"a: 1\na: 2\n", "f.yml:2: ", "already in line 1"},
		{"a: &x 1\n", "f.yml:1: ", "anchors"},
		{"a: 1\nb: *x\n", "f.yml:2: ", "aliases"},
		{"a: !!str 1\n", "f.yml:1: ", "tags"},
		{"? [1]\n: 2\n", "f.yml:1: ", "plain text"},
		{"a: 1\n---\nb: 2\n", "f.yml:2: ", "second document"},
		{"a: \"x\\0y\"\n", "f.yml:1: ", "NUL"},
		{"\ta: 1\n", "f.yml:1: ", ""},
		{"a: \xff\n", "f.yml: byte 3", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = {0};

		if (yaml_parse(str_from(cases[i].text), "f.yml", &err))
			fail_msg("accepted: %s", cases[i].text);
		if (strncmp(err.text, cases[i].start,
			    strlen(cases[i].start)) != 0 ||
			!strstr(err.text, cases[i].word))
			fail_msg("case %zu: %s", i, err.text);
	}
}

static void depth_is_bounded(void **state)
{
	struct strbuf text = {0};
	struct err err = {0};

	(void)state;
	for (int i = 0; i < 100000; i++)
		strbuf_add_char(&text, '[');
	assert_null(yaml_parse(strbuf_str(&text), "f.yml", &err));
	strbuf_release(&text);
}

static void a_missing_file_is_named(void **state)
{
	struct err err = {0};

	(void)state;
	assert_null(yaml_load("/nonexistent/p.yml", &err));
	assert_string_equal(err.text,
		"/nonexistent/p.yml: cannot be read: No such file or "
		"directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_node_knows_its_line),
		cmocka_unit_test(json_is_a_subset),
		cmocka_unit_test(empty_is_an_empty_map),
		cmocka_unit_test(faults_name_file_and_line),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(a_missing_file_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
