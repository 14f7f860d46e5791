#include "ingress/send.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_url(void **state)
{
	static const struct {
		const char *http, *token, *want;
	} cases[] = {
		{"0.0.0.0:8080", "", "http://127.0.0.1:8080/v1/webhooks/reg"},
		{"*:8080", "", "http://127.0.0.1:8080/v1/webhooks/reg"},
		{":8080", "", "http://127.0.0.1:8080/v1/webhooks/reg"},
		{"[::]:80", "", "http://[::1]:80/v1/webhooks/reg"},
		{"10.0.0.7:80", "t",
			"http://10.0.0.7:80/v1/webhooks/reg?token=t"},
		{"h:1", "a b&c=\xc3\xa4+~",
			"http://h:1/v1/webhooks/reg?token=a%20b%26c%3D%C3%A4"
			"%2B~"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct strbuf url = {0};

		send_url("http", cases[i].http, "reg", str_from(cases[i].token), &url);
		assert_string_equal(strbuf_cstr(&url), cases[i].want);
		strbuf_release(&url);
	}
}

static void test_split(void **state)
{
	static const struct {
		const char *text, *repository, *tag;
	} cases[] = {
		{"shop/web:v1", "shop/web", "v1"},
		{"host:5000/shop/web:v1", "host:5000/shop/web", "v1"},
		{"host:5000/shop/web", NULL, NULL},
		{"shop/web", NULL, NULL},
		{"shop/web:", NULL, NULL},
		{":v1", NULL, NULL},
		{"", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *tag = NULL;
		char text[64];

		snprintf(text, sizeof(text), "%s", cases[i].text);
		assert_int_equal(send_split(text, &tag),
			cases[i].tag ? 0 : -1);
		if (!cases[i].tag)
			continue;
		assert_string_equal(text, cases[i].repository);
		assert_string_equal(tag, cases[i].tag);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_split),
	};

	return cmocka_run_group_tests_name("send", tests, NULL, NULL);
}
