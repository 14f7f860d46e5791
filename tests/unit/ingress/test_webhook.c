/* What is accepted: events, what they ask before, one after another and many. */
#include "tests/unit/ingress/webhook_rig.h"

#include "proto/base/metrics.h"

static void test_accept(void **state)
{
	struct strbuf answer = {0};
	char want[128];

	(void)state;
	metrics_reset();
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		STR(EVENTS(PUSH("1", "v1") "," PULL "," PUSH("2", "v2"))),
		&answer), 202);
	assert_int_equal(events_after(2), 2);
	assert_string_equal(events.v[0].tag, "v1");
	assert_string_equal(events.v[1].tag, "v2");
	assert_string_equal(events.v[0].source, "reg");
	assert_string_equal(events.v[0].sender_id, "1");
	assert_true(strcmp(events.v[0].id, events.v[1].id) < 0);
	assert_int_equal(events.v[0].time, uid_time(events.v[0].id));
	snprintf(want, sizeof(want), "{\"id\":\"%s\",\"ids\":[\"%s\",\"%s\"]}",
		events.v[0].id, events.v[0].id, events.v[1].id);
	assert_non_null(strstr(strbuf_cstr(&answer), want));
	assert_string_equal(row_at(0)->status, "ignored");
	assert_string_equal(row_at(0)->tag, "v1");
	/* Again, with one more: the known ones have their first ids. */
	assert_int_equal(request("POST", "/v1/webhooks/reg",
		"Authorization: Bearer bearer-old\r\n",
		STR(EVENTS(PUSH("1", "v1") "," PUSH("3", "v3"))), &answer),
		202);
	assert_int_equal(events_after(3), 3);
	snprintf(want, sizeof(want), "{\"id\":\"%s\",\"ids\":[\"%s\",\"%s\"]}",
		events.v[0].id, events.v[0].id, events.v[2].id);
	assert_non_null(strstr(strbuf_cstr(&answer), want));
	assert_string_equal(row_at(1)->status, "duplicate");
	assert_string_equal(row_at(1)->event, events.v[0].id);
	assert_false(row_at(1)->final);
	assert_int_equal(metric_get(METRIC_EVENTS, "reg", "accepted"), 3);
	assert_int_equal(metric_get(METRIC_EVENTS, "reg", "duplicate"), 1);
	assert_int_equal(metric_get(METRIC_EVENTS, "reg", "ignored"), 1);
	assert_int_equal(webhook_under_way(webhook), 0);
	strbuf_release(&answer);
}

#define NOTIFICATION \
	"{\"push_data\":{\"digest\":\"\",\"pushed_at\":" \
	"\"2016-11-29 12:25:46\",\"tag\":\"v1\"},\"repository\":{" \
	"\"name\":\"web\",\"namespace\":\"shop\",\"region\":\"\"," \
	"\"repo_full_name\":\"shop/web\"}}"

/* A trigger's own URL: its event is for it alone, and from its registry. */
static void test_trigger_url(void **state)
{
	struct strbuf url = {0}, answer = {0};
	struct sources_set *set = sources_get(senders);
	char *target;

	(void)state;
	assert_int_equal(trigger_url_make(set->trigger_url, &trigger, &url, NULL),
		0);
	sources_put(senders, set);
	target = strstr(strbuf_cstr(&url), "/hook/trigger?");
	assert_int_equal(request("POST", target, "", STR(NOTIFICATION),
		&answer), 202);
	assert_int_equal(events_after(1), 1);
	assert_string_equal(events.v[0].trigger, "web");
	assert_string_equal(events.v[0].source, "trigger-url");
	assert_string_equal(events.v[0].registry, "reg.example.com");
	assert_string_equal(events.v[0].repository, "shop/web");
	assert_int_equal(request("GET", target, "", STR(""), &answer), 405);
	assert_int_equal(request("POST", target, "", STR("{"), &answer), 400);
	target[strlen(target) - 1] ^= 1;
	assert_int_equal(request("POST", target, "", STR(NOTIFICATION),
		&answer), 401);
	assert_int_equal(request("POST", "/hook/trigger", "",
		STR(NOTIFICATION), &answer), 401);
	assert_int_equal(events_after(1), 1);
	strbuf_release(&url);
	strbuf_release(&answer);
}

static void test_ignored(void **state)
{
	struct strbuf answer = {0};

	(void)state;
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		STR(EVENTS(PULL "," PULL)), &answer), 200);
	assert_non_null(strstr(strbuf_cstr(&answer),
		"{\"ignored\":[{\"reason\":\"an image or layer was pulled, not "
		"pushed\"},{\"reason\""));
	assert_string_equal(row_at(1)->status, "ignored");
	assert_string_equal(row_at(1)->repository, "shop/web");
	assert_true(row_at(1)->final);
	assert_string_not_equal(row_at(0)->id, row_at(1)->id);
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		STR(EVENTS("")), &answer), 200);
	assert_non_null(strstr(strbuf_cstr(&answer), "{\"ignored\":[]}"));
	strbuf_release(&answer);
}

#define AZ "/v1/webhooks/az?token=url-secret"
#define ORIGIN "WebHook-Request-Origin: eventgrid.azure.net\r\n"

