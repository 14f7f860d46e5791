#include "deployer/http/notification.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/data/json.h"
#include "proto/msg/record.h"

#define EVENT_ID "01890000-0000-7000-8000-000000000001"

static void assert_body(const struct event *e, const char *want)
{
	struct strbuf sb = {0};

	notification_body(e, &sb);
	assert_string_equal(strbuf_cstr(&sb), want);
	strbuf_release(&sb);
}

/* The example of the registry's documentation, in its order. */
static void test_body_whole(void **state)
{
	struct event e = {
		.repository = "namespace/repotest",
		.tag = "latest",
		.digest = "sha256:457f4aa83fc9a6663ab9d1b0a6e2dce25a12a943ed5b"
			  "f2c1747c58d48bbb4917",
		.pushed_at = 1480393546000, /* 2016-11-29 04:25:46 UTC */
		.time = 1480393599000,
		.date_created = "2016-10-28 21:31:42",
		.region = "cn-hangzhou",
		.auth_type = "CERTIFIED",
		.origin_type = "OTHER",
		.repo_type = "PRIVATE",
	};

	(void)state;
	assert_body(&e,
		"{\"push_data\":{\"digest\":\"sha256:457f4aa83fc9a6663ab9d1b0a6"
		"e2dce25a12a943ed5bf2c1747c58d48bbb4917\",\"pushed_at\":"
		"\"2016-11-29 12:25:46\",\"tag\":\"latest\"},\"repository\":{"
		"\"date_created\":\"2016-10-28 21:31:42\",\"name\":"
		"\"repotest\",\"namespace\":\"namespace\",\"region\":"
		"\"cn-hangzhou\",\"repo_authentication_type\":\"CERTIFIED\","
		"\"repo_full_name\":\"namespace/repotest\","
		"\"repo_origin_type\":\"OTHER\",\"repo_type\":\"PRIVATE\"}}");
}

static void test_body_defaults(void **state)
{
	struct event e = {.repository = "nginx", .tag = "v1",
		.time = 1480393546789};

	(void)state;
	assert_body(&e,
		"{\"push_data\":{\"digest\":\"\",\"pushed_at\":"
		"\"2016-11-29 12:25:46\",\"tag\":\"v1\"},\"repository\":{"
		"\"date_created\":\"2016-11-29 12:25:46\",\"name\":\"nginx\","
		"\"namespace\":\"\",\"region\":\"\","
		"\"repo_authentication_type\":\"NO_CERTIFIED\","
		"\"repo_full_name\":\"nginx\",\"repo_origin_type\":"
		"\"NO_CERTIFIED\",\"repo_type\":\"PUBLIC\"}}");
}

static void test_body_escaped(void **state)
{
	struct event e = {.repository = "a/b/c", .tag = "v1", .time = 1,
		.region = "\"},\"x\":{\"\n"};
	struct strbuf sb = {0};
	struct json *j;
	struct err err;

	(void)state;
	notification_body(&e, &sb);
	j = json_parse(strbuf_str(&sb), NULL, &err);
	assert_non_null(j);
	assert_int_equal(json_len(j), 2);
	assert_string_equal(json_str(json_path(j, "repository.region")),
		e.region);
	assert_string_equal(json_str(json_path(j, "repository.namespace")),
		"a/b");
	assert_string_equal(json_str(json_path(j, "repository.name")), "c");
	assert_int_equal(json_len(json_get(j, "repository")), 8);
	json_free(j);
	strbuf_release(&sb);
}

static void test_id(void **state)
{
	struct job a = {.trigger = "notify", .event = {.id = EVENT_ID}};
	struct job b = {.trigger = "we.b", .event = {.id = EVENT_ID}};
	char ia[NOTIFICATION_ID_LEN], ib[NOTIFICATION_ID_LEN];
	char again[NOTIFICATION_ID_LEN];

	(void)state;
	notification_id(&a, ia);
	notification_id(&b, ib);
	assert_string_equal(ia, notification_id(&a, again));
	assert_string_not_equal(ia, ib);
	assert_memory_equal(ia, EVENT_ID "-", 37);
	assert_int_equal(strlen(ia), NOTIFICATION_ID_LEN - 1);
	/* Standard Webhooks: no dot, it separates what is signed. */
	assert_null(strchr(ib, '.'));
}

