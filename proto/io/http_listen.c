#include "proto/io/http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <unistd.h>

#include "proto/base/mem.h"
#include "proto/base/str.h"

/* Splits "HOST:PORT"; the caller frees both. */
static int split(const char *where, char **host, char **port, struct err *err)
{
	const char *colon = strrchr(where, ':');
	struct str h;
	int64_t number;

	if (!colon || str_to_i64(str_from(colon + 1), &number) != 0 ||
		number < 0 || number > 65535)
		return err_fail(err,
			"\"%s\" is not an address to listen at: write "
			"HOST:PORT, [IPV6]:PORT or *:PORT", where);
	h = (struct str){where, (size_t)(colon - where)};
	if (h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
		h = str_cut(h, 1, h.n - 1);
	if (str_is(h, "*") || h.n == 0)
		h = STR("::");
	*host = xmemdup0(h.p, h.n);
	*port = xstrdup(colon + 1);
	return 0;
}

int http_listen_check(const char *where, struct err *err)
{
	char *host = NULL, *service = NULL;
	int rc = split(where, &host, &service, err);

	free(host);
	free(service);
	return rc;
}

static int open_one(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC |
			SOCK_NONBLOCK, 0);
	int on = 1, off = 0, saved;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
		listen(fd, SOMAXCONN) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* A machine without IPv6 still has all of IPv4 behind "*". */
static int open_any(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE};
	struct addrinfo *list = NULL;
	int fd = -1, saved;

	if (getaddrinfo(host, port, &hints, &list) != 0) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	for (struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next)
		fd = open_one(ai);
	saved = errno;
	freeaddrinfo(list);
	if (fd < 0 && strcmp(host, "::") == 0 &&
		(saved == EAFNOSUPPORT || saved == EADDRNOTAVAIL))
		return open_any("0.0.0.0", port);
	errno = saved;
	return fd;
}

static int port_of(int fd)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &n) != 0)
		return -1;
	return ntohs(ss.ss_family == AF_INET6 ?
			((struct sockaddr_in6 *)&ss)->sin6_port :
			((struct sockaddr_in *)&ss)->sin_port);
}

int http_listen(const char *where, int *port, struct err *err)
{
	char *host = NULL, *service = NULL;
	int fd;

	if (split(where, &host, &service, err) != 0)
		return -1;
	fd = open_any(host, service);
	if (fd < 0)
		err_set(err, ERR_FAIL, errno, "cannot listen at %s: %s", where,
			strerror(errno));
	else
		*port = port_of(fd);
	free(host);
	free(service);
	return fd;
}

void http_listen_peer(const struct sockaddr *sa, char text[INET6_ADDRSTRLEN])
{
	text[0] = '\0';
	if (!sa)
		return;
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;

		inet_ntop(AF_INET, &in->sin_addr, text, INET6_ADDRSTRLEN);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;
		const unsigned char *b = in6->sin6_addr.s6_addr;

		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
			inet_ntop(AF_INET, b + 12, text, INET6_ADDRSTRLEN);
		else
			inet_ntop(AF_INET6, b, text, INET6_ADDRSTRLEN);
	}
}
