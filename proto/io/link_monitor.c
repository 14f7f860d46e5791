#include "proto/io/link_monitor.h"

#include <errno.h>
#include <zmq.h>

#include "proto/io/link_context.h"

#define EVENTS_FAILED \
	(ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | \
		ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | \
		ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)

void *link_monitor_open(void *watched, bool connections)
{
	static uint64_t last;
	int events = EVENTS_FAILED, zero = 0;
	void *monitor = link_context_socket(ZMQ_PAIR);
	char name[64];

	if (connections)
		events |= ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
			ZMQ_EVENT_DISCONNECTED;
	snprintf(name, sizeof(name), "inproc://monitor-%llu",
		(unsigned long long)++last);
	zmq_setsockopt(monitor, ZMQ_LINGER, &zero, sizeof(zero));
	/* Unbounded: ZeroMQ's own thread would wait for us otherwise. */
	zmq_setsockopt(monitor, ZMQ_RCVHWM, &zero, sizeof(zero));
	if (zmq_socket_monitor(watched, name, events) != 0 ||
		zmq_connect(monitor, name) != 0)
		BUG("cannot watch a ZeroMQ socket: %s", zmq_strerror(errno));
	return monitor;
}

static int read_frame(void *monitor, void *p, size_t size)
{
	int n;

	do
		n = zmq_recv(monitor, p, size, ZMQ_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n;
}

enum link_news link_monitor_next(void *monitor)
{
	unsigned char head[6];
	char address[256];
	uint16_t event;

	if (read_frame(monitor, head, sizeof(head)) != sizeof(head))
		return LINK_NEWS_NONE;
	read_frame(monitor, address, sizeof(address)); /* not needed */
	memcpy(&event, head, sizeof(event));
	if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
		return LINK_NEWS_UP;
	if (event == ZMQ_EVENT_DISCONNECTED)
		return LINK_NEWS_LOST;
	if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
		return LINK_NEWS_REFUSED;
	return LINK_NEWS_FAILED;
}

void link_monitor_close(void *monitor, void *watched)
{
	zmq_socket_monitor(watched, NULL, 0);
	zmq_close(monitor);
}