/* What senders ask before they send. */
static const struct {
	const char *method, *target, *headers, *body;
	int status;
	const char *answer;
} handshakes[] = {
	{"POST", AZ, "", "[{\"id\":\"1\",\"eventType\":\"Microsoft."
		"EventGrid.SubscriptionValidationEvent\",\"data\":{"
		"\"validationCode\":\"c-0-d-e\"}}]", 200,
		"\r\n\r\n{\"validationResponse\":\"c-0-d-e\"}\n"},
	{"POST", "/v1/webhooks/az?token=wrong", "", "[{\"eventType\":"
		"\"Microsoft.EventGrid.SubscriptionValidationEvent\","
		"\"data\":{\"validationCode\":\"c\"}}]", 401,
		"not authenticated"},
	{"OPTIONS", AZ, ORIGIN, "", 200,
		"WebHook-Allowed-Origin: eventgrid.azure.net\r\n"},
	{"OPTIONS", AZ, ORIGIN, "", 200, "WebHook-Allowed-Rate: *\r\n"},
	{"OPTIONS", AZ, "", "", 400, "WebHook-Request-Origin is missing"},
	{"OPTIONS", AZ, "WebHook-Request-Origin: a b\r\n", "", 400,
		"not the name of a host"},
	{"OPTIONS", "/v1/webhooks/az", ORIGIN, "", 401,
		"not authenticated"},
	{"OPTIONS", "/v1/webhooks/none", ORIGIN, "", 401,
		"not authenticated"},
	{"OPTIONS", "/v1/webhooks/reg", BEARER ORIGIN, "", 405,
		"Allow: POST\r\n"},
	{"POST", "/v1/webhooks/gh", GENERIC "X-GitHub-Event: ping\r\n",
		"{\"zen\":\"z\",\"hook_id\":1}", 200,
		"a ping: the webhook is set up"},
	{"POST", "/v1/webhooks/gh", GENERIC "X-GitHub-Event: ping\r\n"
		"Content-Type: application/x-www-form-urlencoded\r\n",
		"payload=%7B%22zen%22%3A%22a+b%22%7D", 200, "a ping"},
	{"POST", "/v1/webhooks/gen", GENERIC
		"Content-Type: application/x-www-form-urlencoded\r\n",
		"payload=%7B%7D", 400, "not valid JSON"},
};

static void test_handshakes(void **state)
{
	struct strbuf answer = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(handshakes); i++) {
		int status = request(handshakes[i].method, handshakes[i].target,
			handshakes[i].headers, str_from(handshakes[i].body), &answer);

		if (status != handshakes[i].status ||
			!strstr(strbuf_cstr(&answer), handshakes[i].answer))
			fail_msg("%zu: %s", i, strbuf_cstr(&answer));
	}
	strbuf_release(&answer);
}

/* Two events that GitHub sends for one push. */
static void test_github_pair(void **state)
{
	static const char push[] = "{\"action\":\"published\",\"%s\":{\"name\":"
		"\"web\",\"namespace\":\"Acme\",\"ecosystem\":\"CONTAINER\","
		"\"updated_at\":\"%s\",\"package_version\":{\"id\":%d,"
		"\"container_metadata\":{\"tag\":{\"name\":\"v1\"}}}}}";
	static const struct {
		const char *event, *time;
		size_t events;
	} cases[] = {
		{"package", "2026-09-21T14:13:20Z", 1},
		{"registry_package", "2026-09-21T14:13:20Z", 1},
		{"registry_package", "2026-09-21T15:00:00Z", 2},
		{"package", "2026-09-21T15:00:00Z", 2},
	};
	struct strbuf answer = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char headers[128], body[512];

		snprintf(headers, sizeof(headers), GENERIC
			"X-GitHub-Event: %s\r\n", cases[i].event);
		snprintf(body, sizeof(body), push, cases[i].event,
			cases[i].time, (int)i);
		assert_int_equal(request("POST", "/v1/webhooks/gh", headers,
			str_from(body), &answer), 202);
		assert_int_equal(events_after(cases[i].events),
			cases[i].events);
	}
	usleep(50000);
	assert_int_equal(events_after(2), 2);
	strbuf_release(&answer);
}

/* No secret is on disk or in a row, whichever way it came. */
static void test_secrets_stay_out(void **state)
{
	struct strbuf answer = {0};
	char command[256];

	(void)state;
	assert_int_equal(request("POST", "/v1/webhooks/acr?secret=url-secret",
		"Authorization: Bearer other-secret\r\nCookie: cookie-secret"
		"\r\n", STR("{\"push_data\":{\"tag\":\"v1\"},\"repository\":"
			    "{\"repo_full_name\":\"a/B\",\"region\":\"r\"}}"),
		&answer), 202);
	assert_int_equal(events_after(1), 1);
	assert_string_equal(events.v[0].repository, "a/b");
	assert_string_equal(events.v[0].registry, "registry.r.aliyuncs.com");
	snprintf(command, sizeof(command), "grep -rqa 'a/b' '%s'", dir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "grep -rqa -- '-secret' '%s'", dir);
	assert_int_not_equal(system(command), 0);
	strbuf_release(&answer);
}

/* ---- many at once -------------------------------------------------------- */

#define CLIENTS 8
#define EACH 40

static void *client(void *arg)
{
	struct strbuf answer = {0};

	for (int i = 0; i < EACH; i++) {
		char body[256];

		snprintf(body, sizeof(body), EVENTS(PUSH("%d-%d", "v1")),
			*(int *)arg, i);
		assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
			str_from(body), &answer), 202);
	}
	strbuf_release(&answer);
	return NULL;
}

static void test_many(void **state)
{
	pthread_t t[CLIENTS];
	int number[CLIENTS];

	(void)state;
	for (int i = 0; i < CLIENTS; i++) {
		number[i] = i;
		pthread_create(&t[i], NULL, client, &number[i]);
	}
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(events_after(CLIENTS * EACH), CLIENTS * EACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_accept),
		TEST(test_trigger_url),
		TEST(test_ignored),
		TEST(test_handshakes),
		TEST(test_github_pair),
		TEST(test_secrets_stay_out),
		TEST(test_many),
	};

	return cmocka_run_group_tests_name("webhook", tests, NULL, NULL);
}
