/* What is refused, with which status, and what its row says. */
#include "tests/unit/ingress/webhook_rig.h"

static const char t129[] = "{\"name\":\"a\",\"tag\":\""
	"ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"
	"tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt\"}";

static const struct refusal {
	const char *method, *target, *headers, *body;
	int status;
	const char *answer; /* part of it */
	const char *row;    /* part of the reason; NULL: no row */
} refusals[] = {
	{"POST", "/v1/webhooks/reg", "", EVENTS(""), 401,
		"{\"error\":\"not authenticated: ", "401: there is no Auth"},
	{"POST", "/v1/webhooks/reg", "Authorization: Bearer nope\r\n",
		EVENTS(""), 401, "WWW-Authenticate: Bearer\r\n",
		"401: the token in Authorization"},
	{"POST", "/v1/webhooks/acr?token=leaked-guess", "", "{}", 401,
		"not authenticated", "401: the token in the query"},
	{"POST", "/v1/webhooks/none", BEARER, "{}", 401, "not authenticated",
		"401: no source of this name"},
	{"POST", "/v1/webhooks/", BEARER, "{}", 401, "not authenticated",
		"401: no source"},
	{"POST", "/v1/webhooks/off", GENERIC, "{}", 401, "not authenticated",
		"401: the source is disabled"},
	{"POST", "/v1/webhooks/re%67", BEARER, "{}", 401, "not authenticated",
		"401: no source"},
	{"POST", "/v1/webhooks/reg", BEARER, "", 400, "\"error\":", "400: "},
	{"POST", "/v1/webhooks/reg", BEARER, "{\"events\":[", 400,
		"\"error\":", "400: "},
	{"POST", "/v1/webhooks/gen", GENERIC,
		"{\"name\":\"a\",\"tag\":\"v1\\u0000evil\"}", 400, "\"error\":",
		"400: "},
	{"POST", "/v1/webhooks/gen", GENERIC, t129, 400,
		"the tag has 129 characters", "400: the tag has 129"},
	{"POST", "/v1/webhooks/gen", GENERIC, "{\"tag\":\"v1\"}", 400,
		"name is missing", "400: name is missing"},
	{"POST", "/v1/webhooks/gen", GENERIC, EVENTS(PUSH("1", "v1")), 400,
		"looks like distribution", "400: the source's type is generic"},
	{"POST", "/v1/webhooks/reg", BEARER,
		EVENTS(PUSH("ok", "v1") "," PUSH("bad", "a b")), 400,
		"events.1: tag `a b`", "400: events.1"},
	{"POST", "/v1/webhooks/reg", BEARER "Content-Encoding: gzip\r\n",
		"x", 415, "\"error\":", "415: "},
	{"GET", "/v1/webhooks/reg", BEARER, "", 405, "Allow: POST\r\n",
		"405: a webhook is a POST"},
	{"POST", "/v2/webhooks/reg", BEARER, "", 404, "\"error\":", NULL},
	{"GET", "/", "", "", 404, "\"error\":", NULL},
	{"POST", "/healthz", "", "", 405, "Allow: GET, HEAD\r\n", NULL},
};

static void check_refusal(const struct refusal *c, struct strbuf *answer)
{
	int status = request(
		c->method, c->target, c->headers, str_from(c->body), answer);
	const struct record *r;

	if (status != c->status)
		fail_msg("%s: %s", c->target, strbuf_cstr(answer));
	if (!strstr(strbuf_cstr(answer), c->answer))
		fail_msg("%s: %s", c->target, strbuf_cstr(answer));
	if (!c->row)
		return;
	r = row_at(0);
	assert_string_equal(r->status, "rejected");
	assert_true(r->final);
	if (!strstr(r->reason, c->row))
		fail_msg("%s: %s", c->target, r->reason);
	assert_non_null(strstr(r->request, "\"peer\":\"127.0.0.1\""));
	assert_null(strstr(r->request, "leaked"));
	assert_null(strstr(r->reason, "leaked"));
}

static void test_refusals(void **state)
{
	struct strbuf answer = {0}, first = {0};

	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		/* Each on its own: floods are counted, see test_reject. */
		assert_int_equal(setup(state), 0);
		check_refusal(&refusals[i], &answer);
		assert_int_equal(events.n, 0);
		/* One answer for every 401, whatever the reason. */
		if (refusals[i].status == 401) {
			char *date = strstr(answer.buf, "Date: ");

			if (date)
				memset(date + 6, 'x', 29);
			if (!first.len)
				strbuf_add_str(&first, strbuf_str(&answer));
			assert_string_equal(strbuf_cstr(&first),
				strbuf_cstr(&answer));
		}
		assert_int_equal(teardown(state), 0);
	}
	strbuf_release(&answer);
	strbuf_release(&first);
}

static void test_too_large(void **state)
{
	struct strbuf answer = {0}, body = {0};

	(void)state;
	for (int i = 0; i < 2 << 20; i++)
		strbuf_add_char(&body, ' ');
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		strbuf_str(&body), &answer), 413);
	assert_non_null(strstr(row_at(0)->reason, "413: "));
	/* At the limit it is read: 400, since blanks are no JSON. */
	strbuf_truncate(&body, 4096);
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		strbuf_str(&body), &answer), 400);
	strbuf_release(&answer);
	strbuf_release(&body);
}

static void test_cut_short(void **state)
{
	struct strbuf answer = {0};

	(void)state;
	exchange(STR("POST /v1/webhooks/reg HTTP/1.1\r\nHost: x\r\n" BEARER
		     "Content-Length: 100\r\n\r\n{\"events\":["), false, &answer);
	assert_non_null(strstr(row_at(0)->reason, "400: "));
	assert_string_equal(row_at(0)->source, "reg");
	strbuf_release(&answer);
}

/* A row is JSON and UTF-8 whatever the path was. */
static void test_odd_path(void **state)
{
	struct strbuf answer = {0};
	struct strbuf packed = {0};
	struct err err = {0};

	(void)state;
	request("POST", "/v1/webhooks/\xff\x1b[2J\"", "", STR("{}"), &answer);
	assert_int_equal(field_pack(
		&record_table, row_at(0), &packed, &err), 0);
	assert_non_null(strstr(row_at(0)->request, "\\\\xff\\\\x1b[2J"));
	strbuf_release(&packed);
	strbuf_release(&answer);
}

/* More than the source may post: 429, whatever the body, and only of a sender
 * that has the secret. */
static void test_limit(void **state)
{
	static const char late[] = "HTTP/1.1 429";
	struct strbuf answer = {0};

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(request("POST", "/v1/webhooks/few", GENERIC,
			STR("{"), &answer), 400);
	assert_int_equal(request("POST", "/v1/webhooks/few", "", STR("{"),
		&answer), 401);
	assert_int_equal(request("POST", "/v1/webhooks/few", GENERIC,
		STR("{\"name\":\"a\",\"tag\":\"v1\"}"), &answer), 429);
	assert_memory_equal(strbuf_cstr(&answer), late, sizeof(late) - 1);
	assert_non_null(strstr(strbuf_cstr(&answer), "Retry-After: 1\r\n"));
	assert_int_equal(events_after(0), 0);
	strbuf_release(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		TEST(test_too_large),
		TEST(test_cut_short),
		TEST(test_odd_path),
		TEST(test_limit),
	};

	return cmocka_run_group_tests_name("webhook_refused", tests, NULL, NULL);
}
