/* The sentence for what went wrong, and whether it may go better later. */
#include "proto/io/http_transfer.h"

#include <ctype.h>

#include "proto/base/clock.h"
#include "proto/io/http_handshake.h"

/* "Connection refused" to go on a sentence. */
static const char *reason(const struct http_transfer *t, char *buf, size_t n)
{
	long number = 0;

	curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
	snprintf(buf, n, "%s",
		number > 0 ? strerror((int)number) : t->detail);
	buf[0] = (char)tolower((unsigned char)buf[0]);
	return buf;
}

static int fail_timeout(const struct http_transfer *t, struct err *err)
{
	const struct http_call *call = t->call;
	curl_off_t connected = 0, first = 0;
	int64_t took = clock_mono() - t->began;

	curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
	curl_easy_getinfo(t->easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
	if (connected == 0)
		return err_set(err, ERR_RETRY, HTTP_FAIL_TIMEOUT,
			"could not connect to %s within %lld ms", t->peer,
			(long long)took);
	if (call->total_ms == 0 || took < call->total_ms)
		return err_set(err, ERR_RETRY, HTTP_FAIL_TIMEOUT,
			"%s sent nothing for %lld ms", t->peer,
			(long long)call->stall_ms);
	return err_set(err, ERR_RETRY, HTTP_FAIL_TIMEOUT,
		first == 0 ? "%s did not answer within %lld ms" :
			     "the answer of %s did not end within %lld ms",
		t->peer, (long long)call->total_ms);
}

static int fail_tls(const struct http_transfer *t, struct err *err)
{
	enum http_failure kind;
	long verify = 0;

	curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
	kind = http_handshake_failure(verify, t->detail);
	if (kind == HTTP_FAIL_TLS)
		return err_set(err, ERR_RETRY, (int)kind, "TLS with %s failed: %s",
			t->peer, t->detail);
	return err_set(err, ERR_RETRY, (int)kind, "%s %s (%s)", t->peer,
		http_handshake_reason(kind), t->detail);
}

static int fail_write(const struct http_transfer *t, struct err *err)
{
	if (t->aborted)
		return err_set(err, ERR_FAIL, HTTP_FAIL_ABORTED,
			"the answer of %s was not read to its end", t->peer);
	if (t->headers_too_large)
		return err_set(err, ERR_RETRY, HTTP_FAIL_PROTOCOL,
			"the headers of %s's answer are too large", t->peer);
	return err_set(err, ERR_RETRY, HTTP_FAIL_PROTOCOL,
		"the answer of %s is larger than %zu bytes", t->peer,
		t->res->body.limit);
}

int http_transfer_fail(const struct http_transfer *t, CURLcode rc,
	struct err *err)
{
	char buf[CURL_ERROR_SIZE];

	switch (rc) {
	case CURLE_OPERATION_TIMEDOUT:
		return fail_timeout(t, err);
	case CURLE_COULDNT_RESOLVE_HOST:
		return err_set(err, ERR_RETRY, HTTP_FAIL_DNS,
			"could not resolve the name in %s", t->peer);
	case CURLE_COULDNT_CONNECT:
		if (t->refused[0])
			return err_set(err, ERR_FAIL, HTTP_FAIL_ADDRESS,
				"%s is the address %s, which is not allowed",
				t->peer, t->refused);
		return err_set(err, ERR_RETRY, HTTP_FAIL_CONNECT,
			"could not connect to %s: %s", t->peer,
			reason(t, buf, sizeof(buf)));
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return fail_tls(t, err);
	case CURLE_WRITE_ERROR:
		return fail_write(t, err);
	case CURLE_UNSUPPORTED_PROTOCOL:
		if (t->res->address[0])
			return err_set(err, ERR_RETRY, HTTP_FAIL_PROTOCOL,
				"what %s answers is not HTTP", t->peer);
		/* fall through */
	case CURLE_URL_MALFORMAT:
	case CURLE_LOGIN_DENIED:
		return err_set(err, ERR_FAIL, HTTP_FAIL_PROTOCOL,
			"the URL is not one that is called: %s", t->detail);
	default:
		return err_set(err, ERR_RETRY, HTTP_FAIL_PROTOCOL,
			"the exchange with %s broke off: %s", t->peer,
			t->detail[0] ? t->detail : curl_easy_strerror(rc));
	}
}
