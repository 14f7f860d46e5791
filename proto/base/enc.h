/*
 * Hex, base64 (RFC 4648), SHA-256, HMAC (RFC 2104), random bytes and the
 * constant-time comparison, thin over libcrypto. Only file with its headers.
 */
#ifndef PROTO_BASE_ENC_H
#define PROTO_BASE_ENC_H

#include "proto/base/strbuf.h"

#define ENC_SHA256_LEN 32
#define ENC_SHA256_HEX 65 /* with the NUL */

void enc_random(void *p, size_t n); /* exits when the system has none */
void enc_hex(const void *p, size_t n, char *out); /* out: 2n + 1 bytes */
/* 0 or -1; exactly n bytes, either case. */
int enc_unhex(struct str s, void *out, size_t n);

void enc_base64(const void *p, size_t n, struct strbuf *out);
/* With - and _ for + and /; padded like the other. */
void enc_base64url(const void *p, size_t n, struct strbuf *out);
/* Appends to out. Either alphabet, whole padding or none, no other byte, no
 * stray bits at the end. 0, or -1 (out may then hold a part). */
int enc_unbase64(struct str s, struct strbuf *out);

void enc_sha256(const void *p, size_t n, unsigned char out[ENC_SHA256_LEN]);
char *enc_sha256_hex(const void *p, size_t n, char out[ENC_SHA256_HEX]);
void enc_hmac_sha256(const void *key, size_t nkey, const void *p, size_t n,
	unsigned char out[ENC_SHA256_LEN]);

enum enc_hash { ENC_SHA256, ENC_SHA1, ENC_SHA512 };
#define ENC_HMAC_MAX 64
/* Its length in bytes: 32, 20 or 64. */
size_t enc_hmac(enum enc_hash hash, const void *key, size_t nkey,
	const void *p, size_t n, unsigned char out[ENC_HMAC_MAX]);

/* Equal contents, in time that depends on neither: both are hashed first. */
bool enc_equal(struct str a, struct str b);
/* The same n bytes, in time that depends on n only. */
bool enc_same(const void *a, const void *b, size_t n);
/* Overwrites in a way that the compiler keeps. */
void enc_wipe(void *p, size_t n);

#endif
