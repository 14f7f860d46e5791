#include "deployer/http/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static struct opt_secrets secrets_of(struct secret *room, const char *const *v)
{
	struct opt_secrets s = {room, 0};

	for (; v[s.n]; s.n++) {
		room[s.n] = (struct secret){0};
		secret_set(&room[s.n], str_from(v[s.n]));
	}
	return s;
}

static void release(struct opt_secrets *s)
{
	for (size_t i = 0; i < s->n; i++)
		secret_release(&s->v[i]);
}

/* The vector of Svix's and Standard Webhooks' own libraries. */
static void test_vector(void **state)
{
	static const char *const one[] = {
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", NULL};
	static const char *const two[] = {
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL};
	struct secret room[2];
	struct opt_secrets s = secrets_of(room, one);
	struct strbuf out = {0};

	(void)state;
	signature_add(&s, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
		STR("{\"test\": 2432232314}"), &out);
	assert_string_equal(strbuf_cstr(&out),
		"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	release(&s);
	strbuf_release(&out);
	s = secrets_of(room, two);
	signature_add(&s, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
		STR("{\"test\": 2432232314}"), &out);
	assert_non_null(strstr(strbuf_cstr(&out),
		"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,"));
	assert_int_equal(out.len, 2 * 47 + 1);
	release(&s);
	strbuf_release(&out);
}

static void test_headers(void **state)
{
	static const struct {
		const char *line;
		bool good;
	} cases[] = {
		{"X-Token: abc", true}, {"Authorization: Bearer a b", true},
		{"x:y", true}, {"Accept: */*", true}, {"TEX: 1", true},
		{"", false}, {"X-Token", false}, {"X-Token:", false},
		{"X-Token:  ", false}, {": abc", false}, {"X Token: a", false},
		{"X-Token : a", false}, {"X-Token: a\r\nHost: b", false},
		{"X-Token: a\nb", false}, {"X-Token: a\rb", false},
		{"X-T\rX: a", false}, {"X-Token: \x7f", false},
		{"X-Token: \xc3\xa9", false}, {"X-Token;: a", false},
		{"Host: a", false}, {"host: a", false},
		{"Connection: close", false}, {"Keep-Alive: 1", false},
		{"Proxy-Authorization: a", false}, {"proxy-x: a", false},
		{"TE: trailers", false}, {"Trailer: a", false},
		{"Transfer-Encoding: chunked", false}, {"Upgrade: h2c", false},
		{"Content-Length: 0", false}, {"Content-Type: a/b", false},
		{"Expect: 100-continue", false}, {"Accept-Encoding: gzip", false},
		{"Webhook-Id: a", false}, {"webhook-signature: v1,a", false},
		{"Idempotency-Key: a", false}, {"Pullwire-Hops: 0", false},
		{"Cookie: a=b", false}, {"User-Agent: a", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = {0};

		print_message("`%s`\n", cases[i].line);
		assert_int_equal(signature_check_header(cases[i].line, &err),
			cases[i].good ? 0 : -1);
	}
}

/* The faults of one trigger; -1 when it does not even load. */
static size_t faults(const char *rest)
{
	char path[] = "/tmp/test_signature.XXXXXX";
	FILE *f = fdopen(mkstemp(path), "w");
	struct opt_errors errs = {0};
	struct conf *conf;
	size_t n;

	assert_non_null(f);
	fprintf(f, "engines: [{name: e, docker: 'unix:///run/a'}]\n"
		"triggers:\n  - {name: t, repository: a, %s}\n", rest);
	fclose(f);
	conf = conf_load_checked(path, signature_check_conf, &errs);
	unlink(path);
	n = errs.list.n;
	for (size_t i = 0; i < n; i++)
		print_message("%s\n", errs.list.v[i]);
	assert_int_equal(conf == NULL, n > 0);
	conf_free(conf);
	opt_errors_release(&errs);
	return n;
}

static void test_configuration(void **state)
{
	(void)state;
#define URL "url: 'http://h/', "
#define KEY "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	assert_int_equal(faults(URL "secret: " KEY), 0);
	assert_int_equal(faults(URL "secret: [" KEY ", " KEY "]"), 0);
	assert_int_equal(faults(URL "headers: ['X-A: b', 'X-B: c']"), 0);
	assert_int_equal(faults(URL "headers: 'X-A: b'"), 0);
	assert_int_equal(faults(URL "secret: abc"), 1);
	assert_int_equal(faults(URL "secret: whsec_AAAA"), 1);
	assert_int_equal(faults(URL "secret: 'whsec_!'"), 1);
	assert_int_equal(faults(URL "secret: [" KEY ", whsec_]"), 1);
	assert_int_equal(faults(URL "headers: ['X-A: b', 'Host: c']"), 1);
	assert_int_equal(faults("deploy: {container: a}, secret: " KEY), 1);
	assert_int_equal(faults("deploy: {container: a}, headers: 'A: b'"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
