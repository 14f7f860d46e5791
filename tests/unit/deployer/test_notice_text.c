/* What is sent in each format, byte for byte, and what foreign text may do. */
#include "deployer/http/notice_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/data/json.h"

#define TEXT(s) ((char *)(uintptr_t)(s))
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID "01890000-0000-7000-8000-000000000001-0123456789abcdef"
#define APART "\xe2\x80\x8b"

#define ROW(status, reason) \
	"{\"status\":\"" status "\",\"trigger\":\"web\",\"repository\":" \
	"\"shop/web\",\"tag\":\"v2\",\"digest\":\"sha256:" HEX "\"," \
	"\"target\":\"container web\",\"reason\":\"" reason "\"," \
	"\"from_digest\":null,\"to_digest\":\"sha256:" HEX "\",\"event\":" \
	"\"01890000-0000-7000-8000-000000000001\",\"source\":\"registry\"," \
	"\"attempt\":1,\"time\":\"2026-01-31T12:00:00.000Z\"}"

static const struct {
	int format;
	const char *template, *url, *row;
	const char *method, *want_url, *type, *header, *body;
} golden[] = {
	{NOTIFY_WEBHOOK, NULL, "https://h/x", ROW("deployed", "it runs"),
		"POST", "https://h/x", "application/json", NULL,
		"{\"type\":\"redeploy.deployed\",\"timestamp\":"
		"\"2026-01-31T12:00:00.000Z\",\"text\":\"web deployed: "
		"shop/web:v2. it runs\",\"data\":" ROW("deployed", "it runs")
		"}"},
	{NOTIFY_SLACK, NULL, "https://h/x", ROW("failed", "no"), "POST",
		"https://h/x", "application/json", NULL,
		"{\"text\":\"web failed: shop/web:v2. no\",\"parse\":\"none\","
		"\"link_names\":false,\"unfurl_links\":false,"
		"\"unfurl_media\":false}"},
	{NOTIFY_DISCORD, "*{{ trigger }}* is at {{tag}}", "https://h/x",
		ROW("deployed", ""), "POST", "https://h/x",
		"application/json", NULL,
		"{\"content\":\"*web* is at v2\",\"allowed_mentions\":"
		"{\"parse\":[]},\"flags\":4}"},
	{NOTIFY_TEAMS, "{{target}}: {{reason}}", "https://h/x",
		ROW("rolled_back", "not healthy"), "POST", "https://h/x",
		"application/json", NULL,
		"{\"type\":\"message\",\"attachments\":[{\"contentType\":"
		"\"application/vnd.microsoft.card.adaptive\",\"content\":{"
		"\"$schema\":\"http://adaptivecards.io/schemas/"
		"adaptive-card.json\",\"type\":\"AdaptiveCard\",\"version\":"
		"\"1.2\",\"body\":[{\"type\":\"RichTextBlock\",\"inlines\":[{"
		"\"type\":\"TextRun\",\"text\":\"container web: not healthy\""
		"}]}]}}]}"},
	{NOTIFY_MATRIX, NULL, "https://h/rooms/!r:h/send/m.room.message",
		ROW("refused", "no"), "PUT",
		"https://h/rooms/!r:h/send/m.room.message/" ID,
		"application/json", NULL,
		"{\"msgtype\":\"m.notice\",\"body\":\"web refused: "
		"shop/web:v2. no\",\"m.mentions\":{}}"},
	{NOTIFY_MATRIX, "x", "https://h/m.room.message/?user_id=@a:h",
		ROW("refused", "no"), "PUT",
		"https://h/m.room.message/" ID "?user_id=@a:h",
		"application/json", NULL,
		"{\"msgtype\":\"m.notice\",\"body\":\"x\",\"m.mentions\":{}}"},
	{NOTIFY_NTFY, NULL, "https://h/topic", ROW("rolled_back", "sick"),
		"POST", "https://h/topic", "text/plain; charset=utf-8",
		"Title: Pullwire: rolled back",
		"web rolled_back: shop/web:v2. sick"},
	{NOTIFY_WEBHOOK, "{{attempt}} {{from_digest}}|{{event}} {{source}}",
		"https://h/x", ROW("deployed", ""), "POST", "https://h/x",
		"application/json", NULL,
		"{\"type\":\"redeploy.deployed\",\"timestamp\":"
		"\"2026-01-31T12:00:00.000Z\",\"text\":\"1 |"
		"01890000-0000-7000-8000-000000000001 registry\",\"data\":"
		ROW("deployed", "") "}"},
};

