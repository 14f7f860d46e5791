/*
 * The two values of a trigger's own URL: triggerUrl, a new line, secret. As
 * they come they are refused, unless the secret is ours for the text; a text
 * that we sealed ourselves is accepted only when it is a trigger's.
 */
#include "ingress/trigger_url.h"

#include "proto/base/enc.h"
#include "proto/base/map.h"
#include "tests/fuzz/fuzz.h"

#define KEY "a key of the fuzz target, long enough"

static struct secret key = {(char *)KEY, sizeof(KEY) - 1};
static struct conf_trigger web = {.name = (char *)"web",
	.repository = (char *)"shop/web", .engine = (char *)"local",
	.deploy = {.container = (char *)"web"}};
static struct conf conf = {.triggers = {&web, 1},
	.ingress = {.http = (char *)"127.0.0.1:8080", .trigger_key = {&key, 1}}};
static struct trigger_url *urls;

static void seal(struct str text, char out[ENC_SHA256_HEX])
{
	unsigned char code[ENC_SHA256_LEN];

	enc_hmac_sha256(KEY, sizeof(KEY) - 1, text.p, text.n, code);
	enc_hex(code, sizeof(code), out);
}

static void check(const char *trigger_url, const char *secret, bool sealed)
{
	struct strbuf text = {0}, want = {0};
	struct err err = {0};
	const struct conf_trigger *t =
		trigger_url_check(urls, trigger_url, secret, &err);

	FUZZ_CHECK(t || *err.text);
	FUZZ_CHECK(trigger_url_text(&web, &want));
	if (t) {
		FUZZ_CHECK(enc_unbase64(str_from(trigger_url), &text) == 0);
		FUZZ_CHECK(str_eq(strbuf_str(&text), strbuf_str(&want)));
	} else if (sealed) {
		(void)enc_unbase64(str_from(trigger_url), &text);
		FUZZ_CHECK(!str_eq(strbuf_str(&text), strbuf_str(&want)));
	}
	strbuf_release(&text);
	strbuf_release(&want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size}, line = {0};
	struct strbuf url = {0}, secret = {0}, sealed = {0};
	char code[ENC_SHA256_HEX];

	if (!urls) {
		conf.names = map_new();
		map_put(conf.names, STR("trigger web"), &web);
		urls = trigger_url_new(&conf, NULL);
		FUZZ_CHECK(urls);
	}
	enc_base64(data, size, &sealed);
	seal(rest, code);
	check(strbuf_cstr(&sealed), code, size > 0 && size < 1024);
	if (str_split(&rest, '\n', &line))
		strbuf_add_str(&url, line);
	if (rest.p)
		strbuf_add_str(&secret, rest);
	check(strbuf_cstr(&url), strbuf_cstr(&secret), false);
	strbuf_release(&url);
	strbuf_release(&secret);
	strbuf_release(&sealed);
	return 0;
}
