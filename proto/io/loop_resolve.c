#include "proto/io/loop.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "proto/base/mem.h"
#include "proto/base/vec.h"
#include "proto/io/loop_drop.h"

/* A name with more addresses than this is cut: each becomes a connection. */
#define ADDRESSES_MAX 256

struct loop_lookup {
	char *host;
	void (*fn)(void *ctx, char *const *addresses, size_t n,
		const struct err *err); /* NULL: cancelled */
	void *ctx;
	VEC(char *) addresses;
	struct err err;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_address(struct loop_lookup *r, const struct addrinfo *ai)
{
	char text[NI_MAXHOST];

	if (r->addresses.n >= ADDRESSES_MAX)
		return;
	if (getnameinfo(ai->ai_addr, ai->ai_addrlen, text, sizeof(text), NULL,
		    0, NI_NUMERICHOST) != 0)
		return;
	for (size_t i = 0; i < r->addresses.n; i++)
		if (strcmp(r->addresses.v[i], text) == 0)
			return;
	VEC_PUSH(&r->addresses, xstrdup(text));
}

/* 0, or what getaddrinfo says. */
static int look_up(struct loop_lookup *r, int flags)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
	struct addrinfo *list = NULL;
	int rc = getaddrinfo(r->host, NULL, &hints, &list);

	if (rc != 0)
		return rc;
	for (struct addrinfo *ai = list; ai; ai = ai->ai_next)
		add_address(r, ai);
	freeaddrinfo(list);
	if (r->addresses.n > 1)
		qsort(r->addresses.v, r->addresses.n, sizeof(char *), by_text);
	return 0;
}

/* On a thread: getaddrinfo may block for as long as the resolver likes. */
static void resolve_work(void *ctx)
{
	struct loop_lookup *r = ctx;
	int rc = look_up(r, 0);

	if (rc != 0)
		err_retry(&r->err, "cannot resolve %s: %s", r->host,
			gai_strerror(rc));
	else if (r->addresses.n == 0)
		err_retry(&r->err, "%s has no address", r->host);
}

static void lookup_free(void *ctx)
{
	struct loop_lookup *r = ctx;

	for (size_t i = 0; i < r->addresses.n; i++)
		free(r->addresses.v[i]);
	VEC_RELEASE(&r->addresses);
	free(r->host);
	free(r);
}

static void resolve_done(void *ctx)
{
	struct loop_lookup *r = ctx;

	if (r->fn)
		r->fn(r->ctx, r->addresses.v, r->addresses.n,
			r->addresses.n ? NULL : &r->err);
	lookup_free(r);
}

struct loop_lookup *loop_resolve(struct loop *l, const char *host,
	void (*fn)(void *ctx, char *const *addresses, size_t n,
		const struct err *err),
	void *ctx)
{
	struct loop_lookup *r = xcalloc(1, sizeof(*r));

	r->host = xstrdup(host);
	r->fn = fn;
	r->ctx = ctx;
	if (look_up(r, AI_NUMERICHOST) == 0)
		loop_drop_post(l, resolve_done, lookup_free, r);
	else
		loop_drop_spawn(
			l, resolve_work, resolve_done, lookup_free, r);
	return r;
}

void loop_resolve_cancel(struct loop_lookup **h)
{
	if (!*h)
		return;
	/* Only the loop's thread looks at fn. */
	(*h)->fn = NULL;
	*h = NULL;
}