static void test_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(golden); i++) {
		struct conf_notify n = {.format = golden[i].format,
			.template = TEXT(golden[i].template),
			.as = {.url = TEXT(golden[i].url)}};
		struct notice_form form;

		notice_form(&n, golden[i].row, ID, &form);
		assert_string_equal(form.method, golden[i].method);
		assert_string_equal(strbuf_cstr(&form.url),
			golden[i].want_url);
		assert_string_equal(form.content_type, golden[i].type);
		assert_string_equal(strbuf_cstr(&form.body), golden[i].body);
		if (golden[i].header)
			assert_string_equal(form.headers[0], golden[i].header);
		else
			assert_null(form.headers[0]);
		notice_form_release(&form);
	}
}

/* A reason that tries everything: what a person sees of it. */
#define EVIL \
	"@everyone <!channel> <@U1> [x](http://evil.example/) **b** `c` & " \
	"\\u001b[31mred\\u009b1m\\r\\nline\\u202e\\u200b\\u2028end \\\"q\\\\"

static const struct {
	int format;
	const char *path, *want;
} evil[] = {
	{NOTIFY_WEBHOOK, "text",
		"@everyone <!channel> <@U1> [x](http://evil.example/) **b** "
		"`c` &  [31mred 1m  line end \"q\\"},
	{NOTIFY_SLACK, "text",
		"@" APART "everyone &lt;!channel&gt; &lt;@" APART "U1&gt; [x]"
		APART "(http:" APART "//evil.example/) **b** `c` &amp;  "
		"[31mred 1m  line end \"q\\"},
	{NOTIFY_DISCORD, "content",
		"@" APART "everyone \\<!channel\\> \\<@" APART "U1\\> \\[x\\]"
		APART "\\(http:" APART "//evil.example/\\) \\*\\*b\\*\\* "
		"\\`c\\` &  \\[31mred 1m  line end \"q\\\\"},
	{NOTIFY_TEAMS, "attachments.0.content.body.0.inlines.0.text",
		"@" APART "everyone <!channel> <@" APART "U1> [x]" APART
		"(http:" APART "//evil.example/) **b** `c` &  [31mred 1m  "
		"line end \"q\\"},
	{NOTIFY_MATRIX, "body",
		"@" APART "everyone <!channel> <@" APART "U1> [x]" APART
		"(http:" APART "//evil.example/) **b** `c` &  [31mred 1m  "
		"line end \"q\\"},
	{NOTIFY_NTFY, NULL,
		"@" APART "everyone <!channel> <@" APART "U1> [x]" APART
		"(http:" APART "//evil.example/) **b** `c` &  [31mred 1m  "
		"line end \"q\\"},
};

static void test_foreign_text_stays_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(evil); i++) {
		struct conf_notify n = {.format = evil[i].format,
			.template = TEXT("{{reason}}"),
			.as = {.url = TEXT("https://h/")}};
		struct notice_form form;
		struct json *j = NULL;
		struct err err = {0};

		notice_form(&n, ROW("failed", EVIL), ID, &form);
		if (evil[i].path)
			j = json_parse(strbuf_str(&form.body), NULL, &err);
		if (evil[i].path && !j)
			fail_msg("%d: %s", evil[i].format, err.text);
		assert_string_equal(evil[i].path
				? json_str(json_path(j, evil[i].path))
				: strbuf_cstr(&form.body), evil[i].want);
		json_free(j);
		notice_form_release(&form);
	}
}

