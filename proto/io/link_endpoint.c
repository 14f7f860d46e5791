#include "proto/io/link_endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- parse ------------------------------------------------------------- */

static int parse_ipc(struct link_endpoint *e, struct str path, struct err *err)
{
	if (path.n == 0 || path.p[0] != '/')
		return err_fail(err,
			"%s needs an absolute path: ipc:///run/pullwire/name",
			e->text);
	if (path.n >= sizeof(e->path))
		return err_fail(err,
			"the path of %s is longer than %zu bytes, more than a "
			"socket can have", e->text, sizeof(e->path) - 1);
	snprintf(e->path, sizeof(e->path), "%.*s", (int)path.n, path.p);
	e->ipc = true;
	return 0;
}

static bool is_address(const char *host)
{
	unsigned char buf[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, buf) == 1 ||
		inet_pton(AF_INET6, host, buf) == 1;
}

static bool is_host(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			    (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
			    c == '_' || c == ':'))
			return false;
	}
	return s.n > 0;
}

static int parse_tcp(struct link_endpoint *e, struct str rest, bool bind,
	struct err *err)
{
	size_t colon = rest.n;
	struct str host, port;
	int64_t number = 0;
	bool free_port;

	while (colon > 0 && rest.p[colon - 1] != ':')
		colon--;
	host = str_cut(rest, 0, colon ? colon - 1 : 0);
	port = str_cut(rest, colon, rest.n);
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = str_cut(host, 1, host.n - 1);
	else if (str_find(host, ':') < host.n)
		host.n = 0;
	free_port = bind && str_is(port, "*");
	if (host.n >= sizeof(e->host) ||
		!(is_host(host) || (bind && str_is(host, "*"))) ||
		(!free_port && (str_to_i64(port, &number) != 0 || number < 1 ||
				       number > 65535)))
		return err_fail(err, "%s is not tcp://%s:PORT", e->text,
			bind ? "ADDRESS" : "HOST");
	snprintf(e->host, sizeof(e->host), "%.*s", (int)host.n, host.p);
	snprintf(e->port, sizeof(e->port), "%.*s", (int)port.n, port.p);
	e->numeric = is_address(e->host);
	if (bind && !e->numeric && strcmp(e->host, "*") != 0 &&
		strcmp(e->host, "localhost") != 0)
		return err_fail(err,
			"%s names a host: to bind, write an address of this "
			"machine or tcp://*:%s", e->text, e->port);
	return 0;
}

int link_endpoint_parse(struct link_endpoint *e, const char *text, bool bind,
	struct err *err)
{
	struct str s = str_from(text);

	*e = (struct link_endpoint){0};
	if (s.n >= sizeof(e->text))
		return err_fail(err, "an endpoint is longer than %zu bytes",
			sizeof(e->text) - 1);
	snprintf(e->text, sizeof(e->text), "%s", text);
	if (str_starts(s, STR("ipc://")))
		return parse_ipc(e, str_cut(s, 6, s.n), err);
	if (str_starts(s, STR("tcp://")))
		return parse_tcp(e, str_cut(s, 6, s.n), bind, err);
	return err_fail(err,
		"\"%s\" is not an endpoint: write ipc:///PATH or "
		"tcp://HOST:PORT", text);
}

/* ---- rules ------------------------------------------------------------- */

static bool is_loopback(const struct link_endpoint *e)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, e->host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, e->host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return strcmp(e->host, "localhost") == 0;
}

int link_endpoint_allow(const struct link_endpoint *e, bool keys, bool plain,
	struct err *err)
{
	if (e->ipc || keys || plain || is_loopback(e))
		return 0;
	return err_fail(err,
		"%s is tcp beyond this machine without keys: set `keys: FOLDER` "
		"(made by `pullwire-ingress keys FOLDER`), or `links: plain` at "
		"the top level if the network between the processes is trusted",
		e->text);
}

void link_endpoint_at(const struct link_endpoint *e, const char *address,
	char *text, size_t n)
{
	if (e->ipc)
		snprintf(text, n, "%s", e->text);
	else
		snprintf(text, n,
			strchr(address, ':') ? "tcp://[%s]:%s" : "tcp://%s:%s",
			address, e->port);
}

/* ---- ipc --------------------------------------------------------------- */

/* The folder of path, made 0700 with its parents as far as they are missing. */
static int make_folder(const char *path, struct err *err)
{
	char folder[128];
	struct stat st;

	snprintf(folder, sizeof(folder), "%s", path);
	for (char *p = folder + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(folder, 0700) != 0 && errno != EEXIST &&
			errno != EROFS && errno != EACCES && errno != EPERM)
			return err_fail(err, "cannot make the folder %s: %s",
				folder, strerror(errno));
		*p = '/';
	}
	*strrchr(folder, '/') = '\0';
	if (stat(folder[0] ? folder : "/", &st) != 0)
		return err_fail(err, "cannot make the folder %s: %s", folder,
			strerror(errno));
	if (st.st_mode & S_IWOTH)
		return err_fail(err,
			"everybody may write to the folder %s: a link's socket "
			"needs a folder of mode 0700", folder);
	return 0;
}

int link_endpoint_lock(const struct link_endpoint *e, struct err *err)
{
	char lock[128];
	int fd;

	if (make_folder(e->path, err) != 0)
		return -1;
	snprintf(lock, sizeof(lock), "%s.lock", e->path);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_fail(err, "cannot open %s: %s", lock,
			strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (errno == EWOULDBLOCK)
		err_fail(err, "another process serves %s (it holds %s)",
			e->text, lock);
	else
		err_fail(err, "cannot lock %s: %s", lock, strerror(errno));
	close(fd);
	return -1;
}
