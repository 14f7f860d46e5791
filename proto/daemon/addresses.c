#include "proto/daemon/addresses.h"

#include "proto/io/http_listen.h"
#include "proto/io/link_endpoint.h"

struct checking {
	const struct conf *conf;
	struct opt_errors *errs;
};

/* Several roles may use one address: what is at fault is told once. */
static void fault(const struct checking *c, const char *section,
	const char *key, const struct err *err)
{
	struct opt_errors *errs = c->errs;
	size_t last = errs->list.n;

	opt_error(errs, c->conf->path, conf_line(c->conf, section, key),
		"%s.%s: %s", section, key, err->text);
	for (size_t i = 0; i < last; i++) {
		if (strcmp(errs->list.v[i], errs->list.v[last]) != 0)
			continue;
		free(errs->list.v[last]);
		errs->list.n = last;
		return;
	}
}

static void check_listen(const struct checking *c, const char *section,
	const char *where)
{
	struct err err = {0};

	if (where != NULL && http_listen_check(where, &err) < 0)
		fault(c, section, "http", &err);
}

static void check_link(const struct checking *c, const char *section,
	const char *key, const char *link, bool bind, const char *keys)
{
	struct link_endpoint e;
	struct err err = {0};

	/* What is no link at all is found without us. */
	if (link == NULL || (strncmp(link, "ipc://", 6) != 0 &&
				    strncmp(link, "tcp://", 6) != 0))
		return;
	if (link_endpoint_parse(&e, link, bind, &err) < 0 ||
		link_endpoint_allow(&e, keys != NULL,
			c->conf->links == LINKS_PLAIN, &err) < 0)
		fault(c, section, key, &err);
}

static void check_links(const struct checking *c, const char *section,
	const char *key, const struct opt_strs *links, const char *keys)
{
	for (size_t i = 0; i < links->n; i++)
		check_link(c, section, key, links->v[i], false, keys);
}

static bool is(const char *role, const char *one)
{
	return role == NULL || strcmp(role, one) == 0;
}

void addresses_check(const struct conf *conf, const char *role,
	struct opt_errors *errs)
{
	const struct checking c = {.conf = conf, .errs = errs};
	const struct opt_strs *loggers = &conf->matcher.logger;

	if (is(role, "ingress")) {
		const struct conf_ingress *i = &conf->ingress;

		check_listen(&c, "ingress", i->http);
		check_link(&c, "ingress", "link", i->link, true, i->keys);
		check_links(&c, "matcher", "logger", loggers, i->keys);
	}
	if (is(role, "matcher")) {
		const struct conf_matcher *m = &conf->matcher;

		check_links(&c, "matcher", "ingress", &m->ingress, m->keys);
		check_links(&c, "matcher", "deployer", &m->deployer, m->keys);
		check_links(&c, "matcher", "logger", loggers, m->keys);
	}
	if (is(role, "deployer")) {
		const struct conf_deployer *d = &conf->deployer;

		check_link(&c, "deployer", "link", d->link, true, d->keys);
		check_links(&c, "deployer", "notices", &d->notices, d->keys);
		check_links(&c, "matcher", "logger", loggers, d->keys);
	}
	if (is(role, "logger")) {
		const struct conf_logger *l = &conf->logger;

		check_listen(&c, "logger", l->http);
		check_link(&c, "logger", "link", l->link, true, l->keys);
	}
}
