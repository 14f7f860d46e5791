#include "ingress/vendor.h"

#include <stdarg.h>

#include "ingress/normalise.h"
#include "proto/base/enc.h"

bool vendor_is_signature(const char *tag)
{
	static const struct str words[] = {
		{".sig", 4}, {".att", 4}, {".sbom", 5}};
	struct str s = str_from(tag);

	if (!str_starts(s, STR("sha256-")))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ends(s, words[i]))
			return true;
	return false;
}

void vendor_ignore(struct provider_out *out, const char *sender_id,
	const char *repository, const char *tag, const char *reason)
{
	struct provider_ignored ig = {sender_id, repository, tag, reason};

	VEC_PUSH(&out->ignored, ig);
}

/* An event's id has room for 255 bytes; a longer one is as good hashed. */
static const char *bounded_id(struct arena *arena, const char *id)
{
	char hex[ENC_SHA256_HEX];

	if (!id || strlen(id) < 256)
		return id;
	enc_sha256_hex(id, strlen(id), hex);
	return arena_strdup(arena, str_from(hex));
}

void vendor_push(struct provider_out *out, const struct provider_push *push)
{
	struct provider_push p = *push;
	const char *reason = NULL;

	if (!p.tag || !*p.tag)
		reason = "an image was pushed without a tag";
	else if (str_starts(str_from(p.tag), STR("sha256:")))
		reason = "an image was pushed by digest, without a tag";
	else if (vendor_is_signature(p.tag))
		reason = "a signature or attestation was pushed, not an image";
	if (reason) {
		vendor_ignore(out, p.sender_id, p.repository, NULL, reason);
		return;
	}
	if (!normalise_is_digest(str_from(p.digest)))
		p.digest = NULL;
	p.sender_id = bounded_id(&out->arena, p.sender_id);
	VEC_PUSH(&out->pushes, p);
}

const char *vendor_join(struct arena *arena, const char *namespace,
	const char *name)
{
	if (!namespace || !*namespace)
		return name;
	if (!name || !*name)
		return namespace;
	return arena_printf(arena, "%s/%s", namespace, name);
}

const char *vendor_nth_id(struct arena *arena, const char *id, size_t i)
{
	return id && i ? arena_printf(arena, "%s/%zu", id, i) : id;
}

static const char *keep(struct arena *arena, struct str s)
{
	return s.n ? arena_strdup(arena, s) : NULL;
}

void vendor_reference(struct arena *arena, const char *text,
	struct vendor_reference *out)
{
	struct str rest = str_from(text), host;
	size_t at, colon;

	if (str_starts(rest, STR("https://")))
		rest = str_cut(rest, strlen("https://"), rest.n);
	at = str_find(rest, '@');
	out->digest = keep(arena, str_cut(rest, at + 1, rest.n));
	normalise_split_host(str_cut(rest, 0, at), &host, &rest);
	colon = str_find(rest, ':');
	out->host = keep(arena, host);
	out->repository = keep(arena, str_cut(rest, 0, colon));
	out->tag = keep(arena, str_cut(rest, colon + 1, rest.n));
}

const char *vendor_url_host(struct arena *arena, const char *url)
{
	struct str s = str_from(url);

	if (str_starts(s, STR("https://")))
		s = str_cut(s, strlen("https://"), s.n);
	else if (str_starts(s, STR("http://")))
		s = str_cut(s, strlen("http://"), s.n);
	else
		return NULL;
	return keep(arena, str_cut(s, 0, str_find(s, '/')));
}

const char *vendor_str(const struct json *j, const char *path)
{
	return json_str(json_path(j, path));
}

int64_t vendor_time(const struct json *j, const char *path)
{
	const struct json *value = json_path(j, path);
	const char *text = json_str(value);
	int64_t n;

	if (text)
		return str_to_time(str_from(text), &n) < 0 || n < 0 ? 0 : n;
	n = json_i64(value, 0);
	return n > 0 && n < INT64_C(100000000000) ? n * 1000 : 0;
}

const struct json *vendor_inner(struct provider_out *out, struct str text)
{
	struct json *tree = json_parse(text, NULL, NULL);

	if (tree)
		VEC_PUSH(&out->kept, tree);
	return tree;
}

struct json *vendor_object(const char *key, ...)
{
	struct json *object = json_new_object();
	va_list ap;

	va_start(ap, key);
	for (; key; key = va_arg(ap, const char *)) {
		const char *value = va_arg(ap, const char *);

		if (value)
			json_set_str(object, key, value);
	}
	va_end(ap);
	return object;
}

void vendor_write(struct json *root, struct strbuf *body)
{
	json_write(root, body);
	json_free(root);
}
