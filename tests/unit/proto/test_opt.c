#include "proto/data/opt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

struct inner {
	struct opt_where where;
	char *name;
	int64_t wait;
};

struct outer {
	struct opt_where where;
	char *text;
	bool flag;
	int64_t number, size;
	int word;
	struct opt_strs list;
	struct secret secret;
	struct opt_secrets secrets;
	struct inner inner;
	struct opt_list items;
};

static const char *const words[] = {"red", "green", NULL};

#define O(type_, m, t, ...) \
	{.key = #m, .type = (t), .offset = offsetof(type_, m), \
		.help = "Help.", __VA_ARGS__}

static const struct opt inner_opts[] = {
	O(struct inner, name, OPT_STR, .flags = OPT_REQUIRED),
	O(struct inner, wait, OPT_DURATION, .def = "5s", .min = 1000,
		.max = 60000),
};
static const struct opt_table inner_table = {
	"inner", "", sizeof(struct inner), inner_opts, ARRAY_LEN(inner_opts),
	NULL};
static const struct opt outer_opts[] = {
	O(struct outer, text, OPT_STR, .max = 10),
	O(struct outer, flag, OPT_BOOL, .def = "true"),
	O(struct outer, number, OPT_INT, .min = 1, .max = 9),
	O(struct outer, size, OPT_SIZE, .def = "256KiB"),
	O(struct outer, word, OPT_ENUM, .words = words),
	O(struct outer, list, OPT_STRS, .max = 3),
	O(struct outer, secret, OPT_SECRET, .def = NULL),
	O(struct outer, secrets, OPT_SECRETS, .def = NULL),
	O(struct outer, inner, OPT_SUB, .sub = &inner_table),
	O(struct outer, items, OPT_LIST, .sub = &inner_table),
};
static const struct opt_table outer_table = {
	"outer", "", sizeof(struct outer), outer_opts, ARRAY_LEN(outer_opts),
	NULL};

static bool read_text(const char *text, struct outer *out,
	struct opt_errors *errs)
{
	struct err err = {0};
	struct yaml *root = yaml_parse(str_from(text), "f", &err);
	bool ok;

	if (!root)
		fail_msg("%s", err.text);
	ok = opt_read(&outer_table, root, out, errs);
	yaml_tree_free(root);
	return ok;
}

static void values_and_defaults(void **state)
{
	struct outer o = {0};
	struct opt_errors errs = {0};

	(void)state;
	setenv("OPT_TEST", "from-env", 1);
	unsetenv("OPT_NONE");
	assert_true(read_text("text: ${OPT_TEST}\n"
			      "number: ${OPT_NONE:-7}\n"
			      "word: green\n"
			      "list: [a, b$$]\n"
			      "secret: s1\n"
			      "secrets: [s2, s3]\n"
			      "items:\n"
			      "  - name: x\n"
			      "  - name: y\n"
			      "    wait: 500ms\n",
			    &o, &errs) == false);
	assert_int_equal(errs.list.n, 1); /* 500ms is below the least */
	assert_string_equal(o.text, "from-env");
	assert_true(o.flag);
	assert_int_equal(o.number, 7);
	assert_int_equal(o.size, 256 * 1024);
	assert_int_equal(o.word, 1);
	assert_int_equal(o.list.n, 2);
	assert_string_equal(o.list.v[1], "b$");
	assert_true(secret_matches(&o.secret, STR("s1")));
	assert_int_equal(o.secrets.n, 2);
	assert_true(secret_matches(&o.secrets.v[1], STR("s3")));
	assert_int_equal(o.inner.wait, 5000); /* absent section: defaults */
	assert_int_equal(o.items.n, 2);
	assert_int_equal(((struct inner *)o.items.v)[0].wait, 5000);
	assert_int_equal(((struct inner *)o.items.v)[1].where.line, 9);
	opt_release(&outer_table, &o);
	opt_errors_release(&errs);
}

