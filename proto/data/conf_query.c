/* Questions to a loaded configuration: look-ups and the repository rule. */
#include "proto/data/conf.h"

const struct conf_source *conf_source(const struct conf *c, struct str name)
{
	CONF_EACH(c->sources, const struct conf_source, s)
		if (s->name && str_is(name, s->name))
			return s;
	return NULL;
}

const struct conf_trigger *conf_trigger(const struct conf *c, const char *name)
{
	CONF_EACH(c->triggers, const struct conf_trigger, t)
		if (t->name && strcmp(t->name, name) == 0)
			return t;
	return NULL;
}

const struct conf_engine *conf_engine(const struct conf *c, const char *name)
{
	CONF_EACH(c->engines, const struct conf_engine, e)
		if (e->name && strcmp(e->name, name) == 0)
			return e;
	return NULL;
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
	else
		strbuf_add_cstr(out, "url");
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

static const char *without_library(const char *name)
{
	return strncmp(name, "library/", 8) == 0 && !strchr(name + 8, '/')
		? name + 8
		: name;
}

bool conf_repository_match(const char *pattern, const char *repository)
{
	if (!strchr(pattern, '*'))
		return strcmp(without_library(pattern),
			       without_library(repository)) == 0;
	return glob_match(pattern, repository);
}
