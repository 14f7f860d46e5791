/*
 * Triggers that containers have as labels (conf_with_labels). A label is a key
 * of a trigger as it would stand in the file, so it is read and judged as one:
 * what is here turns a set into the same tree.
 */
#include "proto/data/conf_load.h"

#include "proto/data/json.h"

struct labels {
	struct conf_labelled *out;
	const struct conf *base;
	struct opt_errors *errs;
	const char *engine; /* of the set */
};

static struct json *text_of(struct str value)
{
	struct strbuf sb = {0};
	struct json *j;

	/* The environment is not the labels' business. */
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '$')
			strbuf_add_char(&sb, '$');
		strbuf_add_char(&sb, value.p[i]);
	}
	j = json_new_str(strbuf_cstr(&sb));
	strbuf_release(&sb);
	return j;
}

static const struct opt *find(const struct opt_table *t, const char *key)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->opts[i].key, key) == 0 &&
			!(t->opts[i].flags & OPT_FILE_ONLY))
			return &t->opts[i];
	return NULL;
}

/* NULL when the set has another kind of value than the key. */
static struct json *value_of(const struct opt *o, const struct json *value)
{
	struct str rest = str_from(json_str(value)), part;
	struct json *list;

	if (o->type == OPT_SUB || o->type == OPT_LIST)
		return NULL;
	if (o->type != OPT_STRS)
		return json_str(value) ? text_of(rest) : NULL;
	if (!json_str(value) && json_kind(value) != JSON_ARRAY)
		return NULL;
	list = json_new_array();
	while (json_str(value) && str_split(&rest, ',', &part))
		json_push(list, text_of(str_trim(part)));
	for (const struct json *i = json_first(value); i; i = json_next(i))
		json_push(list, text_of(str_from(json_str(i))));
	return list;
}

static void unknown(struct labels *l, const char *from, const char *key)
{
	const struct opt_table *tables[] = {
		&conf_trigger_table, &conf_deploy_table};
	const char *words[96], *near;
	size_t n = 0;

	for (size_t t = 0; t < ARRAY_LEN(tables); t++)
		for (size_t i = 0; i < tables[t]->n && n < ARRAY_LEN(words); i++)
			if (!(tables[t]->opts[i].flags & OPT_FILE_ONLY))
				words[n++] = tables[t]->opts[i].key;
	near = opt_nearest(key, words, n);
	opt_error(l->errs, from, 0, "there is no label pullwire.%s%s%s%s", key,
		near ? "; did you mean pullwire." : "", near ? near : "",
		near ? "?" : "");
}

/* One of the set as a trigger of the file; NULL after a fault. */
static struct json *as_trigger(struct labels *l, const char *from,
	const struct json *item)
{
	struct json *t = json_new_object();
	struct json *deploy = json_new_object();
	const struct json *own = json_get(item, "deploy");
	size_t before = l->errs->list.n;

	json_set(t, "name", text_of(str_from(json_str(json_get(item, "name")))));
	json_set(t, "repository", text_of(str_from(
		json_str(json_get(item, "repository")))));
	json_set(t, "engine", text_of(str_from(l->engine)));
	for (const struct json *i = json_first(own); i; i = json_next(i))
		json_set(deploy, json_key(i), text_of(str_from(json_str(i))));
	for (const struct json *i = json_first(json_get(item, "labels")); i;
		i = json_next(i)) {
		const char *key = json_key(i);
		const struct opt *o = find(&conf_trigger_table, key);
		struct json *to = o ? t : deploy, *value;

		if (!o)
			o = find(&conf_deploy_table, key);
		value = o ? value_of(o, i) : NULL;
		if (!value) {
			unknown(l, from, key);
			continue;
		}
		json_del(to, key);
		json_set(to, key, value);
	}
	json_set(t, "deploy", deploy);
	if (l->errs->list.n == before)
		return t;
	json_free(t);
	return NULL;
}

/* A label has no line. */
static void without_lines(struct yaml *node)
{
	node->line = node->key_line = 0;
	for (struct yaml *i = node->first; i; i = i->next)
		without_lines(i);
}

static const char *keep_file(struct opt_strs *f, const char *name)
{
	f->v = xreallocarray(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n] = xstrdup(name);
	return f->v[f->n++];
}

/* Who comes second has no trigger of that name. */
static bool is_taken(struct labels *l, const char *from, const char *name)
{
	const struct conf_trigger *t = conf_trigger(l->base, name);

	if (t) {
		opt_error(l->errs, from, 0, "its labels are not looked at: "
			"trigger `%s` is in %s:%zu, which counts", name,
			t->where.file, t->where.line);
		return true;
	}
	CONF_EACH(l->out->triggers, const struct conf_trigger, other) {
		if (strcmp(other->name, name) != 0)
			continue;
		opt_error(l->errs, from, 0, "its labels are not looked at: %s "
			"has a trigger `%s` already; give one of them another "
			"name by the label pullwire.trigger",
			other->where.file, name);
		return true;
	}
	return false;
}

