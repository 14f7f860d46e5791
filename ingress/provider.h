/*
 * A provider knows one vendor's JSON and nothing else: which pushes a body
 * tells of, and why the rest of it needs nothing. Texts in the output are as
 * the vendor has them; normalise.c decides what may be an event. Adding one:
 * a file provider_<type>.c and a line in providers.c. A provider that is
 * asked for more than its type's body (a handshake, several bodies in one)
 * gets a further member of struct provider here.
 *
 * Strings in the output are borrowed from the body's tree or live in the
 * output's arena.
 */
#ifndef INGRESS_PROVIDER_H
#define INGRESS_PROVIDER_H

#include "ingress/request.h"
#include "proto/base/arena.h"
#include "proto/base/err.h"
#include "proto/base/strbuf.h"
#include "proto/base/vec.h"

struct conf_source;
struct json;

struct provider_push {
	const char *where;      /* in the body, for errors: "events.2" or NULL */
	const char *sender_id;  /* NULL: the sender has none */
	const char *registry;   /* host[:port], or NULL */
	const char *repository; /* required from here on, without the host */
	const char *tag;        /* required */
	const char *digest;     /* or NULL */
	int64_t pushed_at;      /* UTC ms, or 0 */
	/* For the notification; each may be NULL. */
	const char *region, *date_created, *auth_type, *origin_type, *repo_type;
};

/* Understood, and nothing to do. */
struct provider_ignored {
	const char *sender_id, *repository, *tag; /* each may be NULL */
	const char *reason; /* a sentence */
};

struct provider_out {
	struct arena arena;
	VEC(struct provider_push) pushes;
	VEC(struct provider_ignored) ignored;
};

void provider_out_init(struct provider_out *out);
void provider_out_release(struct provider_out *out);

struct provider_in {
	const struct request *req;
	const struct json *body;
	const struct conf_source *source;
};

struct provider {
	const char *name; /* the source's type */
	/* Does the body look like this vendor's? For error texts. */
	bool (*sniff)(const struct provider_in *in);
	/* 0, or -1 when the body breaks the vendor's form: err names the
	 * path. Either list may be empty. */
	int (*parse)(const struct provider_in *in, struct provider_out *out,
		struct err *err);
	/* The smallest body of this vendor that tells of the push; for the
	 * send command. */
	void (*compose)(const struct provider_push *push, int64_t now,
		struct strbuf *body);
};

extern const struct provider *const providers[]; /* NULL at the end */
extern const struct provider provider_distribution, provider_aliyun,
	provider_generic;

const struct provider *provider_named(const char *name); /* or NULL */
/* Whose body it looks like; NULL when it is nobody's. */
const struct provider *provider_guess(const struct provider_in *in);

#endif
