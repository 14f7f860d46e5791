#include "ingress/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <strings.h>

#include <cmocka.h>

#include "proto/base/enc.h"
#include "proto/data/conf.h"

#define NOW 1614265330000 /* of the published vector */

/* ---- a request: headers and query keys that end in '=' --------------------- */

#define FIELDS 4

struct sent {
	const char *name, *value;
};

static const char *find(const struct sent *s, const char *name)
{
	for (size_t i = 0; i < FIELDS && s[i].name; i++)
		if (!strcasecmp(s[i].name, name))
			return s[i].value;
	return NULL;
}

static const char *header(const void *ctx, const char *name)
{
	return find(ctx, name);
}

static const char *query(const void *ctx, const char *key)
{
	char name[32];

	snprintf(name, sizeof(name), "%s=", key);
	return find(ctx, name);
}

/* ---- sources --------------------------------------------------------------- */

#define S(text) {(char *)(uintptr_t)(text), sizeof(text) - 1}
#define SECRETS(v) {v, ARRAY_LEN(v)}
#define TEXT(s) ((char *)(uintptr_t)(s))

static struct secret two[] = {S("first-secret"), S("second-secret")};
static struct secret pairs[] = {S("user:first"), S("user:se:cond")};
static struct secret keys[] = {
	S("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
	S("whsec_ZWZmZWN0ZWQtc3ZpeC10ZXN0LWtleS0wMTIzNDU2Nzg5")};
static struct secret github[] = {S("It's a Secret to Everybody"), S("second")};
static struct secret nexus[] = {S("secret")};
static struct secret many[] = {
	S("a1"), S("a2"), S("a3"), S("a4"), S("a5"), S("a6")};
static char *allow_v[] = {TEXT("10.0.0.0/8"), TEXT("2001:db8::/32")};

enum {
	BEARER, BASIC, HEADER, URL_TOKEN, HMAC, STANDARD, NEXUS, BASE64, SHA512,
	BOTH, MANY, EMPTY, DISABLED, OPEN, ALLOWED, N_SOURCES, UNKNOWN,
};

#define HMAC_OF(header_, prefix_, encoding_, algorithm_, secret_) \
	{ \
		.header = TEXT(header_), .prefix = TEXT(prefix_), \
		.encoding = (encoding_), .algorithm = (algorithm_), \
		.secret = SECRETS(secret_) \
	}

static struct conf_source sources[N_SOURCES] = {
	[BEARER] = {.auth.bearer = SECRETS(two)},
	[BASIC] = {.auth.basic = SECRETS(pairs)},
	[HEADER] = {.auth.header = {.name = TEXT("X-Token"),
			    .secret = SECRETS(two)}},
	[URL_TOKEN] = {.auth.url_token = SECRETS(two)},
	[HMAC] = {.auth.hmac = HMAC_OF("X-Hub-Signature-256", "sha256=",
			  HMAC_HEX, ENC_SHA256, github)},
	[STANDARD] = {.auth.standard_webhooks = SECRETS(keys)},
	[NEXUS] = {.auth.hmac = HMAC_OF("X-Nexus-Webhook-Signature", NULL,
			   HMAC_HEX, ENC_SHA1, nexus)},
	[BASE64] = {.auth.hmac = HMAC_OF("X-S", "v=", HMAC_BASE64, ENC_SHA256,
			    nexus)},
	[SHA512] = {.auth.hmac = HMAC_OF("X-S", NULL, HMAC_HEX, ENC_SHA512,
			    nexus)},
	[BOTH] = {.auth = {.bearer = SECRETS(two), .url_token = SECRETS(two)}},
	[MANY] = {.auth.bearer = SECRETS(many)},
	[EMPTY] = {.auth.bearer = {NULL, 0}},
	[DISABLED] = {.auth.bearer = SECRETS(two)},
	[OPEN] = {.auth.none = true},
	[ALLOWED] = {.auth.bearer = SECRETS(two), .allow = {allow_v, 2}},
};

static struct auth *auth;

static int setup(void **state)
{
	static struct conf conf = {.sources = {sources, N_SOURCES}};

	(void)state;
	for (size_t i = 0; i < N_SOURCES; i++) {
		sources[i].name = TEXT("s");
		sources[i].enabled = i != DISABLED;
	}
	auth = auth_new(&conf);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	auth_free(auth);
	return 0;
}

/* ---- tables ------------------------------------------------------------------ */

#define HELLO "Hello, World!"
#define HELLO_MAC \
	"757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
#define NUMBER "{\"test\": 2432232314}"
#define SW(sig) \
	{ \
		{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"}, \
			{"webhook-timestamp", "1614265330"}, \
		{ \
			"webhook-signature", sig \
		} \
	}
#define SW_MAC "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

struct row {
	const char *what;
	int source;
	struct sent sent[FIELDS];
	const char *body;
	bool holds;
};

/* Each method: right, rotated, wrong, missing, empty, prefix. */
static const struct row cases[] = {
	{"bearer right", BEARER, {{"Authorization", "Bearer first-secret"}},
		"", true},
	{"bearer rotated", BEARER, {{"Authorization", "Bearer second-secret"}},
		"", true},
	{"bearer wrong", BEARER, {{"Authorization", "Bearer nonsense"}}, "",
		false},
	{"bearer missing", BEARER, {{0}}, "", false},
	{"bearer empty", BEARER, {{"Authorization", "Bearer "}}, "", false},
	{"bearer prefix", BEARER, {{"Authorization", "Bearer first-secre"}}, "",
		false},

	{"basic right", BASIC, {{"Authorization", "Basic dXNlcjpmaXJzdA=="}},
		"", true},
	{"basic rotated", BASIC,
		{{"Authorization", "basic dXNlcjpzZTpjb25k"}}, "", true},
	{"basic wrong", BASIC, {{"Authorization", "Basic dXNlcjp3cm9uZw=="}},
		"", false},
	{"basic missing", BASIC, {{0}}, "", false},
	{"basic empty", BASIC, {{"Authorization", "Basic "}}, "", false},
	{"basic prefix", BASIC, {{"Authorization", "Basic dXNlcjpmaXJz"}}, "",
		false},

	{"header right", HEADER, {{"x-token", "first-secret"}}, "", true},
	{"header rotated", HEADER, {{"X-Token", "second-secret"}}, "", true},
	{"header wrong", HEADER, {{"X-Token", "nonsense"}}, "", false},
	{"header missing", HEADER, {{"Authorization", "first-secret"}}, "",
		false},
	{"header empty", HEADER, {{"X-Token", ""}}, "", false},
	{"header prefix", HEADER, {{"X-Token", "first-secre"}}, "", false},

	{"url right", URL_TOKEN, {{"token=", "first-secret"}}, "", true},
	{"url rotated", URL_TOKEN, {{"secret=", "second-secret"}}, "", true},
	{"url wrong", URL_TOKEN, {{"token=", "nonsense"}}, "", false},
	{"url missing", URL_TOKEN, {{"Authorization", "Bearer first-secret"}},
		"", false},
	{"url empty", URL_TOKEN, {{"token=", ""}, {"secret=", ""}}, "", false},
	{"url prefix", URL_TOKEN, {{"token=", "first-secre"}}, "", false},

	/* GitHub, "Validating webhook deliveries". */
	{"hmac right", HMAC, {{"X-Hub-Signature-256", "sha256=" HELLO_MAC}},
		HELLO, true},
	{"hmac rotated", HMAC, {{"X-Hub-Signature-256", NULL}}, HELLO, true},
	{"hmac wrong", HMAC, {{"X-Hub-Signature-256", "sha256=" HELLO_MAC}},
		"Hello, World?", false},
	{"hmac missing", HMAC, {{0}}, HELLO, false},
	{"hmac empty", HMAC, {{"X-Hub-Signature-256", "sha256="}}, HELLO,
		false},
	{"hmac prefix", HMAC, {{"X-Hub-Signature-256",
		"sha256=757107ea0eb2509fc211221cce984b8a"}}, HELLO, false},

	/* Svix's and Standard Webhooks' own example. */
	{"standard right", STANDARD, SW("v1," SW_MAC), NUMBER, true},
	{"standard rotated", STANDARD,
		SW("v1,bm9uc2Vuc2U= v1a,abcd v1," SW_MAC), NUMBER, true},
	{"standard wrong", STANDARD, SW("v1," SW_MAC), NUMBER " ", false},
	{"standard missing", STANDARD, {{"webhook-id", "msg_1"},
		{"webhook-timestamp", "1614265330"}}, NUMBER, false},
	{"standard empty", STANDARD, SW(""), NUMBER, false},
	{"standard prefix", STANDARD,
		SW("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ"), NUMBER,
		false},
};
_Static_assert(ARRAY_LEN(cases) == 36, "six methods by six cases");

static const struct row more[] = {
	{"spaces around", BEARER, {{"Authorization", "bearer  first-secret "}},
		"", true},
	{"without the word", BEARER, {{"Authorization", "first-secret"}}, "",
		true},
	{"longer", BEARER, {{"Authorization", "Bearer first-secretx"}}, "",
		false},
	{"case", BEARER, {{"Authorization", "Bearer FIRST-SECRET"}}, "", false},
	{"other scheme", BEARER, {{"Authorization", "Basic first-secret"}}, "",
		false},
	{"either of both keys", URL_TOKEN,
		{{"token=", "x"}, {"secret=", "second-secret"}}, "", true},
	{"no base64", BASIC, {{"Authorization", "Basic user:first"}}, "",
		false},
	{"both", BOTH, {{"Authorization", "Bearer first-secret"},
		{"token=", "first-secret"}}, "", true},
	{"one of both", BOTH, {{"Authorization", "Bearer first-secret"}}, "",
		false},
	{"beyond the slots", MANY, {{"Authorization", "Bearer a6"}}, "", true},
	{"many, wrong", MANY, {{"Authorization", "Bearer a7"}}, "", false},
	{"no secret configured", EMPTY, {{"Authorization", "Bearer -"}}, "",
		false},
	{"no secret, nothing sent", EMPTY, {{0}}, "", false},
	{"disabled", DISABLED, {{"Authorization", "Bearer first-secret"}}, "",
		false},
	{"unknown", UNKNOWN, {{"Authorization", "Bearer first-secret"}}, "",
		false},
	{"open", OPEN, {{0}}, "", true},
	{"unsigned prefix", HMAC, {{"X-Hub-Signature-256", HELLO_MAC}}, HELLO,
		false},
	{"other prefix", HMAC, {{"X-Hub-Signature-256", "sha1=" HELLO_MAC}},
		HELLO, false},
	/* Nexus, WebhookServiceImplTest. */
	{"nexus", NEXUS, {{"X-Nexus-Webhook-Signature",
		"918cb6e16fcf197f2c3df5af2cf41b20974ec8a2"}}, NULL, true},
	{"nexus, upper case", NEXUS, {{"X-Nexus-Webhook-Signature",
		"918CB6E16FCF197F2C3DF5AF2CF41B20974EC8A2"}}, NULL, true},
	{"nexus, longer", NEXUS, {{"X-Nexus-Webhook-Signature",
		"918cb6e16fcf197f2c3df5af2cf41b20974ec8a200"}}, NULL, false},
	{"no timestamp", STANDARD, {{"webhook-id", "m"},
		{"webhook-signature", "v1," SW_MAC}}, NUMBER, false},
	{"other version", STANDARD, SW("v2," SW_MAC), NUMBER, false},
};

static void check_row(const struct row *r, const char *body, int64_t now)
{
	struct request req = {.body = str_from(body), .header = header,
		.query = query, .ctx = r->sent};
	struct err err = {0};
	int rc = auth_check(auth,
		r->source == UNKNOWN ? NULL : &sources[r->source], &req,
		"192.0.2.1", now, &err);

	if (rc != (r->holds ? 0 : -1))
		fail_msg("%s: %d %s", r->what, rc, err.text);
	/* What was sent is never in the sentence. */
	assert_null(strstr(err.text, "first-"));
	assert_null(strstr(err.text, "nonsense"));
	assert_true(rc == 0 || err.text[0]);
}

/* A code that no table can hold: made with the second secret. */
static void sign_hello(char out[80])
{
	unsigned char mac[ENC_HMAC_MAX];
	size_t n = enc_hmac(ENC_SHA256, "second", 6, HELLO, strlen(HELLO), mac);

	snprintf(out, 80, "sha256=");
	enc_hex(mac, n, out + 7);
}

static void test_thirty_six(void **state)
{
	char code[80];

	(void)state;
	sign_hello(code);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct row r = cases[i];

		if (r.sent[0].name && !r.sent[0].value)
			r.sent[0].value = code;
		check_row(&r, r.body, NOW);
	}
}

/* The published vector's body. */
#define NEXUS_BODY \
	"{\"timestamp\":\"2016-08-18T18:18:30.326+00:00\",\"nodeId" \
	"\":\"nodeId\",\"initiator\":\"initiator\",\"action\":\"CRE" \
	"ATED\",\"repository\":{\"format\":\"format\",\"name\":\"na" \
	"me\",\"type\":\"value\"}}"

static void test_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		check_row(&more[i], more[i].body ? more[i].body : NEXUS_BODY,
			NOW);
}

static void test_freshness(void **state)
{
	static const struct {
		int64_t off;
		bool holds;
	} times[] = {{0, true}, {300000, true}, {-300000, true},
		{300001, false}, {-300001, false}, {-NOW, false}};
	struct row r = cases[30];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		r.holds = times[i].holds;
		check_row(&r, r.body, NOW + times[i].off);
	}
	for (size_t i = 0; i < 2; i++) {
		r.sent[1].value = i ? "1614265330.0" : "-1";
		r.holds = false;
		check_row(&r, r.body, NOW);
	}
}

