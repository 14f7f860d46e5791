#include "ingress/send.h"

#include "ingress/provider.h"
#include "proto/base/clock.h"
#include "proto/base/enc.h"
#include "proto/base/uid.h"
#include "proto/io/http_client.h"

static void add_encoded(struct strbuf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			(c >= 'a' && c <= 'z') || c == '-' || c == '.' ||
			c == '_' || c == '~')
			strbuf_add_char(out, (char)c);
		else
			strbuf_addf(out, "%%%02X", c);
	}
}

void send_url(const char *http, const char *source, struct str token,
	struct strbuf *url)
{
	const char *port = strrchr(http, ':');
	struct str host = str_cut(str_from(http), 0,
		port ? (size_t)(port - http) : strlen(http));

	if (host.n == 0 || str_is(host, "0.0.0.0") || str_is(host, "*"))
		host = STR("127.0.0.1");
	else if (str_is(host, "[::]"))
		host = STR("[::1]");
	strbuf_add_cstr(url, "http://");
	strbuf_add_str(url, host);
	strbuf_add_cstr(url, port ? port : "");
	strbuf_addf(url, "/v1/webhooks/%s", source);
	if (token.n) {
		strbuf_add_cstr(url, "?token=");
		add_encoded(url, token);
	}
}

int send_split(char *reference, const char **tag)
{
	char *colon = strrchr(reference, ':');

	if (!colon || colon == reference || strchr(colon, '/') || !colon[1])
		return -1;
	*colon = '\0';
	*tag = colon + 1;
	return 0;
}

static struct str first_secret(const struct opt_secrets *s)
{
	return s->n ? (struct str){s->v[0].p, s->v[0].n} : STR("");
}

/* Posts and prints; the exit code. */
static int post(const struct conf *conf, const struct conf_source *source,
	struct str body)
{
	struct strbuf url = {0}, auth = {0};
	struct str bearer = first_secret(&source->auth.bearer);
	const char *headers[2] = {"Content-Type: application/json"};
	struct http_call call = {
		.method = "POST",
		.headers = headers,
		.n_headers = 1,
		.body = body,
		.total_ms = 10000,
		.max_body = 65536,
	};
	struct http_result res = {0};
	struct err err = {0};
	int code = 1;

	send_url(conf->ingress.http, source->name,
		first_secret(&source->auth.url_token), &url);
	call.url = strbuf_cstr(&url);
	if (bearer.n) {
		strbuf_add_cstr(&auth, "Authorization: Bearer ");
		strbuf_add_str(&auth, bearer);
		headers[call.n_headers++] = strbuf_cstr(&auth);
	}
	http_global_init();
	if (http_perform(NULL, &call, &res, &err) < 0) {
		fprintf(stderr, "pullwire-ingress: %s: %s\n",
			conf->ingress.http, err.text);
	} else {
		printf("%d %s", res.status, strbuf_cstr(&res.body));
		code = res.status / 100 == 2 ? 0 : 1;
	}
	http_result_release(&res);
	if (auth.buf)
		enc_wipe(auth.buf, auth.len);
	if (url.buf)
		enc_wipe(url.buf, url.len);
	strbuf_release(&auth);
	strbuf_release(&url);
	return code;
}

static int usage(const char *fault)
{
	fprintf(stderr, "pullwire-ingress: %s\n"
		"usage: pullwire-ingress send SOURCE REPOSITORY:TAG "
		"[--digest sha256:…]\n", fault);
	return 2;
}

int send_run(const struct conf *conf, int argc, char **argv)
{
	struct provider_push push = {0};
	const struct conf_source *source;
	struct strbuf body = {0};
	char id[UID_LEN];
	int64_t now = clock_wall();
	int code;

	if (argc != 3 && argc != 5)
		return usage("send takes a source and a repository with a tag");
	if (argc == 5 && strcmp(argv[3], "--digest") != 0)
		return usage("the only option of send is --digest");
	source = conf_source(conf, str_from(argv[1]));
	if (!source)
		return usage("no source of this name is configured");
	if (send_split(argv[2], &push.tag) < 0)
		return usage("the repository needs a tag: shop/web:latest");
	push.repository = argv[2];
	push.digest = argc == 5 ? argv[4] : NULL;
	push.sender_id = uid_new(now, id);
	provider_named(conf_source_types[source->type])
		->compose(&push, now, &body);
	code = post(conf, source, strbuf_str(&body));
	strbuf_release(&body);
	return code;
}
