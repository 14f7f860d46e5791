/*
 * A provider knows one vendor's JSON and nothing else: which pushes a body
 * tells of, and why the rest of it needs nothing. Texts in the output are as
 * the vendor has them; normalise.c decides what may be an event. Adding one:
 * a file provider_<type>.c and a line in providers.c. What many of them need
 * is in vendor.h; CloudEvents' envelope is in cloudevent.h.
 *
 * Strings in the output are borrowed from the body's tree or the request, or
 * live in the output's arena or its kept trees.
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
	/* A handshake's answer: the body of a 200, when there is no push. */
	struct json *answer;
	VEC(struct json *) kept; /* trees of JSON inside JSON; owned */
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
	/* A little less than its senders wait for an answer, ms; 0: longer than
	 * most disks take. */
	int64_t patience_ms;
	bool form;    /* the body may be a form whose payload= is the JSON */
	bool options; /* asks by OPTIONS whether it may post (CloudEvents) */
};

#define PROVIDER_PATIENCE_MS 4000 /* of those that do not say */

extern const struct provider *const providers[]; /* NULL at the end */
extern const struct provider provider_distribution, provider_gitlab,
	provider_dockerhub, provider_aliyun, provider_harbor, provider_tencent,
	provider_quay, provider_github, provider_gitea, provider_azure,
	provider_ecr, provider_gar, provider_jfrog, provider_nexus,
	provider_msr, provider_zot, provider_cloudevents, provider_generic,
	provider_auto;

const struct provider *provider_named(const char *name); /* or NULL */
/* Whose request it looks like, by its headers, then by its body; NULL when it
 * is nobody's. */
const struct provider *provider_guess(const struct provider_in *in);
/* The body's JSON; of a form, its payload= when the provider takes forms.
 * NULL and err when it is none. The caller frees it. */
struct json *provider_body(const struct provider *p, const struct request *req,
	struct err *err);

#endif
