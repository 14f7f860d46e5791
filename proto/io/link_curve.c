#include "proto/io/link_curve.h"

#include <errno.h>
#include <zmq.h>

#include "proto/base/enc.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/vec.h"
#include "proto/io/link_zap.h"

/* Its number is the same in every version; stable headers do not name it.
 * With it, a server whose ZAP handler is gone lets nobody in, not everybody. */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

struct text {
	char key[KEYS_TEXT];
};

struct link_curve {
	bool server;
	char secret[KEYS_TEXT], public[KEYS_TEXT];
	char server_public[KEYS_TEXT]; /* client */
	VEC(struct text) admit;        /* server */
	struct link_zap *zap;
};

static int read_admitted(struct link_curve *c, const struct link_options *opt,
	struct err *err)
{
	struct text t;

	for (size_t i = 0; opt->admit && opt->admit[i]; i++) {
		if (keys_public(opt->keys, opt->admit[i], t.key, err) != 0)
			return -1;
		VEC_PUSH(&c->admit, t);
	}
	return 0;
}

struct link_curve *link_curve_read(const struct link_options *opt, bool server,
	struct err *err)
{
	struct link_curve *c = xcalloc(1, sizeof(*c));
	int rc;

	if (!opt->role || (!server && !opt->server_role))
		BUG("a link with keys needs to know whose");
	c->server = server;
	rc = keys_secret(opt->keys, opt->role, c->secret, c->public, err);
	if (rc == 0)
		rc = server ? read_admitted(c, opt, err) :
			      keys_public(opt->keys, opt->server_role,
				      c->server_public, err);
	if (rc == 0)
		return c;
	link_curve_free(c);
	return NULL;
}

static void set(void *socket, int option, const void *value, size_t n)
{
	if (zmq_setsockopt(socket, option, value, n) != 0)
		log_fatal("this ZeroMQ cannot protect links: option %d: %s",
			option, zmq_strerror(errno));
}

static void apply_server(struct link_curve *c, struct loop *l, void *socket)
{
	static unsigned long long last;
	unsigned char raw[LINK_ZAP_KEY];
	char domain[32];
	int one = 1;

	snprintf(domain, sizeof(domain), "link-%llu", ++last);
	c->zap = link_zap_new(l, domain);
	for (size_t i = 0; i < c->admit.n; i++)
		if (zmq_z85_decode(raw, c->admit.v[i].key))
			link_zap_admit(c->zap, raw);
	set(socket, ZMQ_ZAP_DOMAIN, domain, strlen(domain));
	set(socket, ZMQ_ZAP_ENFORCE_DOMAIN, &one, sizeof(one));
	set(socket, ZMQ_CURVE_SERVER, &one, sizeof(one));
}

void link_curve_apply(struct link_curve *c, struct loop *l, void *socket)
{
	if (c->server)
		apply_server(c, l, socket);
	else
		set(socket, ZMQ_CURVE_SERVERKEY, c->server_public, KEYS_TEXT);
	set(socket, ZMQ_CURVE_PUBLICKEY, c->public, KEYS_TEXT);
	set(socket, ZMQ_CURVE_SECRETKEY, c->secret, KEYS_TEXT);
}

void link_curve_free(struct link_curve *c)
{
	if (!c)
		return;
	link_zap_free(c->zap);
	VEC_RELEASE(&c->admit);
	enc_wipe(c->secret, sizeof(c->secret));
	free(c);
}