static void test_outcome(void **state)
{
	static const struct {
		int status, failure; /* one of them 0 */
		const char *word;
		bool delivered, slow;
	} cases[] = {
		{200, 0, "200", true, false},
		{204, 0, "204", true, false},
		{299, 0, "299", true, false},
		{199, 0, "199", false, false},
		{300, 0, "300", false, false},
		{308, 0, "308", false, false},
		{404, 0, "404", false, false},
		{410, 0, "410", false, false},
		{429, 0, "429", false, true},
		{500, 0, "500", false, false},
		{502, 0, "502", false, true},
		{503, 0, "503", false, false},
		{504, 0, "504", false, true},
		{0, HTTP_FAIL_TIMEOUT, "timeout", false, true},
		{0, HTTP_FAIL_DNS, "dns_error", false, false},
		{0, HTTP_FAIL_CONNECT, "connect_error", false, false},
		{0, HTTP_FAIL_TLS, "tls_error", false, false},
		{0, HTTP_FAIL_TLS_EXPIRED, "tls_expired", false, false},
		{0, HTTP_FAIL_TLS_NOT_YET, "tls_not_yet_valid", false, false},
		{0, HTTP_FAIL_TLS_SELF_SIGNED, "tls_self_signed", false,
			false},
		{0, HTTP_FAIL_TLS_UNTRUSTED, "tls_untrusted", false, false},
		{0, HTTP_FAIL_TLS_INCOMPLETE, "tls_incomplete", false, false},
		{0, HTTP_FAIL_TLS_WRONG_NAME, "tls_wrong_name", false, false},
		{0, HTTP_FAIL_TLS_WEAK, "tls_weak", false, false},
		{0, HTTP_FAIL_TLS_VERSION, "tls_version", false, false},
		{0, HTTP_FAIL_ADDRESS, "blocked_address", false, false},
		{0, HTTP_FAIL_PROTOCOL, "connect_error", false, false},
		/* It broke off after a good status: not delivered. */
		{200, HTTP_FAIL_TIMEOUT, "timeout", false, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_result res = {.status = cases[i].status};
		struct err err = {.cls = ERR_RETRY, .code = cases[i].failure};
		const struct err *e = cases[i].failure ? &err : NULL;
		char buf[8];

		assert_string_equal(
			notification_status(&res, e, buf), cases[i].word);
		assert_int_equal(
			notification_delivered(&res, e), cases[i].delivered);
		assert_int_equal(notification_slow(&res, e), cases[i].slow);
	}
}

/* Every word is one of the access log's. */
static void test_words_are_known(void **state)
{
	static const int failures[] = {HTTP_FAIL_TIMEOUT, HTTP_FAIL_DNS,
		HTTP_FAIL_CONNECT, HTTP_FAIL_TLS, HTTP_FAIL_ADDRESS,
		HTTP_FAIL_PROTOCOL, HTTP_FAIL_TLS_EXPIRED,
		HTTP_FAIL_TLS_NOT_YET, HTTP_FAIL_TLS_SELF_SIGNED,
		HTTP_FAIL_TLS_UNTRUSTED, HTTP_FAIL_TLS_INCOMPLETE,
		HTTP_FAIL_TLS_WRONG_NAME, HTTP_FAIL_TLS_WEAK,
		HTTP_FAIL_TLS_VERSION};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		struct http_result res = {0};
		struct err err = {.code = failures[i]};
		char buf[8];
		const char *word = notification_status(&res, &err, buf);
		size_t j = 0;

		while (record_statuses[j] && strcmp(record_statuses[j], word))
			j++;
		assert_non_null(record_statuses[j]);
	}
}

static void test_request(void **state)
{
	static const char *const headers[] = {
		"Content-Type: application/json", "webhook-id: x:y"};
	struct strbuf sb = {0};

	(void)state;
	notification_request("POST", "https://h/?secret=***", false, headers, 2,
		STR("{\"a\":1}"), &sb);
	assert_string_equal(strbuf_cstr(&sb),
		"{\"method\":\"POST\",\"url\":\"https://h/?secret=***\","
		"\"headers\":{\"Content-Type\":\"application/json\","
		"\"webhook-id\":\"x:y\"},\"body\":\"{\\\"a\\\":1}\"}");
	strbuf_release(&sb);
}

static void respond(const char *headers, struct str body, struct strbuf *out)
{
	struct http_result res = {.status = 500};

	strbuf_add_cstr(&res.headers, headers);
	strbuf_add_str(&res.body, body);
	notification_response(&res, out);
	strbuf_release(&res.headers);
	strbuf_release(&res.body);
}

static void test_response(void **state)
{
	struct strbuf sb = {0};

	(void)state;
	respond("Server: x\nSet-Cookie: a=1\nserver:y\nSet-Cookie: b=2\n\n",
		STR("no\xff\n"), &sb);
	assert_string_equal(strbuf_cstr(&sb),
		"{\"status\":500,\"headers\":{\"Server\":\"x, y\","
		"\"Set-Cookie\":\"a=1, b=2\"},\"body\":\"no\xef\xbf\xbd\\n\"}");
	strbuf_release(&sb);
}

/* Whatever comes, it is JSON and fits the row. */
static void test_response_fits(void **state)
{
	static char body[64 << 10], headers[60000];
	struct strbuf sb = {0};
	struct json *j;
	struct err err;

	(void)state;
	memset(body, 1, sizeof(body)); /* \u0001: six bytes each */
	memset(headers, 1, sizeof(headers) - 1);
	headers[0] = 'H';
	headers[1] = ':';
	respond(headers, (struct str){body, sizeof(body)}, &sb);
	assert_in_range(sb.len, 1000, RECORD_DETAIL_MAX);
	j = json_parse(strbuf_str(&sb), NULL, &err);
	assert_non_null(j);
	assert_int_equal(json_i64(json_get(j, "status"), 0), 500);
	json_free(j);
	strbuf_release(&sb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body_whole),
		cmocka_unit_test(test_body_defaults),
		cmocka_unit_test(test_body_escaped),
		cmocka_unit_test(test_id),
		cmocka_unit_test(test_outcome),
		cmocka_unit_test(test_words_are_known),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_response),
		cmocka_unit_test(test_response_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
