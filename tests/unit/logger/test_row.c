#include "logger/row.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/mem.h"
#include "proto/base/utf8.h"
#include "proto/data/json.h"

/* What tests write into a record is never changed by what they call. */
#define TEXT(s) ((char *)(uintptr_t)(s))

static struct record deployed(void)
{
	return (struct record){
		.time = 1763898540123, /* 2025-11-23T11:49:00.123Z */
		.id = TEXT("E/web/1/deployed"), .event = TEXT("E"),
		.trigger = TEXT("web"), .source = TEXT("hub"),
		.repository = TEXT("shop/web"), .tag = TEXT("release-v2"),
		.digest = TEXT("sha256:ab"), .status = TEXT("deployed"),
		.final = true, .reason = TEXT("runs \"release-v2\""),
		.target = TEXT("container web"), .attempt = 1, .attempts = 3,
		.duration_ms = TEXT("{ \"pull\": 900,\n \"total\": 1234 }"),
		.to_digest = TEXT("sha256:cd"), .instance = TEXT("deployer@a"),
	};
}

static struct record waiting(void)
{
	return (struct record){
		.time = 1763898540123, .id = TEXT("E/n/2/503"),
		.event = TEXT("E"), .trigger = TEXT("n"),
		.repository = TEXT("shop/web"), .status = TEXT("503"),
		.reason = TEXT("the service is down"), .attempt = 2,
		.attempts = 10, .next_attempt = 1763898600000,
		.url = TEXT("http://h/?secret=***"),
		.request = TEXT("{\"headers\":[\"A: b\"],\"body\":\"{\"}"),
		.response = TEXT("{broken"),
	};
}

static void json_lines(void **state)
{
	struct record a = deployed(), b = waiting(), none = {0};
	struct strbuf out = {0};

	(void)state;
	row_json(&a, &out);
	assert_string_equal(strbuf_cstr(&out),
		"{\"time\":\"2025-11-23T11:49:00.123Z\","
		"\"id\":\"E/web/1/deployed\",\"event\":\"E\","
		"\"trigger\":\"web\",\"source\":\"hub\","
		"\"repository\":\"shop/web\",\"tag\":\"release-v2\","
		"\"digest\":\"sha256:ab\",\"status\":\"deployed\","
		"\"final\":true,\"reason\":\"runs \\\"release-v2\\\"\","
		"\"target\":\"container web\",\"attempt\":1,\"attempts\":3,"
		"\"next_attempt\":null,"
		"\"duration_ms\":{\"pull\":900,\"total\":1234},\"url\":null,"
		"\"request\":null,\"response\":null,\"from_digest\":null,"
		"\"to_digest\":\"sha256:cd\",\"instance\":\"deployer@a\","
		"\"generation\":null}");
	strbuf_truncate(&out, 0);
	row_json(&b, &out);
	assert_non_null(strstr(strbuf_cstr(&out),
		"\"next_attempt\":\"2025-11-23T11:50:00.000Z\","
		"\"duration_ms\":null,\"url\":\"http://h/?secret=***\","
		"\"request\":{\"headers\":[\"A: b\"],\"body\":\"{\"},"
		"\"response\":null,"));
	strbuf_truncate(&out, 0);
	row_json(&none, &out);
	assert_int_equal(json_scan(strbuf_str(&out), NULL, NULL), 0);
	strbuf_release(&out);
}

static void expect_text(const struct record *r, bool colour, const char *want)
{
	struct strbuf out = {0};

	row_text(r, colour, &out);
	assert_string_equal(strbuf_cstr(&out), want);
	strbuf_release(&out);
}

