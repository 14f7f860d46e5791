/*
 * What the vendors' bodies have in common, so that a provider is only its
 * vendor's fields. Times and digests are decoration here: one that is none is
 * dropped, since the documentation of most vendors shows such, and the tag
 * says what to deploy. Strings live in the output's arena or are borrowed.
 */
#ifndef INGRESS_VENDOR_H
#define INGRESS_VENDOR_H

#include "ingress/provider.h"
#include "proto/data/json.h"

/* Adds the push, or what it really is: one by digest, without a tag, or a
 * signature's. The digest is dropped when it is none. */
void vendor_push(struct provider_out *out, const struct provider_push *push);
void vendor_ignore(struct provider_out *out, const char *sender_id,
	const char *repository, const char *tag, const char *reason);
/* "namespace/name", or either when the other is NULL or empty. */
const char *vendor_join(struct arena *arena, const char *namespace,
	const char *name);
/* The i-th push of a body that has one id for all of them. */
const char *vendor_nth_id(struct arena *arena, const char *id, size_t i);

struct vendor_reference {
	const char *host, *repository, *tag, *digest; /* each may be NULL */
};

/* [HOST/]REPOSITORY[:TAG][@DIGEST], with or without https:// before it. */
void vendor_reference(struct arena *arena, const char *text,
	struct vendor_reference *out);
/* The host[:port] of an http(s) URL, or NULL. */
const char *vendor_url_host(struct arena *arena, const char *url);

/* A string at the path, or NULL for whatever else is there. */
const char *vendor_str(const struct json *j, const char *path);
/* UTC ms of an RFC 3339 time or of seconds; 0 when it is none. */
int64_t vendor_time(const struct json *j, const char *path);
/* A tag's last word: a signature, attestation or SBOM beside an image. */
bool vendor_is_signature(const char *tag);
/* JSON in a text, kept until the output is released. NULL when it is none. */
const struct json *vendor_inner(struct provider_out *out, struct str text);

/* Composing: an object of (key, string) pairs, NULL at the end; a NULL string
 * leaves its member out. */
struct json *vendor_object(const char *key, ...) __attribute__((sentinel));
/* Writes the tree to body and frees it. */
void vendor_write(struct json *root, struct strbuf *body);

#endif
