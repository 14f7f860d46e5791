#include "proto/base/enc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* RFC 4648, section 10 */
static const struct {
	const char *plain, *coded;
} base64[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xfb\xff\xbf", "+/+/"},
};

static void test_base64(void **state)
{
	struct strbuf sb = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(base64); i++) {
		struct str coded = str_from(base64[i].coded);

		strbuf_truncate(&sb, 0);
		enc_base64(base64[i].plain, strlen(base64[i].plain), &sb);
		assert_string_equal(strbuf_cstr(&sb), base64[i].coded);
		strbuf_truncate(&sb, 0);
		assert_int_equal(enc_unbase64(coded, &sb), 0);
		assert_string_equal(strbuf_cstr(&sb), base64[i].plain);
		/* The same without padding. */
		while (str_ends(coded, STR("=")))
			coded.n--;
		strbuf_truncate(&sb, 0);
		assert_int_equal(enc_unbase64(coded, &sb), 0);
		assert_string_equal(strbuf_cstr(&sb), base64[i].plain);
	}
	strbuf_truncate(&sb, 0);
	enc_base64url("\xfb\xff\xbf\xff", 4, &sb);
	assert_string_equal(strbuf_cstr(&sb), "-_-__w==");
	strbuf_truncate(&sb, 0);
	assert_int_equal(enc_unbase64(STR("-_-__w=="), &sb), 0);
	assert_string_equal(strbuf_cstr(&sb), "\xfb\xff\xbf\xff");
	strbuf_release(&sb);
}

static void test_bad_base64(void **state)
{
	static const char *const bad[] = {"Z", "Zg=", "Zg===", "=", "====",
		"Zm9vY", "Zm9v\n", " Zm9v", "Zm=v", "Zh==", "Zm9=", "Zm9v====",
		"Zm9*"};
	struct strbuf sb = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (enc_unbase64(str_from(bad[i]), &sb) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
	strbuf_release(&sb);
}

static void test_hex(void **state)
{
	unsigned char bytes[4];
	char text[9];

	(void)state;
	assert_int_equal(enc_unhex(STR("00fFa51e"), bytes, 4), 0);
	enc_hex(bytes, 4, text);
	assert_string_equal(text, "00ffa51e");
	assert_int_equal(enc_unhex(STR("00ffa5"), bytes, 4), -1);
	assert_int_equal(enc_unhex(STR("00ffa51"), bytes, 3), -1);
	assert_int_equal(enc_unhex(STR("00ffa51g"), bytes, 4), -1);
	enc_hex("", 0, text);
	assert_string_equal(text, "");
}

static void test_sha256(void **state)
{
	/* FIPS 180-2, appendix B, and the empty message */
	static const struct {
		const char *text, *digest;
	} cases[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		     "7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff"
			"61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd4"
			"19db06c1"},
	};
	char hex[ENC_SHA256_HEX];
	char *million = malloc(1000000);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(enc_sha256_hex(cases[i].text,
			strlen(cases[i].text), hex), cases[i].digest);
	assert_non_null(million);
	memset(million, 'a', 1000000);
	assert_string_equal(enc_sha256_hex(million, 1000000, hex),
		"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(million);
}

#define X20(s) s s s s s s s s s s s s s s s s s s s s
#define X25(s) X20(s) s s s s s
#define X50(s) X25(s) X25(s)
#define X131(s) X50(s) X50(s) X25(s) s s s s s s

/* RFC 4231, section 4 (case 5 is about truncation) */
static const struct {
	const char *key, *text, *digest;
} hmacs[] = {
	{X20("\x0b"), "Hi There",
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32c"
		"ff7"},
	{"Jefe", "what do ya want for nothing?",
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3"
		"843"},
	{X20("\xaa"), X50("\xdd"),
		"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced56"
		"5fe"},
	{"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
	 "\x11\x12\x13\x14\x15\x16\x17\x18\x19",
		X50("\xcd"),
		"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729"
		"665b"},
	{X131("\xaa"), "Test Using Larger Than Block-Size Key - Hash Key First",
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37"
		"f54"},
	{X131("\xaa"), "This is a test using a larger than block-size key and a "
		       "larger than block-size data. The key needs to be hashed "
		       "before being used by the HMAC algorithm.",
		"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a3"
		"5e2"},
	/* GitHub's documented example */
	{"It's a Secret to Everybody", "Hello, World!",
		"757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043"
		"e17"},
	/* Wikipedia, "HMAC": empty key, empty text */
	{"", "",
		"b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c"
		"5ad"},
};

static void test_hmac(void **state)
{
	unsigned char mac[ENC_SHA256_LEN];
	char hex[ENC_SHA256_HEX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hmacs); i++) {
		enc_hmac_sha256(hmacs[i].key, strlen(hmacs[i].key),
			hmacs[i].text, strlen(hmacs[i].text), mac);
		enc_hex(mac, sizeof(mac), hex);
		assert_string_equal(hex, hmacs[i].digest);
	}
	enc_hmac_sha256(NULL, 0, NULL, 0, mac);
	enc_hex(mac, sizeof(mac), hex);
	assert_string_equal(hex, hmacs[ARRAY_LEN(hmacs) - 1].digest);
}

static void test_equal(void **state)
{
	(void)state;
	assert_true(enc_equal(STR("secret"), STR("secret")));
	assert_false(enc_equal(STR("secret"), STR("secres")));
	assert_false(enc_equal(STR("secret"), STR("secre")));
	assert_false(enc_equal(STR("secret"), STR("")));
	assert_true(enc_equal((struct str){0}, STR("")));
}

static void test_random_and_wipe(void **state)
{
	unsigned char a[32] = {0}, b[32] = {0}, zero[32] = {0};

	(void)state;
	enc_random(a, sizeof(a));
	enc_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	enc_wipe(a, sizeof(a));
	assert_memory_equal(a, zero, sizeof(a));
	enc_wipe(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_bad_base64),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_random_and_wipe),
	};

	return cmocka_run_group_tests_name("enc", tests, NULL, NULL);
}
