#include "proto/data/url.h"

#include <arpa/inet.h>

static const int http_ports[] = {80, 21, 443, 70, 210, 280, 488, 591, 777};

static int check_bytes(struct str text, struct err *err)
{
	if (text.n > URL_MAX)
		return err_fail(err, "the URL is longer than %d bytes",
			URL_MAX);
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] <= ' ' ||
			(unsigned char)text.p[i] > '~')
			return err_fail(err, "byte %zu of the URL is a space, "
				"a control or not ASCII: write it as %%XX, a "
				"name in its xn-- form", i);
	if (str_find(text, '#') < text.n)
		return err_fail(err, "a URL to post to has no #fragment");
	return 0;
}

/* The port after the host's colon. */
static int parse_port(struct str s, int *port, struct err *err)
{
	int64_t n;

	if (s.n == 0 || s.n > 5 || s.p[0] < '0' || s.p[0] > '9' ||
		str_to_i64(s, &n) < 0 || n < 1 || n > 65535)
		return err_fail(err, "`%.*s` is no port: 1 to 65535",
			(int)(s.n > 20 ? 20 : s.n), s.p);
	*port = (int)n;
	return 0;
}

static int set_host(struct url *out, struct str host, struct err *err)
{
	struct in6_addr addr;

	if (host.n == 0)
		return err_fail(err, "the URL has no host");
	if (host.n >= sizeof(out->host))
		return err_fail(err, "the URL's host is too long");
	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];

		out->host[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	out->host[host.n] = '\0';
	if (out->ipv6 && inet_pton(AF_INET6, out->host, &addr) != 1)
		return err_fail(err, "`[%s]` is no IPv6 address", out->host);
	if (!out->ipv6 && strspn(out->host, "abcdefghijklmnopqrstuvwxyz"
					    "0123456789.-_") != host.n)
		return err_fail(err, "`%s` is no host name", out->host);
	return 0;
}

static int parse_authority(struct str a, struct url *out, struct err *err)
{
	struct str host, rest;
	size_t end;

	if (str_find(a, '@') < a.n)
		return err_fail(err, "the URL carries a user name or password "
				     "(before @): leave them out");
	out->ipv6 = a.n > 0 && a.p[0] == '[';
	if (out->ipv6) {
		end = str_find(a, ']');
		if (end == a.n)
			return err_fail(err, "the URL's host lacks its ]");
		host = str_cut(a, 1, end);
		rest = str_cut(a, end + 1, a.n);
		if (rest.n && rest.p[0] != ':')
			return err_fail(err, "the URL's host is malformed");
	} else {
		end = str_find(a, ':');
		host = str_cut(a, 0, end);
		rest = str_cut(a, end, a.n);
	}
	if (rest.n && parse_port(str_cut(rest, 1, rest.n), &out->port, err) < 0)
		return -1;
	return set_host(out, host, err);
}

static bool has_scheme(struct str text, const char *scheme)
{
	size_t n = strlen(scheme);

	return text.n >= n && strncasecmp(text.p, scheme, n) == 0;
}

int url_parse(struct str text, struct url *out, struct err *err)
{
	size_t start, end;

	memset(out, 0, sizeof(*out));
	if (check_bytes(text, err) < 0)
		return -1;
	out->https = has_scheme(text, "https://");
	if (!out->https && !has_scheme(text, "http://"))
		return err_fail(err, "the URL does not start with http:// or "
				     "https://");
	start = out->https ? 8 : 7;
	for (end = start; end < text.n; end++)
		if (strchr("/?\\", text.p[end]))
			break;
	if (end < text.n && text.p[end] == '\\')
		return err_fail(err, "the URL has a backslash in its host");
	out->port = out->https ? 443 : 80;
	if (parse_authority(str_cut(text, start, end), out, err) < 0)
		return -1;
	out->path_query = end == text.n ? STR("/")
					: str_cut(text, end, text.n);
	return 0;
}

int url_policy(const struct url *url, struct err *err)
{
	if (url->https && url->port == 443)
		return 0;
	if (url->https)
		return err_fail(err, "https is sent to port 443 only, not %d: "
				     "put the service on 443, or use an http "
				     "URL for other ports", url->port);
	if (url->port >= 1025)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(http_ports); i++)
		if (url->port == http_ports[i])
			return 0;
	return err_fail(err, "http is not sent to port %d: use 80, 21, 443, "
			     "70, 210, 280, 488, 591, 777 or 1025 to 65535",
		url->port);
}

void url_redact(struct str text, struct strbuf *out)
{
	size_t query = str_find(text, '?');
	struct str rest = str_cut(text, query + 1, text.n), part;
	bool first = true;

	strbuf_add_str(out, str_cut(text, 0, query));
	while (query < text.n && str_split(&rest, '&', &part)) {
		size_t eq = str_find(part, '=');

		strbuf_add_char(out, first ? '?' : '&');
		first = false;
		if (eq < part.n)
			strbuf_add_str(out, str_cut(part, 0, eq + 1));
		/* A part without a value may itself be the secret. */
		if (part.n)
			strbuf_add_cstr(out, "***");
	}
}
