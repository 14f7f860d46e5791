#include "matcher/labels.h"

#include "matcher/rule_load.h"
#include "proto/base/log.h"
#include "proto/base/map.h"
#include "proto/base/mem.h"

struct labels {
	struct conf *conf;
	struct map *sets; /* engine -> its set, owned */
	struct ruleset *rules;
};

static const char *set_of(const struct labels *l, const char *engine)
{
	return map_get(l->sets, str_from(engine));
}

/* Which of them are at fault was told when they came, or is told now that the
 * file has changed. */
static void apply(struct labels *l)
{
	const char **sets = xcalloc(l->conf->engines.n + 1, sizeof(*sets));
	struct opt_errors faults = {0};
	struct conf *conf;
	size_t n = 0;

	CONF_EACH(l->conf->engines, const struct conf_engine, e)
		if (e->labels && set_of(l, e->name) != NULL)
			sets[n++] = set_of(l, e->name);
	conf = conf_with_labels(l->conf, sets, n, &faults);
	free(sets);
	ruleset_unref(l->rules);
	l->rules = rule_load_labelled(conf, &faults);
	conf_free(conf);
	for (size_t i = 0; i < faults.list.n; i++)
		log_warn(NULL, "labels: %s", faults.list.v[i]);
	opt_errors_release(&faults);
}

struct labels *labels_new(const struct conf *conf)
{
	struct labels *l = xcalloc(1, sizeof(*l));

	l->conf = conf_ref(conf);
	l->sets = map_new();
	apply(l);
	return l;
}

void labels_free(struct labels *l)
{
	struct str key;
	void *set;

	if (l == NULL)
		return;
	for (size_t it = 0; map_next(l->sets, &it, &key, &set);)
		free(set);
	map_free(l->sets);
	ruleset_unref(l->rules);
	conf_free(l->conf);
	free(l);
}

void labels_set_conf(struct labels *l, const struct conf *conf)
{
	struct conf *old = l->conf;

	l->conf = conf_ref(conf);
	conf_free(old);
	apply(l);
}

void labels_take(struct labels *l, const char *engine, const char *set)
{
	const char *old = set_of(l, engine);
	size_t before = l->rules->n;

	if (conf_engine(l->conf, engine) == NULL ||
		(old != NULL && strcmp(old, set) == 0))
		return;
	free(map_put(l->sets, str_from(engine), xstrdup(set)));
	apply(l);
	if (before + l->rules->n > 0)
		log_info(NULL, "engine %s: %zu triggers are labels of "
			"containers", engine, l->rules->n);
}

struct ruleset *labels_rules(struct labels *l)
{
	return l->rules;
}

const char *labels_missing(const struct labels *l)
{
	CONF_EACH(l->conf->engines, const struct conf_engine, e)
		if (e->labels && set_of(l, e->name) == NULL)
			return e->name;
	return NULL;
}
