#include "deployer/http/notice_text.h"

#include "proto/base/utf8.h"
#include "proto/data/json.h"

#define USUAL "{{trigger}} {{status}}: {{repository}}:{{tag}}. {{reason}}"
#define APART "\xe2\x80\x8b" /* U+200B, zero-width space */
#define MORE "\xe2\x80\xa6"  /* U+2026, three dots */

/* ---- foreign text ------------------------------------------------------------ */

static unsigned code_point(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;

	switch (n) {
	case 2:
		return (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
	case 3:
		return (u[0] & 0xfu) << 12 | (u[1] & 0x3fu) << 6 |
			(u[2] & 0x3fu);
	case 4:
		return (u[0] & 7u) << 18 | (u[1] & 0x3fu) << 12 |
			(u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
	default:
		return u[0];
	}
}

/* C0, DEL, C1 (of which terminals take orders), line separators. */
static bool is_control(unsigned c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 ||
		c == 0x2029;
}

/* Marks that turn the order of writing around, and other unseen ones. */
static bool is_unseen(unsigned c)
{
	return c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
		(c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
		c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
}

/* One visible character as the format needs it. */
static void say_char(int format, struct str c, char before, struct strbuf *out)
{
	bool chat = format != NOTIFY_WEBHOOK;

	/* "://" is a link, "](" the middle of one. */
	if (chat && ((before == ':' && *c.p == '/') ||
			    (before == ']' && *c.p == '(')))
		strbuf_add_cstr(out, APART);
	if (format == NOTIFY_SLACK && strchr("&<>", *c.p)) {
		strbuf_add_cstr(out, *c.p == '&' ? "&amp;"
				: *c.p == '<'   ? "&lt;"
						: "&gt;");
		return;
	}
	if (format == NOTIFY_DISCORD && strchr("\\*_~`|<>[]()#", *c.p))
		strbuf_add_char(out, '\\');
	strbuf_add_str(out, c);
	if (chat && *c.p == '@')
		strbuf_add_cstr(out, APART);
}

static void say(int format, struct str value, struct strbuf *out)
{
	char before = 0;

	for (size_t i = 0, n; i < value.n; i += n) {
		struct str c = str_cut(value, i, value.n);
		unsigned code;

		n = utf8_step(c);
		if (!n)
			return; /* it was checked when it was read */
		c.n = n;
		code = code_point(c.p, n);
		if (is_unseen(code))
			continue;
		if (is_control(code))
			c = STR(" ");
		say_char(format, c, before, out);
		before = *c.p;
	}
}

static void say_field(int format, const struct json *row, struct str name,
	struct strbuf *out)
{
	char key[32], number[JSON_NUMBER_BUF];
	const struct json *j;

	snprintf(key, sizeof(key), "%.*s", (int)name.n, name.p);
	j = json_get(row, key);
	if (json_kind(j) == JSON_NUMBER)
		strbuf_add_str(out, json_number_text(j, number));
	else
		say(format, str_from(json_str(j)), out);
}

/* The template has passed conf_load()'s check. */
static void fill(const struct conf_notify *n, const struct json *row,
	struct strbuf *out)
{
	struct str rest = str_from(n->template ? n->template : USUAL);
	struct str text, field;
	struct err err;

	while (conf_template_next(&rest, &text, &field, &err)) {
		strbuf_add_str(out, text);
		if (field.n)
			say_field(n->format, row, field, out);
	}
	if (out->len <= NOTICE_TEXT_MAX)
		return;
	strbuf_truncate(out, utf8_prefix(strbuf_str(out), NOTICE_TEXT_MAX));
	strbuf_add_cstr(out, MORE);
}

/* ---- each format ------------------------------------------------------------------ */

static void add_text(struct strbuf *body, const char *before,
	const struct strbuf *text, const char *after)
{
	strbuf_add_cstr(body, before);
	json_write_str(strbuf_str(text), body);
	strbuf_add_cstr(body, after);
}

static void webhook(const struct json *row, const struct strbuf *text,
	struct strbuf *body)
{
	strbuf_add_cstr(body, "{\"type\":\"redeploy.");
	strbuf_add_cstr(body, json_str(json_get(row, "status")));
	strbuf_add_cstr(body, "\",\"timestamp\":");
	json_write(json_get(row, "time"), body);
	add_text(body, ",\"text\":", text, ",\"data\":");
	json_write(row, body);
	strbuf_add_char(body, '}');
}

/* A run of text in a card is not read as Markdown; a block would be. */
static void teams(const struct strbuf *text, struct strbuf *body)
{
	add_text(body,
		"{\"type\":\"message\",\"attachments\":[{\"contentType\":"
		"\"application/vnd.microsoft.card.adaptive\",\"content\":{"
		"\"$schema\":\"http://adaptivecards.io/schemas/"
		"adaptive-card.json\",\"type\":\"AdaptiveCard\",\"version\":"
		"\"1.2\",\"body\":[{\"type\":\"RichTextBlock\",\"inlines\":[{"
		"\"type\":\"TextRun\",\"text\":",
		text, "}]}]}}]}");
}

/* The transaction's id makes a repeat harmless there, as webhook-id does. */
static void matrix(const struct strbuf *text, const char *id,
	struct notice_form *out)
{
	struct str url = strbuf_str(&out->url);
	size_t query = str_find(url, '?');
	struct strbuf full = {0};
	bool slash = query && url.p[query - 1] == '/';

	strbuf_addf(&full, "%.*s%s%s%s", (int)query, url.p, slash ? "" : "/",
		id, url.p + query);
	strbuf_release(&out->url);
	out->url = full;
	out->method = "PUT";
	add_text(&out->body, "{\"msgtype\":\"m.notice\",\"body\":", text,
		",\"m.mentions\":{}}");
}

static const struct {
	const char *outcome, *headers[3];
} ntfy_headers[] = {
	{"deployed", {"Title: Pullwire: deployed", "Tags: white_check_mark"}},
	{"rolled_back", {"Title: Pullwire: rolled back",
				"Tags: leftwards_arrow_with_hook",
				"Priority: high"}},
	{"failed", {"Title: Pullwire: failed", "Tags: rotating_light",
			   "Priority: high"}},
	{"refused", {"Title: Pullwire: refused", "Tags: no_entry",
			    "Priority: high"}},
};

static void ntfy(const struct json *row, const struct strbuf *text,
	struct notice_form *out)
{
	const char *status = json_str(json_get(row, "status"));

	out->content_type = "text/plain; charset=utf-8";
	strbuf_add_str(&out->body, strbuf_str(text));
	for (size_t i = 0; i < ARRAY_LEN(ntfy_headers); i++)
		if (strcmp(ntfy_headers[i].outcome, status) == 0)
			memcpy(out->headers, ntfy_headers[i].headers,
				sizeof(out->headers));
}

void notice_form(const struct conf_notify *n, const char *text, const char *id,
	struct notice_form *out)
{
	struct json *row = json_parse(str_from(text), NULL, NULL);
	struct strbuf said = {0};

	*out = (struct notice_form){.method = "POST",
		.content_type = "application/json"};
	strbuf_add_cstr(&out->url, n->as.url);
	fill(n, row, &said);
	switch ((enum conf_notify_format)n->format) {
	case NOTIFY_WEBHOOK:
		webhook(row, &said, &out->body);
		break;
	case NOTIFY_SLACK:
		add_text(&out->body, "{\"text\":", &said,
			",\"parse\":\"none\",\"link_names\":false,"
			"\"unfurl_links\":false,\"unfurl_media\":false}");
		break;
	case NOTIFY_DISCORD:
		/* 4: no previews of links */
		add_text(&out->body, "{\"content\":", &said,
			",\"allowed_mentions\":{\"parse\":[]},\"flags\":4}");
		break;
	case NOTIFY_TEAMS:
		teams(&said, &out->body);
		break;
	case NOTIFY_MATRIX:
		matrix(&said, id, out);
		break;
	case NOTIFY_NTFY:
		ntfy(row, &said, out);
		break;
	}
	strbuf_release(&said);
	json_free(row);
}

void notice_form_release(struct notice_form *form)
{
	strbuf_release(&form->url);
	strbuf_release(&form->body);
}
