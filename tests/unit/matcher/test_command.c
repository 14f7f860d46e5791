#include "matcher/command.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *text, *repository, *tag; /* repository NULL: refused */
} cases[] = {
	{"shop/web:release-v2", "shop/web", "release-v2"},
	{"shop/web", "shop/web", "latest"},
	{"nginx:1.27", "nginx", "1.27"},
	{"localhost/shop/web:v1", "shop/web", "v1"},
	{"localhost:5000/shop/web:v1", "shop/web", "v1"},
	{"registry.example.com/web", "web", "latest"},
	{"registry.example.com:5000/a/b/c:V1_2", "a/b/c", "V1_2"},
	{"shop/web:v1@sha256:0123", "shop/web", "v1"},
	{"shop/web@sha256:0123", "shop/web", "latest"},
	{"", NULL, NULL},
	{":v1", NULL, NULL},
	{"Shop/web:v1", NULL, NULL},
	{"shop/web:", NULL, NULL},
	{"shop/web:-v1", NULL, NULL},
	{"shop/web:v1/x", NULL, NULL},
	{"shop/web:v 1", NULL, NULL},
	{"shop/*:v1", NULL, NULL},
};

static void test_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct event e = {0};
		struct err err = {0};
		int rc = command_reference(cases[i].text, &e, &err);

		if (cases[i].repository == NULL) {
			if (rc == 0)
				fail_msg("`%s` was taken", cases[i].text);
			assert_null(e.repository);
			assert_true(err.text[0] != '\0');
			continue;
		}
		if (rc < 0)
			fail_msg("`%s`: %s", cases[i].text, err.text);
		assert_string_equal(e.repository, cases[i].repository);
		assert_string_equal(e.tag, cases[i].tag);
		field_release(&event_table, &e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference),
	};

	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
