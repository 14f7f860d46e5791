/* Questions to a loaded configuration: look-ups and the repository rule. */
#include "proto/data/conf_load.h"

#include "proto/base/map.h"
#include "proto/base/window.h"

/* A name is unique among its kind, so the first that has it is the one. Also
 * of a configuration with faults, and while it is being checked. */
static const void *named(const struct map *names, const char *what,
	struct str name)
{
	char key[96];

	if (name.n > 64)
		return NULL;
	snprintf(key, sizeof(key), "%s %.*s", what, (int)name.n, name.p);
	return map_get(names, str_from(key));
}

const struct conf_source *conf_source(const struct conf *c, struct str name)
{
	return named(c->names, "source", name);
}

const struct conf_trigger *conf_trigger(const struct conf *c, const char *name)
{
	const void *t = named(c->names, "trigger", str_from(name));

	if (!t && c->labelled)
		t = named(c->labelled->names, "trigger", str_from(name));
	return t;
}

const struct conf_engine *conf_engine(const struct conf *c, const char *name)
{
	return named(c->names, "engine", str_from(name));
}

const struct conf_trigger *conf_notify(const struct conf *c, const char *name)
{
	struct str rest = str_from(name), part;
	const struct conf_notify *n = NULL;

	if (str_starts(rest, STR(CONF_NOTIFY))) {
		rest = str_cut(rest, strlen(CONF_NOTIFY), rest.n);
		str_split(&rest, ':', &part);
		n = named(c->names, "notify", part);
	}
	return n ? &n->as : NULL;
}

const struct conf_trigger *conf_poster(const struct conf *c, const char *name)
{
	const struct conf_trigger *t = conf_trigger(c, name);

	return t && t->url ? t : conf_notify(c, name);
}

const char *conf_trigger_lane(const struct conf_trigger *t)
{
	return t->url ? "http" : t->engine;
}

void conf_trigger_target(const struct conf_trigger *t, struct strbuf *out)
{
	if (t->deploy.container)
		strbuf_addf(out, "container %s", t->deploy.container);
	else if (t->deploy.compose)
		strbuf_addf(out, "compose %s", t->deploy.compose);
	else if (t->deploy.service)
		strbuf_addf(out, "service %s", t->deploy.service);
	else
		strbuf_add_cstr(out, "url");
}

int64_t conf_window_next(const struct conf *c, const struct conf_trigger *t,
	int64_t now)
{
	int64_t next = t->window.n ? INT64_MAX : now;

	for (size_t i = 0; i < t->window.n; i++) {
		struct str text = str_from(t->window.v[i]);
		const struct window *w = map_get(c->windows, text);
		int64_t opens;

		if (!w && c->labelled)
			w = map_get(c->labelled->windows, text);
		opens = w ? window_next(w, now) : now;
		if (opens < next)
			next = opens;
	}
	return next;
}

void conf_trigger_url(const struct conf_trigger *t, struct strbuf *out)
{
	struct str url = str_from(t->url);
	size_t start = str_find(url, '/') + 2;
	size_t host = str_find(str_cut(url, start, url.n), '/');

	if (t->notify)
		strbuf_addf(out, "%.*s/***", (int)(start + host), url.p);
	else
		url_redact(url, out);
}

/*
 * "**" takes any bytes, "*" any but a slash. On a mismatch only the last "**"
 * and the last "*" after it need another try, so the time is bounded by
 * pattern * name^2, both at most 255 bytes.
 */
static bool glob_match(const char *p, const char *s)
{
	const char *deep_p = NULL, *deep_s = NULL;
	const char *flat_p = NULL, *flat_s = NULL;

	while (*s || *p) {
		if (p[0] == '*' && p[1] == '*') {
			deep_p = p += 2;
			deep_s = s;
			flat_p = NULL;
		} else if (*p == '*') {
			flat_p = ++p;
			flat_s = s;
		} else if (*p && *p == *s) {
			p++;
			s++;
		} else if (flat_p && *flat_s && *flat_s != '/') {
			p = flat_p;
			s = ++flat_s;
		} else if (deep_p && *deep_s) {
			p = deep_p;
			s = ++deep_s;
			flat_p = NULL;
		} else {
			return false;
		}
	}
	return true;
}

const char *conf_short_name(const char *repository)
{
	return strncmp(repository, "library/", 8) == 0 &&
			!strchr(repository + 8, '/')
		? repository + 8
		: repository;
}

size_t conf_host_len(const char *reference)
{
	size_t n = strcspn(reference, "/");

	if (reference[n] == '\0')
		return 0;
	if (memchr(reference, '.', n) || memchr(reference, ':', n))
		return n;
	return n == 9 && memcmp(reference, "localhost", n) == 0 ? n : 0;
}

bool conf_source_verifies(const struct conf_source *s)
{
	const struct conf_auth *a = &s->auth;

	if (s->verify != VERIFY_AUTO)
		return s->verify == VERIFY_REGISTRY;
	return a->bearer.n == 0 && a->basic.n == 0 && !a->header.name &&
		!a->hmac.header && a->standard_webhooks.n == 0 &&
		a->client_cert.n == 0;
}

bool conf_host_is_hub(struct str host)
{
	return str_is(host, "docker.io") || str_is(host, "index.docker.io") ||
		str_is(host, "registry-1.docker.io") ||
		str_is(host, "registry.hub.docker.com");
}

static bool host_match(struct str pattern, const char *registry)
{
	char text[256];

	if (!registry || pattern.n >= sizeof(text))
		return false;
	if (conf_host_is_hub(pattern))
		return conf_host_is_hub(str_from(registry));
	memcpy(text, pattern.p, pattern.n);
	text[pattern.n] = '\0';
	return glob_match(text, registry);
}

static bool name_match(const char *pattern, const char *name)
{
	return strchr(pattern, '*') ? glob_match(pattern, name)
				    : strcmp(pattern, name) == 0;
}

bool conf_repository_match(const char *pattern, const char *registry,
	const char *repository)
{
	size_t n = conf_host_len(pattern);
	bool known = registry && *registry;
	bool hub = known && conf_host_is_hub(str_from(registry));
	const char *name = n ? pattern + n + 1 : pattern;
	char full[512];

	if (n && !host_match((struct str){pattern, n},
			 known ? registry : NULL))
		return false;
	if (name_match(name, repository))
		return true;
	if (known && !hub)
		return false;
	/* Docker Hub, or perhaps: its short names mean the same. */
	if (!strchr(name, '*'))
		return strcmp(conf_short_name(name),
			       conf_short_name(repository)) == 0;
	if (!hub)
		return false;
	snprintf(full, sizeof(full), "library/%s", repository);
	return name_match(name, conf_short_name(repository)) ||
		(!strchr(repository, '/') && name_match(name, full));
}