/* As a trigger of a file is checked, against base's engines. */
static bool check(struct labels *l, const struct yaml *map,
	struct conf_trigger *t)
{
	struct conf view = *l->base;
	struct conf_loader loader = {.conf = &view, .errs = l->errs};
	size_t before = l->errs->list.n;

	if (!opt_read(&conf_trigger_table, map, t, l->errs))
		return false;
	view.names = l->out->names;
	view.windows = l->out->windows;
	view.labelled = NULL;
	conf_check_trigger(&loader, map, t);
	return l->errs->list.n == before;
}

static void add(struct labels *l, const struct json *item)
{
	const char *from = json_str(json_get(item, "from"));
	const char *name = json_str(json_get(item, "name"));
	struct opt_list *all = &l->out->triggers;
	struct conf_trigger *t = (struct conf_trigger *)all->v + all->n;
	struct json *trigger;
	struct strbuf text = {0};
	struct yaml *map;
	struct err err = {0};

	if (!from || !name || is_taken(l, from, name))
		return;
	trigger = as_trigger(l, from, item);
	if (!trigger)
		return;
	from = keep_file(&l->out->files, from);
	json_write(trigger, &text);
	json_free(trigger);
	map = yaml_parse(strbuf_str(&text), from, &err);
	strbuf_release(&text);
	if (!map) {
		VEC_PUSH(&l->errs->list, xstrdup(err.text));
		return;
	}
	without_lines(map);
	if (check(l, map, t)) {
		all->n++;
	} else {
		/* Its name may have been taken; nobody else's is. */
		char key[96];

		snprintf(key, sizeof(key), "trigger %.64s", name);
		(void)map_del(l->out->names, str_from(key));
		opt_release(&conf_trigger_table, t);
	}
	yaml_tree_free(map);
}

static void add_set(struct labels *l, const struct json *set)
{
	const struct json *list = json_get(set, "triggers");
	struct opt_list *all = &l->out->triggers;

	l->engine = json_str(json_get(set, "engine"));
	if (!l->engine || !conf_engine(l->base, l->engine)) {
		opt_error(l->errs, "labels", 0, "they are of no engine of ours");
		return;
	}
	/* Room for them is never short: nothing moves while it is filled. */
	all->v = xreallocarray(all->v, all->n + json_len(list) + 1,
		sizeof(struct conf_trigger));
	memset((struct conf_trigger *)all->v + all->n, 0,
		(json_len(list) + 1) * sizeof(struct conf_trigger));
	for (const struct json *i = json_first(list); i; i = json_next(i))
		add(l, i);
}

static void read_sets(struct labels *l, const char *const *sets, size_t n)
{
	static const struct json_limits limits = {.nodes = 1000000};

	for (size_t i = 0; i < n; i++) {
		struct err err = {0};
		struct json *set = json_parse(str_from(sets[i]), &limits, &err);

		if (set)
			add_set(l, set);
		else
			opt_error(l->errs, "labels", 0, "%s", err.text);
		json_free(set);
	}
}

/* Only now do they stay where they are. */
static void name_all(struct conf_labelled *out)
{
	CONF_EACH(out->triggers, struct conf_trigger, t) {
		char key[96];

		snprintf(key, sizeof(key), "trigger %s", t->name);
		map_put(out->names, str_from(key), t);
	}
}

struct conf *conf_with_labels(const struct conf *base,
	const char *const *sets, size_t n, struct opt_errors *errs)
{
	struct conf_labelled *out = xcalloc(1, sizeof(*out));
	const struct conf *own = base->labelled ? base->labelled->base : base;
	struct labels l = {.out = out, .base = own, .errs = errs};
	struct conf *c = xcalloc(1, sizeof(*c));

	out->base = conf_ref(own);
	out->names = map_new();
	out->windows = map_new();
	CONF_EACH(own->engines, struct conf_engine, e) {
		char key[96];

		snprintf(key, sizeof(key), "engine %.64s", e->name);
		map_put(out->names, str_from(key), e);
	}
	read_sets(&l, sets, n);
	name_all(out);
	conf_hash_texts(sets, n, out->generation);
	*c = *own;
	c->refs = 1;
	c->labelled = out;
	return c;
}

void conf_labelled_free(struct conf_labelled *l)
{
	CONF_EACH(l->triggers, struct conf_trigger, t)
		opt_release(&conf_trigger_table, t);
	free(l->triggers.v);
	map_free(l->names);
	conf_windows_free(l->windows);
	for (size_t i = 0; i < l->files.n; i++)
		free(l->files.v[i]);
	free(l->files.v);
	conf_free(l->base);
	free(l);
}

struct opt_list conf_labelled_triggers(const struct conf *c)
{
	return c->labelled ? c->labelled->triggers : (struct opt_list){0};
}

const char *conf_labelled_generation(const struct conf *c)
{
	return c->labelled ? c->labelled->generation : "";
}