static void a_single_value_is_a_list_of_one(void **state)
{
	struct outer o = {0};
	struct opt_errors errs = {0};

	(void)state;
	assert_true(read_text("list: a\nsecrets: s\n", &o, &errs));
	assert_int_equal(o.list.n, 1);
	assert_int_equal(o.secrets.n, 1);
	opt_release(&outer_table, &o);
}

static void secrets_come_from_files(void **state)
{
	char path[] = "/tmp/pullwire-opt-XXXXXX", text[256];
	struct outer o = {0};
	struct opt_errors errs = {0};
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0 && write(fd, "from file\n", 10) == 10);
	close(fd);
	snprintf(text, sizeof(text), "secrets: one\nsecrets_file: %s\n", path);
	assert_true(read_text(text, &o, &errs));
	assert_int_equal(o.secrets.n, 2);
	assert_true(secret_matches(&o.secrets.v[1], STR("from file")));
	opt_release(&outer_table, &o);
	unlink(path);
}

/* Each case: the text, and what its one fault says. */
static void faults(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"txet: a\n",
			"f:1: unknown key `txet` in outer; did you mean "
			"`text`?"},
		{"\nzzzzzzzz: a\n", "f:2: unknown key `zzzzzzzz` in outer"},
		/* Two sections have it. */
		{"wait: 5s\n", "f:1: unknown key `wait` in outer"},
		{"text: 12345678901\n",
			"f:1: text: the value is longer than 10 bytes"},
		{"flag: maybe\n", "f:1: flag: `maybe` is not true or false"},
		{"number: 10\n", "f:1: number: `10` is not between 1 and 9"},
		{"number: 1x\n", "f:1: number: `1x` is not a whole number"},
		{"size: big\n",
			"f:1: size: `big` is not a size; write for example 512, "
			"256KiB or 1MiB"},
		{"word: gren\n",
			"f:1: word: `gren` is not one of red, green; did you "
			"mean `green`?"},
		{"list: [a, b, c, d]\n",
			"f:1: `list` has 4 entries; at most 3 are allowed"},
		{"list: []\n",
			"f:1: `list` is an empty list; leave the key out "
			"instead"},
		{"text: [a]\n", "f:1: `text` takes one value, not a list"},
		{"text: ${OPT_NONE}\n",
			"f:1: text: ${OPT_NONE} is not set in the environment; "
			"set it, or write ${OPT_NONE:-default}"},
		{"text: ${OPT\n",
			"f:1: text: `${` has no closing brace; write $$ for a "
			"dollar sign"},
		{"secret: ''\n",
			"f:1: secret: an empty secret would let everyone in"},
		{"inner: 3\n",
			"f:1: inner takes keys and values, such as `name: …`"},
		{"items:\n  - wait: 5s\n", "f:2: inner has no `name`: Help."},
		{"items: 3\n",
			"f:1: `items` takes a list: start each entry with a "
			"dash"},
		{"secret: a\nsecret_file: b\n", NULL},
	};

	(void)state;
	unsetenv("OPT_NONE");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct outer o = {0};
		struct opt_errors errs = {0};

		assert_false(read_text(cases[i].text, &o, &errs));
		if (cases[i].want) {
			assert_int_equal(errs.list.n, 1);
			assert_string_equal(errs.list.v[0], cases[i].want);
		}
		opt_release(&outer_table, &o);
		opt_errors_release(&errs);
	}
}

static void faults_sort_by_file_and_line(void **state)
{
	struct opt_errors errs = {0};

	(void)state;
	opt_error(&errs, "b.yml", 2, "x");
	opt_error(&errs, "a.yml", 10, "y: z");
	opt_error(&errs, "a.yml", 9, "y");
	opt_errors_sort(&errs);
	assert_string_equal(errs.list.v[0], "a.yml:9: y");
	assert_string_equal(errs.list.v[1], "a.yml:10: y: z");
	assert_string_equal(errs.list.v[2], "b.yml:2: x");
	opt_errors_release(&errs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_and_defaults),
		cmocka_unit_test(a_single_value_is_a_list_of_one),
		cmocka_unit_test(secrets_come_from_files),
		cmocka_unit_test(faults),
		cmocka_unit_test(faults_sort_by_file_and_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
