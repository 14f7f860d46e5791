/* Requests that are malformed, smuggled or too large: what becomes of each. */
#include "tests/unit/proto/http_server_rig.h"

static const struct {
	const char *p;
	size_t n;
	int status; /* 0: 400 or closed, and handled or not: a
		       newer library refuses such a line unheard */
	const char *text; /* NULL: the library answers alone */
} refused[] = {
	{BYTES(HEAD "Content-Length: 3\r\nTransfer-Encoding: chunked"
		    "\r\n\r\n0\r\n\r\n"), 400,
		"both Content-Length and Transfer-Encoding are given"},
	{BYTES(HEAD "Content-Length: 3\r\nContent-Length: 3\r\n\r\n"
		    "abc"), 400, "Content-Length is repeated"},
	{BYTES(HEAD "Content-Length: 3\r\nContent-Length: 4\r\n\r\n"
		    "abc"), 400, "Content-Length is repeated"},
	{BYTES(HEAD "Content-Length: 3, 3\r\n\r\nabc"), 400, ""},
	{BYTES(HEAD "Content-Length: +3\r\n\r\nabc"), 400, ""},
	{BYTES(HEAD "Content-Length: 0x3\r\n\r\nabc"), 400, ""},
	{BYTES(HEAD "Content-Length: -1\r\n\r\nabc"), 400, ""},
	{BYTES(HEAD "Content-Length:\r\n\r\n"), 400, ""},
	{BYTES(HEAD "Content-Length: 99999999999999999999\r\n\r\n"),
		413, ""},
	{BYTES(HEAD "Content-Length : 3\r\n\r\nabc"), 400,
		"a header's name is not a token"},
	{BYTES(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
		400, "a Transfer-Encoding other than chunked"},
	{BYTES(HEAD "Transfer-Encoding: identity\r\n\r\nabc"), 400,
		"a Transfer-Encoding other than chunked"},
	{BYTES(HEAD "Transfer-Encoding: chunked\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400,
		"Transfer-Encoding is repeated"},
	{BYTES(HEAD "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n"),
		400, "a header's value has a control byte"},
	{BYTES("POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
	       "0\r\n\r\n"), 400,
		"Transfer-Encoding does not go with HTTP/1.0"},
	{BYTES(HEAD "Content-Encoding: gzip\r\nContent-Length: 3\r\n"
		    "\r\nabc"), 415, "a body with a Content-Encoding"},
	{BYTES(HEAD "Host: b\r\n\r\n"), 400, "Host is repeated"},
	{BYTES(HEAD "X-Test: a\r\n b\r\nX: y\r\n\r\n"), 400,
		"the headers have a NUL"},
	{BYTES(HEAD "X: y\r\nX-Test: a\r\n\tb\r\n\r\n"), 400,
		"the headers have a NUL"},
	{BYTES("GET /x HTTP/1.1\r\n Host: a\r\nHost: b\r\n\r\n"), 400,
		""},
	{BYTES(HEAD "X-Test: a\0b\r\nX: y\r\n\r\n"), 400,
		"the headers have a NUL"},
	{BYTES(HEAD "X-Test: a\0b\r\n\r\n"), 400,
		"the headers have a NUL"},
	{BYTES(HEAD "X-Test: a\0\0b\r\n\r\n"), 400,
		"the headers have a NUL"},
	{BYTES(HEAD "X-Test: a\0\0\0\0b\r\n\r\n"), 400,
		"the headers have a NUL"},
	{BYTES(HEAD "X-Test: a\0\0\r\n\r\n"), 400,
		"the headers have a NUL"},
	{BYTES(HEAD "X\0Test: a\r\n\r\n"), 400, ""},
	{BYTES("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n"), 0,
		"the headers have a NUL"},
	{BYTES("GE\0T /a HTTP/1.1\r\nHost: a\r\n\r\n"), 0,
		"the headers have a NUL"},
	{BYTES(HEAD "X-Test: a\rb\r\n\r\n"), 400,
		"a header's value has a control byte"},
	{BYTES(HEAD "X-Test: a\rContent-Length: 3\r\n\r\n"), 400,
		"a header's value has a control byte"},
	{BYTES("GET /x HTTP/1.1\nHost: a\n\n"), 0,
		"the headers have a NUL"},
	{BYTES(HEAD "X: y\n\r\n"), 400, "the headers have a NUL"},
	{BYTES(HEAD "X: y\r\n\n"), 400, "the headers have a NUL"},
	{BYTES(HEAD "X-Test: \x01\r\n\r\n"), 400,
		"a header's value has a control byte"},
	{BYTES("GET  /x HTTP/1.1\r\nHost: a\r\n\r\n"), 0,
		"the headers have a NUL"},
	{BYTES("G(T /x HTTP/1.1\r\nHost: a\r\n\r\n"), 400,
		"the method is not a method"},
	{BYTES("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"), 400,
		"the target has a byte that must be percent-encoded"},
	{BYTES("GET /?k=%0g HTTP/1.1\r\nHost: a\r\n\r\n"), 400,
		"the query of the target is not well"},
	{BYTES("GET /?k=%00 HTTP/1.1\r\nHost: a\r\n\r\n"), 400,
		"the query of the target is not well"},
	{BYTES("GET /?k=%2 HTTP/1.1\r\nHost: a\r\n\r\n"), 400,
		"the query of the target is not well"},
	{BYTES("GET /x HTTP/1.1\r\n\r\n"), 400, ""},
	{BYTES(HEAD "no colon\r\n\r\n"), 400, ""},
	{BYTES(HEAD "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"), 400,
		""},
	{BYTES(HEAD "Transfer-Encoding: chunked\r\n\r\n"
		    "fffffffffffffffff\r\n"), 413, ""},
	{BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505, NULL},
};

static void test_refused(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		int before = t.handled;
		struct reply r;

		exchange(refused[i].p, refused[i].n, false, &r);
		if (refused[i].status == 0 ? r.status != 400 && !r.closed :
					   r.status != refused[i].status)
			fail_msg("case %zu: %d, %s", i, r.status, r.text);
		if (!refused[i].text ||
			(refused[i].status == 0 && t.handled == before))
			continue;
		/* Whoever answered, the handler has seen it. */
		if (!wait_handled(before + 1))
			fail_msg("case %zu is not handled", i);
		assert_int_equal(t.handled, before + 1);
		/* A newer library refuses some of these by itself. */
		if (t.fault == HTTP_OK ||
			(!strstr(t.text, refused[i].text) &&
				strcmp(t.text, "the request is malformed or "
					       "broke off") != 0))
			fail_msg("case %zu: fault %d, %s", i, t.fault, t.text);
	}
}

static void test_caps_of_the_head(void **state UNUSED)
{
	static const struct {
		size_t target, fields, field;
		int status;
		const char *text;
	} cases[] = {
		{4095, 0, 0, 200, ""}, {4096, 0, 0, 400, "the target is longer"},
		{9, 63, 9, 200, ""}, {9, 64, 9, 400, "the headers are more"},
		{9, 10, 1600, 200, ""}, {9, 10, 1700, 400, "the headers are"},
		{9, 1, 16300, 200, ""}, {9, 1, 17000, 400, "the headers are"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct strbuf b = {0};
		struct reply r;

		strbuf_add_cstr(&b, "GET /");
		for (size_t n = 0; n < cases[i].target; n++)
			strbuf_add_char(&b, 'a');
		strbuf_add_cstr(&b, " HTTP/1.1\r\nHost: a\r\n");
		for (size_t f = 0; f < cases[i].fields; f++) {
			strbuf_addf(&b, "F%zu: ", f);
			for (size_t n = 0; n < cases[i].field; n++)
				strbuf_add_char(&b, 'v');
			strbuf_add_cstr(&b, "\r\n");
		}
		strbuf_add_cstr(&b, "\r\n");
		exchange(b.buf, b.len, false, &r);
		strbuf_release(&b);
		if (r.status != cases[i].status)
			fail_msg("case %zu: %d %s", i, r.status, t.text);
		if (cases[i].status != 200)
			assert_non_null(strstr(t.text, cases[i].text));
	}
}

/* A client that sends all of it before it reads gets to read the answer. */
static void test_body_over_the_limit(void **state UNUSED)
{
	static const struct {
		size_t n;
		bool chunked;
		int status; /* 0: closed, but handled */
	} cases[] = {
		{MAX_BODY, false, 200}, {MAX_BODY + 1, false, 413},
		{MAX_BODY, true, 200}, {MAX_BODY + 1, true, 413},
		{(size_t)2 << 20, false, 413}, {(size_t)2 << 20, true, 413},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct strbuf b = {0};
		size_t left = cases[i].n;
		int before = t.handled;
		struct reply r;

		strbuf_add_cstr(&b, HEAD);
		if (cases[i].chunked)
			strbuf_add_cstr(&b, "Transfer-Encoding: chunked\r\n\r\n");
		else
			strbuf_addf(&b, "Content-Length: %zu\r\n\r\n", left);
		while (left > 0) {
			size_t n = left < 777 ? left : 777;

			if (cases[i].chunked)
				strbuf_addf(&b, "%zx\r\n", n);
			for (size_t k = 0; k < n; k++)
				strbuf_add_char(&b, 'x');
			if (cases[i].chunked)
				strbuf_add_cstr(&b, "\r\n");
			left -= n;
		}
		if (cases[i].chunked)
			strbuf_add_cstr(&b, "0\r\n\r\n");
		exchange(b.buf, b.len, false, &r);
		strbuf_release(&b);
		assert_int_equal(r.status, cases[i].status);
		assert_int_equal(t.handled, before + 1);
		assert_int_equal(t.body, r.status == 200 ? cases[i].n : 0);
	}
}

/* Not read at all, or not to its end: answered or cut off, always handled. */
static void test_body_far_over_the_limit(void **state UNUSED)
{
	static const char huge[] = HEAD "Content-Length: 99999999\r\n\r\n";
	static const char wait[] = HEAD
		"Expect: 100-continue\r\nContent-Length: 2000\r\n\r\n";
	static char block[65536 + 8] = "10000\r\n";
	struct reply r;
	int fd;

	exchange(BYTES(huge), false, &r);
	assert_int_equal(r.status, 413);
	exchange(BYTES(wait), false, &r);
	assert_int_equal(r.status, 413);
	assert_int_equal(t.handled, 2);

	memcpy(block + 7 + 65536 - 1, "\r", 1);
	fd = dial();
	put(fd, BYTES(HEAD "Transfer-Encoding: chunked\r\n\r\n"));
	for (int i = 0; i < 400; i++) { /* 25 MiB */
		if (!put(fd, BYTES("10000\r\n")) || !put(fd, block, 65536) ||
			!put(fd, BYTES("\r\n")))
			break;
		assert_int_not_equal(i, 399);
	}
	close(fd);
	assert_true(wait_handled(3));
	assert_int_equal(t.fault, HTTP_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refused),
		TEST(test_caps_of_the_head),
		TEST(test_body_over_the_limit),
		TEST(test_body_far_over_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
