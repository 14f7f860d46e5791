/* The answers to GET, over a real server and a real store. */
#include "tests/unit/logger/api_world.h"

/* ---- tests ------------------------------------------------------------------- */

static void pages(void **state)
{
	char *target = xstrdup("/v1/records?limit=7");
	int rows = 0, n_pages = 0;

	(void)state;
	expect("/v1/records", 200, "{\"records\":[],\"next\":null}");
	put_rows(20);
	while (target != NULL) {
		struct json *j = get(target, 200);
		const char *next = json_str(json_get(j, "next"));
		struct json *r = json_first(json_get(j, "records"));

		free(target);
		target = next ? xprintf("/v1/records?limit=7&after=%s", next)
			      : NULL;
		n_pages++;
		for (; r != NULL; r = json_next(r)) {
			char want[16];

			snprintf(want, sizeof(want), "e%03d", 19 - rows++);
			assert_string_equal(json_str(json_get(r, "event")),
				want);
			assert_int_equal(json_len(r), record_table.n);
		}
		json_free(j);
	}
	assert_int_equal(rows, 20);
	assert_int_equal(n_pages, 3);
	/* A last page that is full says that it is the last. */
	expect("/v1/records?limit=20", 200, "\"next\":null");
	expect("/v1/records?limit=19", 200, "\"next\":\"");
	expect("/v1/records?event=e003", 200, "\"id\":\"e003/web/1/deployed\"");
	expect("/v1/records?trigger=a%20b%2Fc&limit=1", 200, "\"e018\"");
	expect("/v1/records?trigger=none", 200, "{\"records\":[],");
}

static void bad_parameters(void **state)
{
	(void)state;
	expect("/v1/records?limit=501", 400, "{\"error\":\"limit: `501`");
	expect("/v1/records?limit=", 400, "limit: ");
	expect("/v1/records?tag", 400, "tag: ");
	expect("/v1/records?colour=red", 400, "`colour` is no parameter");
	expect("/v1/records?since=monday", 400, "since: `monday`");
	expect("/v1/records?after=x", 400, "after: `x`");
	expect("/v1/records?tag=a&tag=b", 400, "tag: given twice");
	expect("/v1/records?%1b[31m=1", 400, "\\u001b[31m");
}

static void one_row(void **state)
{
	(void)state;
	put_rows(2);
	expect("/v1/records/e001/web/1/deployed", 200,
		"\"id\":\"e001/web/1/deployed\"");
	expect("/v1/records/e001%2Fweb%2f1/deployed", 200, "\"e001\"");
	expect("/v1/records/e000/a%20b/c/1/deployed", 200, "\"a b/c\"");
	expect("/v1/records/e009/web/1/deployed", 404, "no row with this id");
	expect("/v1/records/%", 400, "percent-encoded");
	expect("/v1/records/a%2", 400, "percent-encoded");
	expect("/v1/records/a%zz", 400, "percent-encoded");
	expect("/v1/records/a%00b", 400, "percent-encoded");
}

static void whose_hosts(void **state)
{
	(void)state;
	ask("GET", "/v1/records", "Host: evil.example.com\r\n", "");
	assert_int_equal(status, 421);
	ask("GET", "/readyz", "Host: evil.example.com:8081\r\n", "");
	assert_int_equal(status, 421);
	ask("GET", "/healthz", "Host: evil.example.com\r\n", "");
	assert_int_equal(status, 200);
	ask("GET", "/v1/records", "Host: 127.0.0.1:1\r\n", "");
	assert_int_equal(status, 200);
}

static void other_paths_and_methods(void **state)
{
	(void)state;
	expect("/nothing", 404, "{\"error\":");
	expect("/page/nothing.js", 404, "{\"error\":");
	expect("/v1/records/", 404, "{\"error\":");
	expect("/v1/recordsx", 404, "{\"error\":");
	expect("/healthz/", 404, "{\"error\":");
	request("POST", "/v1/records");
	assert_int_equal(status, 405);
	assert_non_null(strstr(strbuf_cstr(&answer), "\r\nAllow: GET, HEAD"));
	request("DELETE", "/v1/records/x");
	assert_int_equal(status, 405);
	assert_string_equal(request("HEAD", "/healthz"), "");
	assert_int_equal(status, 200);
	assert_null(strstr(strbuf_cstr(&answer), "\r\nAllow:"));
	assert_non_null(strstr(strbuf_cstr(&answer),
		"\r\nX-Content-Type-Options: nosniff"));
	assert_non_null(strstr(strbuf_cstr(&answer),
		"\r\nContent-Security-Policy: default-src 'none'"));
	assert_non_null(strstr(strbuf_cstr(&answer),
		"\r\nContent-Type: application/json"));
}

static void an_event(void **state)
{
	(void)state;
	put_rows(3);
	expect("/v1/events/e001", 200, "{\"event\":\"e001\",\"records\":["
		"{\"time\":\"1970-01-01T00:00:01.001Z\",\"id\":\"e001/web/1/");
	expect("/v1/events/none", 200, "\"records\":[],\"next\":null}");
	expect("/v1/events/e001?event=e002", 400, "`event` is no parameter");
}

