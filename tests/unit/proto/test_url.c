#include "proto/data/url.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void accepted(void **state)
{
	static const struct {
		const char *text, *host, *path;
		bool https, ipv6;
		int port;
	} cases[] = {
		{"http://Example.com", "example.com", "/", false, false, 80},
		{"HTTPS://example.com/a?b=c", "example.com", "/a?b=c", true,
			false, 443},
		{"http://h:8080?x", "h", "?x", false, false, 8080},
		{"http://[::1]:1025/", "::1", "/", false, true, 1025},
		{"http://127.0.0.1/", "127.0.0.1", "/", false, false, 80},
		{"http://xn--bcher-kva.example/", "xn--bcher-kva.example", "/",
			false, false, 80},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = {0};
		struct url u;

		if (url_parse(str_from(cases[i].text), &u, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_string_equal(u.host, cases[i].host);
		assert_true(str_is(u.path_query, cases[i].path));
		assert_int_equal(u.https, cases[i].https);
		assert_int_equal(u.ipv6, cases[i].ipv6);
		assert_int_equal(u.port, cases[i].port);
	}
}

static void refused(void **state)
{
	static const char *const cases[] = {
		"", "example.com", "ftp://h/", "http:/h", "http://",
		"http://:80/", "http://user@h/", "http://u:p@h/",
		"http://h/#f", "http://h h/", "http://h/\r\n", "http://h\\@x/",
		"http://h:0/", "http://h:65536/", "http://h:/", "http://h:+80/",
		"http://h:80x/", "http://[::1/", "http://[::g]/",
		"http://[::1]x/", "http://b\xc3\xbc/", "http://h%2f/",
		"file:///etc/passwd", "gopher://h/",
	};
	struct strbuf longer = {0};
	struct err err = {0};
	struct url u;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (url_parse(str_from(cases[i]), &u, &err) == 0)
			fail_msg("accepted: %s", cases[i]);
	strbuf_add_cstr(&longer, "http://h/");
	while (longer.len <= URL_MAX)
		strbuf_add_char(&longer, 'a');
	assert_int_equal(url_parse(strbuf_str(&longer), &u, &err), -1);
	strbuf_release(&longer);
}

/* Every port of both schemes, against the list as the consoles print it. */
static void all_ports(void **state)
{
	int allowed = 0;

	(void)state;
	for (int port = 1; port <= 65535; port++) {
		bool listed = port == 80 || port == 21 || port == 443 ||
			port == 70 || port == 210 || port == 280 ||
			port == 488 || port == 591 || port == 777 ||
			(port >= 1025 && port <= 65535);
		struct url http = {.port = port};
		struct url https = {.https = true, .port = port};
		struct err err = {0};

		assert_int_equal(url_policy(&http, &err), listed ? 0 : -1);
		assert_int_equal(
			url_policy(&https, &err), port == 443 ? 0 : -1);
		allowed += listed;
	}
	assert_int_equal(allowed, 9 + 65535 - 1024);
}

static void the_sentence_tells_what_to_do(void **state)
{
	struct err err = {0};
	struct url u;

	(void)state;
	assert_int_equal(url_parse(STR("https://host:8443/"), &u, &err), 0);
	assert_int_equal(url_policy(&u, &err), -1);
	assert_string_equal(err.text,
		"https is sent to port 443 only, not 8443: put the service on "
		"443, or use an http URL for other ports");
}

static void redaction(void **state)
{
	static const char *const cases[][2] = {
		{"http://h/p", "http://h/p"},
		{"http://h/p?a=b&secret=xyz&c", "http://h/p?a=***&secret=***&***"},
		{"http://h?=x", "http://h?=***"},
		{"http://h?", "http://h?"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct strbuf out = {0};

		url_redact(str_from(cases[i][0]), &out);
		assert_string_equal(strbuf_cstr(&out), cases[i][1]);
		strbuf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted),
		cmocka_unit_test(refused),
		cmocka_unit_test(all_ports),
		cmocka_unit_test(the_sentence_tells_what_to_do),
		cmocka_unit_test(redaction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
