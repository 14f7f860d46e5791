#include "ingress/read.h"

#include <errno.h>
#include <stdarg.h>
#include <strings.h>

#include "ingress/normalise.h"
#include "ingress/provider.h"
#include "proto/base/mem.h"
#include "proto/data/json.h"

#define BODY_MAX ((size_t)1 << 20) /* as ingress.max_body's own limit */
#define HEADERS_MAX 32

struct args {
	const char *config, *type, *source, *body;
	const char *headers[HEADERS_MAX];
	size_t n_headers;
};

static int fault(const char *fmt, ...) PRINTF_LIKE(1, 2);

static int fault(const char *fmt, ...)
{
	va_list ap;

	fputs("pullwire-ingress: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

static int parse_args(struct args *a, int argc, char **argv)
{
	const struct {
		const char *name;
		const char **value;
	} options[] = {{"--config", &a->config}, {"--type", &a->type},
		{"--source", &a->source}};

	for (int i = 1; i < argc; i++) {
		const char **value = NULL;

		for (size_t k = 0; k < ARRAY_LEN(options); k++)
			if (strcmp(argv[i], options[k].name) == 0)
				value = options[k].value;
		if (strcmp(argv[i], "--header") == 0 &&
			a->n_headers < HEADERS_MAX)
			value = &a->headers[a->n_headers++];
		if (!value && (strncmp(argv[i], "--", 2) == 0 || a->body))
			return fault("read does not take `%s`", argv[i]);
		if (value && i + 1 == argc)
			return fault("%s needs a value", argv[i]);
		if (value)
			*value = argv[++i];
		else
			a->body = argv[i];
	}
	if (!a->body || (!a->type && !a->source))
		return fault("usage: pullwire-ingress read [--config FILE] "
			     "--type TYPE | --source NAME [--header 'N: V'] "
			     "BODY");
	return 0;
}

/* ---- the request ------------------------------------------------------------- */

static const char *header(const void *ctx, const char *name)
{
	const struct args *a = ctx;
	size_t n = strlen(name);

	for (size_t i = 0; i < a->n_headers; i++)
		if (strncasecmp(a->headers[i], name, n) == 0 &&
			a->headers[i][n] == ':')
			return a->headers[i] + n + 1 +
				strspn(a->headers[i] + n + 1, " \t");
	return NULL;
}

static const char *no_query(const void *ctx, const char *key)
{
	(void)ctx;
	(void)key;
	return NULL;
}

static int read_body(const char *path, struct strbuf *out)
{
	bool in = strcmp(path, "-") == 0;
	FILE *f = in ? stdin : fopen(path, "r");
	char buf[4096];
	size_t n;

	if (!f)
		return fault("%s cannot be read: %s", path, strerror(errno));
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(out, buf, n);
	if (!in)
		fclose(f);
	return out->failed ? fault("%s is larger than %zu KiB", path,
				     BODY_MAX >> 10)
			   : 0;
}

/* ---- the source -------------------------------------------------------------- */

static int type_of(const char *name)
{
	for (int i = 0; conf_source_types[i]; i++)
		if (strcmp(conf_source_types[i], name) == 0)
			return i;
	return -1;
}

/* By name; or by type, the configuration's if it has one such source only. */
static int find_source(const struct args *a, const struct conf *conf,
	struct conf_source *plain, const struct conf_source **source)
{
	size_t n = 0;

	*source = conf && a->source ? conf_source(conf, str_from(a->source))
				    : NULL;
	if (a->source && !conf)
		return fault("give the file that has source `%s` as "
			     "--config FILE, after `read`", a->source);
	if (a->source)
		return *source ? 0 : fault("no source `%s` is configured",
					     a->source);
	plain->type = type_of(a->type);
	if (plain->type < 0)
		return fault("`%s` is no type of a source; docs/CONFIG.md has "
			     "them", a->type);
	if (conf)
		CONF_EACH(conf->sources, const struct conf_source, s) {
			if (s->type != plain->type)
				continue;
			*source = s;
			n++;
		}
	if (n != 1)
		*source = plain;
	return 0;
}

/* ---- what it says ------------------------------------------------------------ */

static void print(struct json *line)
{
	struct strbuf text = {0};

	json_write(line, &text);
	printf("%s\n", strbuf_cstr(&text));
	strbuf_release(&text);
	json_free(line);
}

static void set_str(struct json *line, const char *key, const char *value)
{
	if (value)
		json_set_str(line, key, value);
}

static int print_pushes(const struct provider_out *out,
	const struct conf_source *source, struct err *err)
{
	for (size_t i = 0; i < out->pushes.n; i++) {
		struct json *line = json_new_object();
		struct event e = {0};

		if (normalise_event(&out->pushes.v[i], source, &e, err) < 0) {
			json_free(line);
			return -1;
		}
		set_str(line, "registry", e.registry);
		set_str(line, "repository", e.repository);
		set_str(line, "tag", e.tag);
		set_str(line, "digest", e.digest);
		print(line);
		field_release(&event_table, &e);
	}
	return 0;
}

static void print_ignored(const struct provider_out *out)
{
	for (size_t i = 0; i < out->ignored.n; i++) {
		struct json *line = json_new_object();

		json_set_str(line, "ignored", out->ignored.v[i].reason);
		set_str(line, "repository", out->ignored.v[i].repository);
		set_str(line, "tag", out->ignored.v[i].tag);
		print(line);
	}
	if (out->answer) {
		struct json *line = json_new_object();

		json_set_str(line, "ignored",
			"a handshake, which ingress answers itself");
		print(line);
	}
}

static int say(const struct request *req, const struct conf_source *source)
{
	const struct provider *p =
		provider_named(conf_source_types[source->type]);
	struct err err = {0};
	struct json *tree = provider_body(p, req, &err);
	struct provider_in in = {req, tree, source};
	struct provider_out out;
	int rc = -1;

	provider_out_init(&out);
	if (tree && p->parse(&in, &out, &err) == 0)
		rc = print_pushes(&out, source, &err);
	if (rc == 0)
		print_ignored(&out);
	else
		fault("the body is refused: %s", err.text);
	provider_out_release(&out);
	json_free(tree);
	return rc;
}

int read_run(const struct conf *none, int argc, char **argv)
{
	struct args a = {0};
	struct conf_source plain = {.name = (char *)(uintptr_t)"read"};
	const struct conf_source *source;
	struct opt_errors errs = {0};
	struct strbuf body = {.limit = BODY_MAX};
	struct request req = {.header = header, .query = no_query, .ctx = &a};
	struct conf *conf = NULL;
	int code = 2;

	(void)none;
	if (parse_args(&a, argc, argv) < 0)
		return 2;
	if (a.config)
		conf = conf_load(a.config, &errs);
	for (size_t i = 0; i < errs.list.n; i++)
		fprintf(stderr, "%s\n", errs.list.v[i]);
	if ((!a.config || conf) &&
		find_source(&a, conf, &plain, &source) == 0 &&
		read_body(a.body, &body) == 0) {
		req.body = strbuf_str(&body);
		code = say(&req, source) == 0 ? 0 : 1;
	}
	strbuf_release(&body);
	opt_errors_release(&errs);
	conf_free(conf);
	return code;
}
