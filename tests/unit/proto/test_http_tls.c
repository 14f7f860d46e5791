#include "proto/io/http_tls.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/io/http_server.h"

/* Versions, clients' certificates and changes under way are tested with a TLS
 * library that is not ours: tests/flow/test_tls.py. */

static char dir[] = "/tmp/pw-tls-XXXXXX";
static char *cert, *key, *other;

static int setup(void **state UNUSED)
{
	char *make;
	int rc;

	assert_non_null(mkdtemp(dir));
	cert = xprintf("%s/cert.pem", dir);
	key = xprintf("%s/key.pem", dir);
	other = xprintf("%s/other.pem", dir);
	make = xprintf("exec 2>/dev/null; openssl req -x509 -newkey ec -pkeyopt "
		       "ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost "
		       "-keyout %s -out %s && openssl genpkey -algorithm "
		       "ed25519 -out %s", key, cert, other);
	rc = system(make);
	free(make);
	return rc;
}

static int teardown(void **state UNUSED)
{
	unlink(cert);
	unlink(key);
	unlink(other);
	free(cert);
	free(key);
	free(other);
	return rmdir(dir);
}

static void test_files(void **state UNUSED)
{
	const struct {
		struct http_tls_files files;
		const char *fault; /* NULL: none */
	} rows[] = {
		{{cert, key, NULL}, NULL},
		{{cert, key, cert}, NULL},
		{{cert, other, NULL}, "is not the key of the certificate"},
		{{cert, cert, NULL}, "is no private key"},
		{{key, key, NULL}, "is no certificate"},
		{{cert, key, key}, "has no certificate of an authority"},
		{{cert, "/nowhere/key", NULL}, "/nowhere/key cannot be read"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = {0};
		int rc = http_tls_check(&rows[i].files, &err);

		assert_int_equal(rc, rows[i].fault ? -1 : 0);
		if (rows[i].fault)
			assert_non_null(strstr(err.text, rows[i].fault));
	}
}

static void handle(void *ctx UNUSED, struct http_request *r)
{
	http_reply(r, 200, NULL, STR(""), NULL, 0);
}

static int dial(const struct http_server *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)http_server_port(s)),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct timeval limit = {.tv_sec = 60};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* Who does not shake hands is cut off, and so is who sends no TLS: at the
 * handshake's own limit, not at the longer one for a request's head. */
static void test_handshakes_end(void **state UNUSED)
{
	struct http_tls_files files = {cert, key, NULL};
	struct err err = {0};
	struct http_tls *tls = http_tls_open(NULL, &files, &err);
	struct http_server_config c = {.listen = "127.0.0.1:0", .tls = tls,
		.max_body = 100, .handshake_ms = 300, .handle = handle};
	struct http_server *s = http_server_start(&c, &err);
	static const char *const sent[] = {"", "\x16\x03\x01\x02", "GET / HTT"};
	char byte[100];

	assert_non_null(tls);
	assert_non_null(s);
	for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
		int64_t began = clock_mono();
		int fd = dial(s);

		assert_int_equal(send(fd, sent[i], strlen(sent[i]), 0),
			strlen(sent[i]));
		while (recv(fd, byte, sizeof(byte), 0) > 0)
			;
		assert_in_range(clock_mono() - began, 0, 20000);
		close(fd);
	}
	http_server_stop(s);
	http_tls_close(tls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_handshakes_end),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