/* The newest rows of an event with more than fit, and then the older ones. */
static void a_long_event(void **state)
{
	struct event e = {.id = (char *)(uintptr_t)"long"};
	char target[128];
	struct json *j, *rows;

	(void)state;
	for (int i = 0; i < QUERY_LIMIT_MAX + 2; i++) {
		struct record r;

		record_from_event(&r, &e, "web", i, "503", 1000 + i);
		put_row(&r);
	}
	j = get("/v1/events/long", 200);
	rows = json_get(j, "records");
	assert_int_equal(json_len(rows), QUERY_LIMIT_MAX);
	assert_int_equal(json_i64(json_get(json_first(rows), "attempt"), -1),
		2);
	assert_non_null(strstr(strbuf_cstr(&answer),
		"\"id\":\"long/web/501/503\""));
	snprintf(target, sizeof(target), "/v1/events/long?after=%s",
		json_str(json_get(j, "next")));
	json_free(j);
	expect(target, 200, "\"long/web/1/503\"");
	expect(target, 200, "\"next\":null}");
	assert_null(strstr(strbuf_cstr(&answer), "long/web/2/503"));
}

/* The page and its files: everything from here, nothing inline. */
static void the_page(void **state)
{
	(void)state;
	expect("/", 200, "<!doctype html>");
	assert_non_null(strstr(strbuf_cstr(&answer),
		"\r\nContent-Type: text/html; charset=utf-8\r\n"));
	assert_non_null(strstr(strbuf_cstr(&answer), "script-src 'self'; "));
	assert_null(strstr(strbuf_cstr(&answer), "unsafe-"));
	expect("/page/app.js", 200, "use strict");
	assert_non_null(strstr(strbuf_cstr(&answer),
		"\r\nContent-Type: text/javascript; charset=utf-8\r\n"));
	expect("/page/style.css", 200, "{");
	expect("/page/icon.svg", 200, "<svg");
	expect("/page/embed.sh", 404, "no such file");
	assert_null(strstr(request("GET", "/"), "style="));
	assert_null(strstr(request("GET", "/"), "onclick"));
	assert_null(strstr(request("GET", "/"), "http://"));
	assert_null(strstr(request("GET", "/page/app.js"), "innerHTML"));
	assert_null(strstr(request("GET", "/page/app.js"), "https://"));
}

static void how_it_is_going(void **state)
{
	struct msg_status s = {.role = (char *)(uintptr_t)"matcher",
		.instance = (char *)(uintptr_t)"m", .time = 1, .ready = true};

	(void)state;
	expect("/healthz", 200, "{\"status\":\"alive\"}");
	processes_status(api.processes, &s, clock_mono(), 1);
	expect("/readyz", 200, "{\"ready\":true,\"processes\":[{\"role\":"
			       "\"matcher\",\"instance\":\"m\",");
	s.ready = false;
	processes_status(api.processes, &s, clock_mono(), 1);
	expect("/readyz", 503, "{\"ready\":false,");
	s.metrics = (char *)(uintptr_t)"{\"pullwire_x{a=\\\"b\\\"}\":3}";
	processes_status(api.processes, &s, clock_mono(), 1);
	expect("/v1/processes", 200, "\"metrics\":{\"pullwire_x{a=\\\"b\\\"}"
		"\":3}}]}");
	s.ready = true; /* and then silence */
	processes_status(api.processes, &s, clock_mono() - 11000, 1);
	expect("/readyz", 503, "no sign of life since 1970-01-01T00:00:00.001Z");
}

static void triggers(void **state)
{
	int64_t now = clock_wall();
	struct event e = {.id = (char *)(uintptr_t)"e",
		.repository = (char *)(uintptr_t)"shop/web"};
	const char *const rows[][2] = {{"web", "200"}, {"web", "untriggered"},
		{"old", "deployed"}};
	struct record r;
	struct json *j;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char id[8];

		snprintf(id, sizeof(id), "e%zu", i);
		e.id = id;
		record_from_event(&r, &e, rows[i][0], 1, rows[i][1],
			now - 60 + (int64_t)i);
		r.final = true;
		put_row(&r);
	}
	j = get("/v1/triggers", 200);
	assert_true(json_bool(json_get(j, "complete")));
	assert_int_equal(json_len(json_get(j, "triggers")), 2);
	assert_string_equal(json_str(json_path(j, "triggers.0.name")), "web");
	assert_true(json_bool(json_path(j, "triggers.0.configured")));
	assert_string_equal(json_str(json_path(j, "triggers.0.tags.1")), "v2");
	/* What was last, less what says nothing. */
	assert_string_equal(json_str(json_path(j, "triggers.0.last.status")),
		"200");
	assert_string_equal(json_str(json_path(j, "triggers.1.name")), "old");
	assert_false(json_bool(json_path(j, "triggers.1.configured")));
	assert_int_equal(json_len(json_get(j, "outcomes")), 3);
	json_free(j);
	assert_null(strstr(request("GET", "/v1/triggers"), "s3cret"));
	expect("/v1/triggers?hours=168", 200, "\"hours\":168");
	expect("/v1/triggers?hours=169", 400, "hours: takes 1 to 168");
	expect("/v1/triggers?hour=1", 400, "`hour` is no parameter");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(pages),
		T(bad_parameters),
		T(one_row),
		T(other_paths_and_methods),
		T(whose_hosts),
		T(the_page),
		T(an_event),
		T(a_long_event),
		T(triggers),
		T(how_it_is_going),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
