#include "proto/io/link_zap.h"

#include <errno.h>
#include <zmq.h>

#include "proto/base/list.h"
#include "proto/base/mem.h"
#include "proto/base/str.h"
#include "proto/base/vec.h"
#include "proto/io/link_context.h"

/* version, request id, domain, address, identity, mechanism, credentials */
#define FRAMES 7

struct key {
	unsigned char bytes[LINK_ZAP_KEY];
};

struct link_zap {
	struct list node;
	char *domain;
	VEC(struct key) keys;
};

/* The one answerer of the process, while there is a domain. */
static struct {
	struct list domains; /* struct link_zap */
	void *socket;
	struct loop_fd *fd;
} zap;

/* ---- answers ----------------------------------------------------------- */

struct request {
	zmq_msg_t frames[FRAMES];
	size_t n;
};

static struct str frame(struct request *r, size_t i)
{
	return (struct str){zmq_msg_data(&r->frames[i]),
		zmq_msg_size(&r->frames[i])};
}

static bool admitted(struct str domain, struct str credentials)
{
	if (credentials.n != LINK_ZAP_KEY)
		return false;
	LIST_EACH(&zap.domains, node) {
		struct link_zap *z = CONTAINER_OF(node, struct link_zap, node);

		if (!str_is(domain, z->domain))
			continue;
		for (size_t i = 0; i < z->keys.n; i++)
			if (memcmp(z->keys.v[i].bytes, credentials.p,
				    LINK_ZAP_KEY) == 0)
				return true;
	}
	return false;
}

static void answer(struct request *r)
{
	bool well_formed = r->n == FRAMES && str_is(frame(r, 0), "1.0");
	bool ok = well_formed && str_is(frame(r, 5), "CURVE") &&
		admitted(frame(r, 2), frame(r, 6));
	struct str id = r->n > 1 ? frame(r, 1) : (struct str){"", 0};

	zmq_send(zap.socket, "1.0", 3, ZMQ_SNDMORE);
	zmq_send(zap.socket, id.p, id.n, ZMQ_SNDMORE);
	zmq_send(zap.socket, ok ? "200" : "400", 3, ZMQ_SNDMORE);
	zmq_send(zap.socket, "", 0, ZMQ_SNDMORE); /* text */
	zmq_send(zap.socket, "", 0, ZMQ_SNDMORE); /* user */
	zmq_send(zap.socket, "", 0, 0);           /* metadata */
}

/* False when there is none. */
static bool read_request(struct request *r)
{
	zmq_msg_t m;
	bool more = true, any = false;

	r->n = 0;
	while (more) {
		zmq_msg_init(&m);
		if (zmq_msg_recv(&m, zap.socket, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&m);
			break;
		}
		any = true;
		more = zmq_msg_more(&m);
		if (r->n < FRAMES) {
			r->frames[r->n] = m;
			r->n++;
		} else {
			zmq_msg_close(&m);
		}
	}
	return any;
}

static void on_request(void *ctx UNUSED, int events UNUSED)
{
	struct request r;

	while (link_context_readable(zap.socket)) {
		if (read_request(&r))
			answer(&r);
		for (size_t i = 0; i < r.n; i++)
			zmq_msg_close(&r.frames[i]);
	}
}

/* ---- life -------------------------------------------------------------- */

static void open_socket(struct loop *l)
{
	int zero = 0;

	list_init(&zap.domains);
	link_context_hold();
	zap.socket = link_context_socket(ZMQ_REP);
	zmq_setsockopt(zap.socket, ZMQ_LINGER, &zero, sizeof(zero));
	if (zmq_bind(zap.socket, "inproc://zeromq.zap.01") != 0)
		BUG("cannot answer ZeroMQ's questions: %s",
			zmq_strerror(errno));
	zap.fd = loop_fd_start(l, link_context_fd(zap.socket), LOOP_READ,
		on_request, NULL);
}

struct link_zap *link_zap_new(struct loop *l, const char *domain)
{
	struct link_zap *z = xcalloc(1, sizeof(*z));

	if (!zap.socket)
		open_socket(l);
	z->domain = xstrdup(domain);
	list_push_back(&zap.domains, &z->node);
	return z;
}

void link_zap_admit(struct link_zap *z, const unsigned char key[LINK_ZAP_KEY])
{
	struct key k;

	memcpy(k.bytes, key, LINK_ZAP_KEY);
	VEC_PUSH(&z->keys, k);
}

void link_zap_free(struct link_zap *z)
{
	if (!z)
		return;
	list_remove(&z->node);
	VEC_RELEASE(&z->keys);
	free(z->domain);
	free(z);
	if (!list_empty(&zap.domains))
		return;
	loop_fd_stop(&zap.fd);
	zmq_close(zap.socket);
	zap.socket = NULL;
	link_context_release();
}
