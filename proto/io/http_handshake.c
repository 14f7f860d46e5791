#include "proto/io/http_handshake.h"

enum {
	UNABLE_TO_GET_ISSUER_CERT = 2,
	CERT_NOT_YET_VALID = 9,
	CERT_HAS_EXPIRED = 10,
	DEPTH_ZERO_SELF_SIGNED_CERT = 18,
	SELF_SIGNED_CERT_IN_CHAIN = 19,
	UNABLE_TO_GET_ISSUER_CERT_LOCALLY = 20,
	UNABLE_TO_VERIFY_LEAF_SIGNATURE = 21,
	CERT_REVOKED = 23,
	INVALID_PURPOSE = 26,
	CERT_UNTRUSTED = 27,
	CERT_REJECTED = 28,
	HOSTNAME_MISMATCH = 62,
	IP_ADDRESS_MISMATCH = 64,
	EE_KEY_TOO_SMALL = 66,
	CA_KEY_TOO_SMALL = 67,
	CA_MD_TOO_WEAK = 68,
};

static const struct {
	long verify;
	enum http_failure failure;
} numbers[] = {
	{UNABLE_TO_GET_ISSUER_CERT, HTTP_FAIL_TLS_INCOMPLETE},
	{CERT_NOT_YET_VALID, HTTP_FAIL_TLS_NOT_YET},
	{CERT_HAS_EXPIRED, HTTP_FAIL_TLS_EXPIRED},
	{DEPTH_ZERO_SELF_SIGNED_CERT, HTTP_FAIL_TLS_SELF_SIGNED},
	{SELF_SIGNED_CERT_IN_CHAIN, HTTP_FAIL_TLS_UNTRUSTED},
	{UNABLE_TO_GET_ISSUER_CERT_LOCALLY, HTTP_FAIL_TLS_INCOMPLETE},
	{UNABLE_TO_VERIFY_LEAF_SIGNATURE, HTTP_FAIL_TLS_INCOMPLETE},
	{CERT_REVOKED, HTTP_FAIL_TLS_UNTRUSTED},
	{INVALID_PURPOSE, HTTP_FAIL_TLS_UNTRUSTED},
	{CERT_UNTRUSTED, HTTP_FAIL_TLS_UNTRUSTED},
	{CERT_REJECTED, HTTP_FAIL_TLS_UNTRUSTED},
	{HOSTNAME_MISMATCH, HTTP_FAIL_TLS_WRONG_NAME},
	{IP_ADDRESS_MISMATCH, HTTP_FAIL_TLS_WRONG_NAME},
	{EE_KEY_TOO_SMALL, HTTP_FAIL_TLS_WEAK},
	{CA_KEY_TOO_SMALL, HTTP_FAIL_TLS_WEAK},
	{CA_MD_TOO_WEAK, HTTP_FAIL_TLS_WEAK},
};

/* The name is compared by libcurl itself, and what is wrong with the handshake
 * has no number. */
static const struct {
	const char *part;
	enum http_failure failure;
} words[] = {
	{"target host name", HTTP_FAIL_TLS_WRONG_NAME},
	{"target ipv", HTTP_FAIL_TLS_WRONG_NAME},
	{"protocol version", HTTP_FAIL_TLS_VERSION},
	{"unsupported protocol", HTTP_FAIL_TLS_VERSION},
	{"dh key too small", HTTP_FAIL_TLS_WEAK},
	{"key too small", HTTP_FAIL_TLS_WEAK},
	{"md too weak", HTTP_FAIL_TLS_WEAK},
};

enum http_failure http_handshake_failure(long verify, const char *detail)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (numbers[i].verify == verify)
			return numbers[i].failure;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strstr(detail, words[i].part))
			return words[i].failure;
	return HTTP_FAIL_TLS;
}

const char *http_handshake_reason(enum http_failure f)
{
	switch ((int)f) {
	case HTTP_FAIL_TLS_EXPIRED:
		return "shows a certificate that has expired: renew it there";
	case HTTP_FAIL_TLS_NOT_YET:
		return "shows a certificate that is not valid yet: one of the "
		       "two clocks is wrong";
	case HTTP_FAIL_TLS_SELF_SIGNED:
		return "shows a self-signed certificate: it needs one of an "
		       "authority that this system trusts";
	case HTTP_FAIL_TLS_UNTRUSTED:
		return "shows a certificate of an authority that this system "
		       "does not trust";
	case HTTP_FAIL_TLS_INCOMPLETE:
		return "shows a certificate whose issuer is not known here: it "
		       "must send its intermediate certificates along, and the "
		       "authority be one that this system trusts";
	case HTTP_FAIL_TLS_WRONG_NAME:
		return "shows a certificate for another name";
	case HTTP_FAIL_TLS_WEAK:
		return "shows a certificate with a signature or key that is "
		       "too weak, such as SHA-1 or RSA with 1,024 bits";
	case HTTP_FAIL_TLS_VERSION:
		return "speaks no TLS 1.2 or newer";
	default:
		return NULL;
	}
}