/* Nothing that a chat would act on, however the pieces lie. */
static void assert_harmless(int format, const char *text)
{
	static const char *const parts[] = {"@everyone", "@here", "@room",
		"://", "](", "\x1b", "\xc2\x9b", "\xe2\x80\xae"};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strstr(text, parts[i]))
			fail_msg("%d: `%s` in %s", format, parts[i], text);
	if (format == NOTIFY_SLACK && strpbrk(text, "<>"))
		fail_msg("%s", text);
}

static const char *text_of(int format, const struct json *j,
	const struct notice_form *form)
{
	static const char *const paths[] = {"text", "text", "content",
		"attachments.0.content.body.0.inlines.0.text", "body"};

	return format == NOTIFY_NTFY ? strbuf_cstr(&form->body)
				     : json_str(json_path(j, paths[format]));
}

static void test_random_foreign_text(void **state)
{
	static const char *const pieces[] = {"@", "everyone", "here", "room",
		"<", "!", ">", "[", "]", "(", ")", ":", "/", "//", "http",
		"\x1b", "\x1b[2J", "\xc2\x9b", "\xe2\x80\xae", "\xe2\x80\x8b",
		"\xe2\x81\xa9", "\n", "\r", "\\", "*", "`", "&", "a", "\xc3\xa9"};

	(void)state;
	srandom(2);
	for (int round = 0; round < 20000; round++) {
		int format = NOTIFY_SLACK + (int)(random() % 5);
		struct conf_notify n = {.format = format,
			.template = TEXT("{{reason}}{{tag}}"),
			.as = {.url = TEXT("https://h/")}};
		struct strbuf reason = {0}, row = {0};
		struct notice_form form;
		struct json *j = NULL;

		for (long k = random() % 12; k >= 0; k--)
			strbuf_add_cstr(&reason, pieces[(size_t)random() %
				ARRAY_LEN(pieces)]);
		strbuf_add_cstr(&row, "{\"status\":\"failed\",\"time\":\"t\","
				      "\"reason\":");
		json_write_str(strbuf_str(&reason), &row);
		strbuf_add_cstr(&row, ",\"tag\":\"here\"}");
		notice_form(&n, strbuf_cstr(&row), ID, &form);
		if (format != NOTIFY_NTFY) {
			j = json_parse(strbuf_str(&form.body), NULL, NULL);
			assert_non_null(j);
		}
		assert_harmless(format, text_of(format, j, &form));
		json_free(j);
		notice_form_release(&form);
		strbuf_release(&reason);
		strbuf_release(&row);
	}
}

/* A template of the greatest length that says the reason ten times. */
static void test_bounded(void **state)
{
	char reason[1025];
	struct strbuf row = {0}, template = {0};

	(void)state;
	memset(reason, '*', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	for (int i = 0; i < 70; i++)
		strbuf_add_cstr(&template, "\xc3\xa9{{reason}}");
	strbuf_addf(&row, "{\"status\":\"failed\",\"time\":\"t\","
			  "\"reason\":\"%s\"}", reason);
	strbuf_cstr(&template);
	for (int f = NOTIFY_WEBHOOK; f <= NOTIFY_NTFY; f++) {
		struct conf_notify n = {.format = f, .template = TEXT(strbuf_cstr(&template)),
			.as = {.url = TEXT("https://h/")}};
		struct notice_form form;

		notice_form(&n, strbuf_cstr(&row), ID, &form);
		assert_true(form.body.len < 4096);
		if (f != NOTIFY_NTFY)
			assert_int_equal(json_scan(strbuf_str(&form.body),
						 NULL, NULL), 0);
		notice_form_release(&form);
	}
	strbuf_release(&row);
	strbuf_release(&template);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_foreign_text_stays_text),
		cmocka_unit_test(test_random_foreign_text),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