/* Base64 and SHA-512: the code is worked out here, by the same function. */
static void test_forms(void **state)
{
	unsigned char mac[ENC_HMAC_MAX];
	struct strbuf text = {0};
	char hex[2 * ENC_HMAC_MAX + 1];
	size_t n = enc_hmac(ENC_SHA256, "secret", 6, "b", 1, mac);
	struct row r = {"base64", BASE64, {{"X-S", NULL}}, "b", true};

	(void)state;
	strbuf_add_cstr(&text, "v=");
	enc_base64(mac, n, &text);
	r.sent[0].value = strbuf_cstr(&text);
	check_row(&r, "b", NOW);
	n = enc_hmac(ENC_SHA512, "secret", 6, "b", 1, mac);
	enc_hex(mac, n, hex);
	r = (struct row){"sha512", SHA512, {{"X-S", hex}}, "b", true};
	check_row(&r, "b", NOW);
	r = (struct row){"cut", SHA512, {{"X-S", hex}}, "b", false};
	hex[64] = '\0';
	check_row(&r, "b", NOW);
	strbuf_release(&text);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *address;
		bool holds;
	} from[] = {{"10.1.2.3", true}, {"11.1.2.3", false},
		{"2001:db8:1::9", true}, {"2001:db9::1", false}, {"", false},
		{"::ffff:10.0.0.1", true}};
	static const struct sent good[FIELDS] = {
		{"Authorization", "Bearer first-secret"}};
	struct request req = {.header = header, .query = query, .ctx = good};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		int rc = auth_check(auth, &sources[ALLOWED], &req,
			from[i].address, NOW, &err);

		if (rc != (from[i].holds ? 0 : -1))
			fail_msg("%s: %d", from[i].address, rc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thirty_six),
		cmocka_unit_test(test_more),
		cmocka_unit_test(test_freshness),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests_name("auth", tests, setup, teardown);
}
