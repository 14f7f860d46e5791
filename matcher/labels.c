#include "matcher/labels.h"

#include "matcher/rule_load.h"
#include "proto/base/log.h"
#include "proto/base/map.h"
#include "proto/base/mem.h"
#include "proto/data/json.h"

/* Sets that are kept of engines that are not in our configuration: a deployer
 * may have read its own before us, and says its set only once. */
#define STRANGERS_MAX 16

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

/* Is it a set, and of no other engine? What was said before holds when not. */
static bool is_set_of(const char *engine, const char *set)
{
	static const struct json_limits limits = {.nodes = 1000000};
	struct err err = {0};
	struct json *j = json_parse(str_from(set), &limits, &err);
	const char *named = json_str(json_get(j, "engine"));
	bool is = named != NULL && strcmp(named, engine) == 0 &&
		json_kind(json_get(j, "triggers")) == JSON_ARRAY;

	if (!is)
		log_limited(LOG_WARN, "labels", "engine %s: what its deployer "
			"says of its containers' labels is not read: %s", engine,
			j != NULL ? "it is no set of this engine" : err.text);
	json_free(j);
	return is;
}

void labels_take(struct labels *l, const char *engine, const char *set)
{
	const char *old = set_of(l, engine);
	bool known = conf_engine(l->conf, engine) != NULL;
	size_t before = l->rules->n;

	if ((old != NULL && strcmp(old, set) == 0) ||
		(!known && old == NULL && map_len(l->sets) >=
			l->conf->engines.n + STRANGERS_MAX) ||
		!is_set_of(engine, set))
		return;
	free(map_put(l->sets, str_from(engine), xstrdup(set)));
	if (!known)
		return;
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
