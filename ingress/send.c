#include "ingress/send.h"

#include "ingress/provider.h"
#include "ingress/send_auth.h"
#include "proto/base/clock.h"
#include "proto/base/enc.h"
#include "proto/base/uid.h"
#include "proto/io/http_client.h"
#include "proto/io/http_tls.h"

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

void send_url(const char *scheme, const char *http, const char *source,
	struct str token, struct strbuf *url)
{
	const char *port = strrchr(http, ':');
	struct str host = str_cut(str_from(http), 0,
		port ? (size_t)(port - http) : strlen(http));

	if (host.n == 0 || str_is(host, "0.0.0.0") || str_is(host, "*"))
		host = STR("127.0.0.1");
	else if (str_is(host, "[::]"))
		host = STR("[::1]");
	strbuf_addf(url, "%s://", scheme);
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

/* What the command line says. */
struct order {
	const struct conf_source *source;
	struct provider_push push;
	const char *cert, *key; /* to show; files, or NULL */
};

static int print(const struct conf *conf, const struct http_call *call)
{
	struct http_result res = {0};
	struct err err = {0};
	int code = 1;

	http_global_init();
	if (http_perform(NULL, call, &res, &err) < 0) {
		fprintf(stderr, "pullwire-ingress: %s: %s\n",
			conf->ingress.http, err.text);
	} else {
		printf("%d %s", res.status, strbuf_cstr(&res.body));
		code = res.status / 100 == 2 ? 0 : 1;
	}
	http_result_release(&res);
	return code;
}

/* Posts and prints; the exit code. Whoever has the key of our certificate is
 * the ingress of this machine, whatever name the certificate is for. */
static int post(const struct conf *conf, const struct order *o,
	struct str body, int64_t now)
{
	const struct conf_ingress *in = &conf->ingress;
	struct send_headers proof = {0};
	const char *headers[SEND_HEADERS_MAX + 1] = {
		"Content-Type: application/json"};
	struct strbuf url = {0};
	char pin[HTTP_TLS_PIN_LEN];
	struct err err = {0};
	struct http_call call = {
		.method = "POST",
		.headers = headers,
		.n_headers = 1,
		.body = body,
		.total_ms = 10000,
		.max_body = 65536,
		.tls_cert = o->cert,
		.tls_key = o->key,
	};
	int code;

	if (in->tls.cert && http_tls_pin(in->tls.cert, pin, &err) < 0) {
		fprintf(stderr, "pullwire-ingress: %s\n", err.text);
		return 1;
	}
	call.tls_pin = in->tls.cert ? pin : NULL;
	send_url(in->tls.cert ? "https" : "http", in->http, o->source->name,
		first_secret(&o->source->auth.url_token), &url);
	call.url = strbuf_cstr(&url);
	send_auth(&o->source->auth, body, o->push.sender_id, now, &proof);
	for (size_t i = 0; i < proof.n; i++)
		headers[call.n_headers++] = strbuf_cstr(&proof.lines[i]);
	code = print(conf, &call);
	send_headers_release(&proof);
	if (url.buf)
		enc_wipe(url.buf, url.len);
	strbuf_release(&url);
	return code;
}

static int usage(const char *fault)
{
	fprintf(stderr, "pullwire-ingress: %s\n"
		"usage: pullwire-ingress send SOURCE REPOSITORY:TAG "
		"[--digest sha256:…] [--cert FILE --key FILE]\n", fault);
	return 2;
}

/* The fault, or NULL. */
static const char *read_options(int argc, char **argv, struct order *o)
{
	const struct {
		const char *name, **value;
	} known[] = {{"--digest", &o->push.digest}, {"--cert", &o->cert},
		{"--key", &o->key}};

	for (int i = 3; i < argc; i += 2) {
		size_t k = 0;

		while (k < ARRAY_LEN(known) && strcmp(argv[i], known[k].name))
			k++;
		if (k == ARRAY_LEN(known))
			return "the options of send are --digest, --cert and "
			       "--key";
		if (i + 1 == argc)
			return "the last option has no value";
		*known[k].value = argv[i + 1];
	}
	if (!o->cert != !o->key)
		return "--cert and --key go together";
	if (o->source->auth.client_cert.n && !o->cert)
		return "the source asks for the sender's certificate: give one "
		       "with --cert and --key";
	return NULL;
}

static int no_source(const struct conf *conf, const char *name)
{
	fprintf(stderr, "pullwire-ingress: no source `%s` is in %s; there %s",
		name, conf->path, conf->sources.n ? "are:" : "is none");
	CONF_EACH(conf->sources, const struct conf_source, s)
		fprintf(stderr, " %s", s->name);
	fputc('\n', stderr);
	return 2;
}

int send_run(const struct conf *conf, int argc, char **argv)
{
	struct order o = {0};
	struct strbuf body = {0};
	char id[UID_LEN];
	int64_t now = clock_wall();
	const char *fault;
	int code;

	if (argc < 3)
		return usage("send takes a source and a repository with a tag");
	o.source = conf_source(conf, str_from(argv[1]));
	if (!o.source)
		return no_source(conf, argv[1]);
	if (send_split(argv[2], &o.push.tag) < 0)
		return usage("the repository needs a tag: shop/web:latest");
	fault = read_options(argc, argv, &o);
	if (fault)
		return usage(fault);
	o.push.repository = argv[2];
	o.push.sender_id = uid_new(now, id);
	provider_named(conf_source_types[o.source->type])
		->compose(&o.push, now, &body);
	code = post(conf, &o, strbuf_str(&body), now);
	strbuf_release(&body);
	return code;
}
