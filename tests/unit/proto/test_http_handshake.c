#include "proto/io/http_handshake.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Numbers as OpenSSL 3.0 has them, sentences as libcurl 7.88 writes them. */
static const struct {
	long verify;
	const char *detail;
	enum http_failure want;
} cases[] = {
	{10, "SSL certificate problem: certificate has expired",
		HTTP_FAIL_TLS_EXPIRED},
	{9, "SSL certificate problem: certificate is not yet valid",
		HTTP_FAIL_TLS_NOT_YET},
	{18, "SSL certificate problem: self-signed certificate",
		HTTP_FAIL_TLS_SELF_SIGNED},
	{19, "SSL certificate problem: self-signed certificate in "
	     "certificate chain", HTTP_FAIL_TLS_UNTRUSTED},
	{20, "SSL certificate problem: unable to get local issuer certificate",
		HTTP_FAIL_TLS_INCOMPLETE},
	{21, "SSL certificate problem: unable to verify the first certificate",
		HTTP_FAIL_TLS_INCOMPLETE},
	{68, "SSL certificate problem: CA signature digest algorithm too weak",
		HTTP_FAIL_TLS_WEAK},
	{66, "SSL certificate problem: EE certificate key too weak",
		HTTP_FAIL_TLS_WEAK},
	{0, "SSL: no alternative certificate subject name matches target host "
	    "name 'wrong.test'", HTTP_FAIL_TLS_WRONG_NAME},
	{0, "SSL: certificate subject name 'a' does not match target host "
	    "name 'b'", HTTP_FAIL_TLS_WRONG_NAME},
	{0, "OpenSSL/3.0.9: error:0A00042E:SSL routines::tlsv1 alert protocol "
	    "version", HTTP_FAIL_TLS_VERSION},
	{0, "OpenSSL/3.0.9: error:0A000102:SSL routines::unsupported protocol",
		HTTP_FAIL_TLS_VERSION},
	{0, "OpenSSL/3.0.9: error:0A00018A:SSL routines::dh key too small",
		HTTP_FAIL_TLS_WEAK},
	{0, "OpenSSL/3.0.9: error:0A000126:SSL routines::unexpected eof while "
	    "reading", HTTP_FAIL_TLS},
	{1, "SSL certificate problem: unspecified certificate verification "
	    "error", HTTP_FAIL_TLS},
	{0, "", HTTP_FAIL_TLS},
};

static void test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum http_failure got = http_handshake_failure(cases[i].verify,
			cases[i].detail);

		if (got != cases[i].want)
			fail_msg("%s: %d", cases[i].detail, (int)got);
		assert_int_equal(http_handshake_reason(got) == NULL,
			got == HTTP_FAIL_TLS);
	}
}

static void test_each_has_its_sentence(void **state)
{
	(void)state;
	for (int i = HTTP_FAIL_TLS_EXPIRED; i <= HTTP_FAIL_TLS_VERSION; i++)
		for (int k = HTTP_FAIL_TLS_EXPIRED; k < i; k++)
			assert_string_not_equal(
				http_handshake_reason((enum http_failure)i),
				http_handshake_reason((enum http_failure)k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_each_has_its_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