static void text_lines(void **state)
{
	struct record a = deployed(), b = waiting();
	struct record c = {.time = 1763898540123, .status = TEXT("no_trigger"),
		.reason = TEXT("no trigger names \xE2\x82\xAC")};
	struct record d = {.time = 1763898540123, .status = TEXT("rejected"),
		.reason = TEXT("404: no such source"),
		.request = TEXT("{\"peer\":\"10.1.2.3\","
				"\"path\":\"/v1/webhooks/nosuch\"}")};
	struct record e = waiting();

	(void)state;
	expect_text(&a, false,
		"2025-11-23 11:49:00  deployed     web           "
		"shop/web:release-v2           container web     "
		"runs \"release-v2\" (attempt 1/3, 1234 ms)");
	expect_text(&b, false,
		"2025-11-23 11:49:00  503          n             "
		"shop/web                      -                 "
		"the service is down (attempt 2/10, "
		"next 2025-11-23T11:50:00.000Z)");
	expect_text(&c, false,
		"2025-11-23 11:49:00  no_trigger   -             "
		"-                             -                 "
		"no trigger names \xE2\x82\xAC");
	expect_text(&d, false,
		"2025-11-23 11:49:00  rejected     -             "
		"/v1/webhooks/nosuch           from 10.1.2.3     "
		"404: no such source");
	d.source = TEXT("hub");
	expect_text(&d, false,
		"2025-11-23 11:49:00  rejected     -             "
		"source hub                    from 10.1.2.3     "
		"404: no such source");
	/* Longer than its column: the next ones give way. */
	e.status = TEXT("tls_not_yet_valid");
	e.next_attempt = 0;
	expect_text(&e, false,
		"2025-11-23 11:49:00  tls_not_yet_valid  n       "
		"shop/web                      -                 "
		"the service is down (attempt 2/10)");
	expect_text(&a, true,
		"2025-11-23 11:49:00  \033[32mdeployed     \033[0mweb           "
		"shop/web:release-v2           container web     "
		"runs \"release-v2\" (attempt 1/3, 1234 ms)\033[0m");
}

/* A text for each way to break a line or to command a terminal. */
static const char *const hostile[] = {
	"\n", "\r\n2025-11-23 deployed", "\r", "\033[31mred", "\033]0;title\a",
	"\033[2J", "\xC2\x9B""31m", "\xC2\x9D""0;x\xC2\x9C", "\xC2\x85", "\x7F",
	"\b\b\b", "\t", "\x9B""31m", "\xC2", "\xC3(", "\xFF\xFE", "\v\f",
	"\xE2\x80\xA8x", "\xE2\x80\xA9", "\xE2\x80\xAE""gpj.exe",
	"\xE2\x81\xA6", "\xE2\x80\x8F", "\xED\xA0\x80", "\xF4\x90\x80\x80",
	"\"},{\"status\":\"deployed\"", "\\", "\\u0000", "<script>", "\x01\x02",
};

static bool harmless(struct str s)
{
	for (size_t i = 0; i < s.n;) {
		size_t n = utf8_step(str_cut(s, i, s.n));
		unsigned char c = (unsigned char)s.p[i];

		if (n == 0 || c < 0x20 || c == 0x7f ||
			(c == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0) ||
			(n == 3 && memcmp(s.p + i, "\xE2\x80\xAE", 3) == 0) ||
			(n == 3 && memcmp(s.p + i, "\xE2\x81\xA6", 3) == 0) ||
			(n == 3 && memcmp(s.p + i, "\xE2\x80\xA8", 3) == 0))
			return false;
		i += n;
	}
	return true;
}

/* Each hostile text in each field: both lines stay one line without commands,
 * and the JSON line stays one object of all the fields. */
static void nothing_breaks_a_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		for (size_t k = 0; k < record_table.n; k++) {
			const struct field *f = &record_table.fields[k];
			struct record r = deployed();
			struct strbuf out = {0};
			struct json *j;

			if (f->type != FIELD_STR && f->type != FIELD_JSON)
				continue;
			*(char **)((char *)&r + f->offset) = TEXT(hostile[i]);
			row_text(&r, false, &out);
			if (!harmless(strbuf_str(&out)))
				fail_msg("text: %s of case %zu", f->name, i);
			strbuf_truncate(&out, 0);
			row_json(&r, &out);
			j = json_parse(strbuf_str(&out), NULL, NULL);
			if (j == NULL || json_len(j) != record_table.n ||
				strchr(strbuf_cstr(&out), '\n') != NULL ||
				strchr(strbuf_cstr(&out), '\033') != NULL)
				fail_msg("json: %s of case %zu", f->name, i);
			json_free(j);
			strbuf_release(&out);
		}
	}
}

static void details_that_are_no_json(void **state)
{
	static const char *const cases[] = {"", "{", "{\"a\":1}x", "{a:1}",
		"{\"a\":1,\"a\":2}", "\"\xFF\"", "nan"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct record r = deployed();
		struct strbuf out = {0};

		r.duration_ms = r.request = r.response = TEXT(cases[i]);
		row_json(&r, &out);
		assert_non_null(strstr(strbuf_cstr(&out),
			"\"duration_ms\":null,\"url\":null,\"request\":null,"
			"\"response\":null,"));
		strbuf_truncate(&out, 0);
		row_text(&r, false, &out);
		assert_non_null(strstr(strbuf_cstr(&out), "(attempt 1/3)"));
		strbuf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_lines),
		cmocka_unit_test(text_lines),
		cmocka_unit_test(nothing_breaks_a_line),
		cmocka_unit_test(details_that_are_no_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
