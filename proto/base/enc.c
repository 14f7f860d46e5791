#include "proto/base/enc.h"

#include <errno.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "proto/base/log.h"

_Static_assert(ENC_SHA256_LEN == SHA256_DIGEST_LENGTH, "SHA-256 length");

void enc_random(void *p, size_t n)
{
	unsigned char *at = p;

	while (n != 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			log_fatal("the system gives no random bytes: %s",
				strerror(errno));
		at += got;
		n -= (size_t)got;
	}
}

void enc_hex(const void *p, size_t n, char *out)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *in = p;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hex[in[i] >> 4];
		out[2 * i + 1] = hex[in[i] & 15];
	}
	out[2 * n] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int enc_unhex(struct str s, void *out, size_t n)
{
	unsigned char *to = out;

	if (s.n % 2 != 0 || s.n / 2 != n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int high = hex_value(s.p[2 * i]);
		int low = hex_value(s.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		to[i] = (unsigned char)(high << 4 | low);
	}
	return 0;
}

static const char standard[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char urlsafe[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(
	const char *alphabet, const void *p, size_t n, struct strbuf *out)
{
	const unsigned char *in = p;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t bits = (uint32_t)in[i] << 16;
		char four[4];

		if (left > 1)
			bits |= (uint32_t)in[i + 1] << 8;
		if (left > 2)
			bits |= in[i + 2];
		four[0] = alphabet[bits >> 18];
		four[1] = alphabet[bits >> 12 & 63];
		four[2] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
		four[3] = left > 2 ? alphabet[bits & 63] : '=';
		strbuf_add(out, four, sizeof(four));
	}
}

void enc_base64(const void *p, size_t n, struct strbuf *out)
{
	encode(standard, p, n, out);
}

void enc_base64url(const void *p, size_t n, struct strbuf *out)
{
	encode(urlsafe, p, n, out);
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

int enc_unbase64(struct str s, struct strbuf *out)
{
	uint32_t bits = 0;
	unsigned nbits = 0;

	/* Padding fills up the last four characters, or there is none. */
	if (s.n % 4 == 0 && str_ends(s, STR("==")))
		s.n -= 2;
	else if (s.n % 4 == 0 && str_ends(s, STR("=")))
		s.n--;
	if (s.n % 4 == 1)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		int value = base64_value(s.p[i]);

		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t)value;
		nbits += 6;
		if (nbits < 8)
			continue;
		nbits -= 8;
		strbuf_add_char(out, (char)(bits >> nbits & 255));
		bits &= (1u << nbits) - 1;
	}
	/* The bits that are left over are zero (RFC 4648, section 3.5). */
	return bits == 0 && !out->failed ? 0 : -1;
}

void enc_sha256(const void *p, size_t n, unsigned char out[ENC_SHA256_LEN])
{
	if (EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL) != 1)
		BUG("libcrypto cannot do SHA-256");
}

char *enc_sha256_hex(const void *p, size_t n, char out[ENC_SHA256_HEX])
{
	unsigned char digest[ENC_SHA256_LEN];

	enc_sha256(p, n, digest);
	enc_hex(digest, sizeof(digest), out);
	return out;
}

size_t enc_hmac(enum enc_hash hash, const void *key, size_t nkey,
	const void *p, size_t n, unsigned char out[ENC_HMAC_MAX])
{
	const EVP_MD *md = hash == ENC_SHA1 ? EVP_sha1()
		: hash == ENC_SHA512	    ? EVP_sha512()
					    : EVP_sha256();
	unsigned len;

	if (nkey > INT32_MAX)
		BUG("a key of %zu bytes", nkey);
	/* A NULL key would mean "the key of the call before". */
	if (!HMAC(md, nkey != 0 ? key : "", (int)nkey, p, n, out, &len))
		BUG("libcrypto cannot do HMAC");
	return len;
}

void enc_hmac_sha256(const void *key, size_t nkey, const void *p, size_t n,
	unsigned char out[ENC_SHA256_LEN])
{
	unsigned char mac[ENC_HMAC_MAX];

	enc_hmac(ENC_SHA256, key, nkey, p, n, mac);
	memcpy(out, mac, ENC_SHA256_LEN);
}

bool enc_equal(struct str a, struct str b)
{
	unsigned char ha[ENC_SHA256_LEN], hb[ENC_SHA256_LEN];

	enc_sha256(a.p, a.n, ha);
	enc_sha256(b.p, b.n, hb);
	return CRYPTO_memcmp(ha, hb, sizeof(ha)) == 0;
}

bool enc_same(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

void enc_wipe(void *p, size_t n)
{
	if (n != 0)
		OPENSSL_cleanse(p, n);
}
