#include "proto/io/http_peer.h"

#include <fcntl.h>
#include <microhttpd.h>

#include "proto/base/mem.h"

struct http_peer {
	struct http_watch *watch;
	struct http_watched *watched;
	struct gnutls_session_int *session; /* NULL without TLS */
	struct http_tls_session tls;
	bool shaken;
};

static struct http_peer *of(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static int fd_of(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		conn, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

/* Once: what a client asks for later begins no time anew. */
static void on_shaken(void *ctx)
{
	struct http_peer *c = ctx;

	if (!c->shaken)
		http_watch_phase(c->watch, c->watched, HTTP_PHASE_HEAD);
	c->shaken = true;
}

struct http_peer *http_peer_new(struct MHD_Connection *conn,
	struct http_watch *w, struct http_tls *tls)
{
	struct http_peer *c;
	int fd = fd_of(conn);

	if (fd < 0)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->watch = w;
	c->watched = http_watch_add(w, fd,
		tls ? HTTP_PHASE_TLS : HTTP_PHASE_HEAD);
	if (!tls)
		return c;
	c->session = MHD_get_connection_info(conn,
		MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
	c->tls = (struct http_tls_session){tls, on_shaken, c};
	http_tls_begin(&c->tls, c->session);
	return c;
}

void http_peer_free(struct http_peer *c)
{
	if (!c)
		return;
	http_watch_remove(c->watch, c->watched);
	free(c);
}

void http_peer_enter(struct MHD_Connection *conn, enum http_phase phase)
{
	struct http_peer *c = of(conn);

	if (c)
		http_watch_phase(c->watch, c->watched, phase);
}

bool http_peer_late(struct MHD_Connection *conn)
{
	struct http_peer *c = of(conn);

	return c && http_watch_late(c->watch, c->watched);
}

int http_peer_dup(struct MHD_Connection *conn)
{
	int fd = fd_of(conn);

	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static void add_identity(void *ctx, struct str name)
{
	http_request_add_identity(ctx, name);
}

void http_peer_identify(struct MHD_Connection *conn, struct http_request *r)
{
	struct http_peer *c = of(conn);

	if (c && c->session)
		http_tls_identify(c->tls.tls, c->session, add_identity, r);
}
