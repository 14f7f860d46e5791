#include "ingress/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <strings.h>

#include <cmocka.h>

struct sent {
	const char *authorization, *token, *secret;
};

static const char *header(const void *ctx, const char *name)
{
	const struct sent *s = ctx;

	return strcasecmp(name, "authorization") ? NULL : s->authorization;
}

static const char *query(const void *ctx, const char *key)
{
	const struct sent *s = ctx;

	if (!strcmp(key, "token"))
		return s->token;
	return strcmp(key, "secret") ? NULL : s->secret;
}

#define S(text) {(char *)(text), sizeof(text) - 1}

static struct secret bearer_v[] = {S("first-bearer"), S("second-bearer")};
static struct secret url_v[] = {S("first-url"), S("second-url")};
static struct secret many_v[] = {
	S("a1"), S("a2"), S("a3"), S("a4"), S("a5"), S("a6")};

static const struct conf_source with_bearer = {
	.name = (char *)"b", .enabled = true, .auth.bearer = {bearer_v, 2}};
static const struct conf_source with_url = {
	.name = (char *)"u", .enabled = true, .auth.url_token = {url_v, 2}};
static const struct conf_source with_both = {
	.name = (char *)"both", .enabled = true,
	.auth = {.bearer = {bearer_v, 2}, .url_token = {url_v, 2}}};
static const struct conf_source with_many = {
	.name = (char *)"m", .enabled = true, .auth.bearer = {many_v, 6}};
static const struct conf_source with_none = {
	.name = (char *)"n", .enabled = true};
static const struct conf_source disabled = {
	.name = (char *)"d", .enabled = false, .auth.bearer = {bearer_v, 2}};

static const struct {
	const char *what;
	const struct conf_source *source;
	struct sent sent;
	const char *why; /* part of the sentence; NULL: it holds */
} cases[] = {
	{"right", &with_bearer, {"Bearer first-bearer", 0, 0}, NULL},
	{"rotated", &with_bearer, {"Bearer second-bearer", 0, 0}, NULL},
	{"case of the word", &with_bearer, {"bearer first-bearer", 0, 0}, NULL},
	{"spaces around", &with_bearer, {"Bearer  first-bearer ", 0, 0}, NULL},
	{"without the word", &with_bearer, {"first-bearer", 0, 0}, NULL},
	{"wrong", &with_bearer, {"Bearer nonsense", 0, 0}, "Authorization"},
	{"missing", &with_bearer, {0, 0, 0}, "no Authorization"},
	{"empty", &with_bearer, {"", 0, 0}, "Authorization"},
	{"empty token", &with_bearer, {"Bearer ", 0, 0}, "Authorization"},
	{"prefix", &with_bearer, {"Bearer first-beare", 0, 0},
		"Authorization"},
	{"longer", &with_bearer, {"Bearer first-bearerx", 0, 0},
		"Authorization"},
	{"case of the token", &with_bearer, {"Bearer FIRST-BEARER", 0, 0},
		"Authorization"},
	{"another scheme", &with_bearer, {"Basic first-bearer", 0, 0},
		"Authorization"},
	{"in the wrong place", &with_bearer, {0, "first-bearer", 0},
		"no Authorization"},

	{"url right", &with_url, {0, "first-url", 0}, NULL},
	{"url rotated", &with_url, {0, "second-url", 0}, NULL},
	{"url as secret=", &with_url, {0, 0, "first-url"}, NULL},
	{"url either of both", &with_url, {0, "x", "second-url"}, NULL},
	{"url wrong", &with_url, {0, "nonsense", 0}, "query"},
	{"url missing", &with_url, {0, 0, 0}, "no token="},
	{"url empty", &with_url, {0, "", ""}, "query"},
	{"url prefix", &with_url, {0, "first-ur", 0}, "query"},
	{"url in the wrong place", &with_url, {"Bearer first-url", 0, 0},
		"no token="},

	{"both right", &with_both, {"Bearer first-bearer", "first-url", 0},
		NULL},
	{"both, one missing", &with_both, {"Bearer first-bearer", 0, 0},
		"no token="},
	{"both, other wrong", &with_both, {"Bearer x", "first-url", 0},
		"Authorization"},

	{"beyond the slots", &with_many, {"Bearer a6", 0, 0}, NULL},
	{"many, wrong", &with_many, {"Bearer a7", 0, 0}, "Authorization"},

	{"no secret configured", &with_none, {"Bearer -", "-", "-"},
		"no secret"},
	{"no secret, nothing sent", &with_none, {0, 0, 0}, "no secret"},
	{"disabled", &disabled, {"Bearer first-bearer", 0, 0}, "disabled"},
	{"unknown", NULL, {"Bearer first-bearer", "x", 0}, "no source"},
};

static void test_table(void **state)
{
	(void)state;
	auth_init();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct request req = {
			.header = header, .query = query,
			.ctx = &cases[i].sent};
		struct err err = {0};
		int rc = auth_check(cases[i].source, &req, &err);

		if (rc != (cases[i].why ? -1 : 0))
			fail_msg("%s: %d %s", cases[i].what, rc, err.text);
		if (cases[i].why && !strstr(err.text, cases[i].why))
			fail_msg("%s: \"%s\"", cases[i].what, err.text);
		/* What was sent is never in the sentence. */
		assert_null(strstr(err.text, "first-"));
		assert_null(strstr(err.text, "nonsense"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
