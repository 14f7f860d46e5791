#include "proto/io/link_context.h"

#include <errno.h>
#include <zmq.h>

#include "proto/base/log.h"

static struct {
	void *zmq;
	unsigned holders;
} context;

void *link_context_hold(void)
{
	if (context.holders++ == 0) {
		context.zmq = zmq_ctx_new();
		if (!context.zmq)
			log_fatal("cannot start ZeroMQ: %s",
				zmq_strerror(errno));
	}
	return context.zmq;
}

void link_context_release(void)
{
	if (--context.holders > 0)
		return;
	while (zmq_ctx_term(context.zmq) != 0 && errno == EINTR)
		;
	context.zmq = NULL;
}

void *link_context_socket(int type)
{
	void *socket = zmq_socket(context.zmq, type);

	if (!socket)
		log_fatal("cannot open a ZeroMQ socket: %s",
			zmq_strerror(errno));
	return socket;
}

int link_context_fd(void *socket)
{
	int fd = -1;
	size_t n = sizeof(fd);

	if (zmq_getsockopt(socket, ZMQ_FD, &fd, &n) != 0)
		BUG("a ZeroMQ socket without ZMQ_FD: %s", zmq_strerror(errno));
	return fd;
}

bool link_context_readable(void *socket)
{
	int events = 0;
	size_t n = sizeof(events);

	while (zmq_getsockopt(socket, ZMQ_EVENTS, &events, &n) != 0)
		if (errno != EINTR)
			return false;
	return events & ZMQ_POLLIN;
}
