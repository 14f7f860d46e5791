#include "proto/data/conf.h"

#include "proto/base/map.h"

#include <glob.h>
#include <libgen.h>

/* ---- checks over several keys -------------------------------------------- */

struct loader {
	struct conf *conf;
	struct opt_errors *errs;
	/* The node of each source, trigger and engine, in their order. */
	VEC(const struct yaml *) sources, triggers, engines;
	VEC(struct yaml *) trees;
	struct map *names; /* "trigger web" -> its struct opt_where */
};

/* Where the key stands, or its section when it is absent. */
static size_t key_line(const struct yaml *map, const char *key)
{
	const struct yaml *n = yaml_get(map, key);

	return n ? n->key_line : map->key ? map->key_line : map->line;
}

#define FAULT(map, key, ...) \
	opt_error(l->errs, (map)->file, key_line(map, key), __VA_ARGS__)

static bool name_ok(const char *s)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t n = strlen(s);

	return n > 0 && n <= 64 && strchr(first, s[0]) &&
		strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			  "0123456789._-") == n;
}

/* where is the named struct itself: its first member. */
static void check_name(struct loader *l, const struct yaml *map,
	const char *what, const char *name, struct opt_where *where)
{
	const struct opt_where *taken;
	char key[96];

	if (!name)
		return;
	if (!name_ok(name)) {
		FAULT(map, "name",
			"name: `%s` is no %s name: up to 64 letters, digits, "
			"dots, dashes and underscores, a letter or digit first",
			name, what);
		return;
	}
	snprintf(key, sizeof(key), "%s %s", what, name);
	taken = map_get(l->names, str_from(key));
	if (taken)
		FAULT(map, "name", "name: %s `%s` is already in %s:%zu", what,
			name, taken->file, taken->line);
	else
		map_put(l->names, str_from(key), where);
}

static void check_source(struct loader *l, const struct yaml *map,
	struct conf_source *s)
{
	check_name(l, map, "source", s->name, &s->where);
	if (yaml_get(map, "auth") && !s->auth.bearer.n && !s->auth.url_token.n)
		FAULT(map, "auth", "auth: give `bearer` or `url_token` (or "
				   "their `_file` form): a source without "
				   "proof is not served");
}

static void check_tags(struct loader *l, const struct yaml *map,
	const struct conf_trigger *t)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	if (t->expression && t->tags.n)
		FAULT(map, "expression",
			"`expression` and `tags` exclude each other");
	if (t->expression && !*t->expression)
		FAULT(map, "expression", "expression: is empty; leave it out "
					 "to take every tag");
	for (size_t i = 0; i < t->tags.n; i++) {
		const char *tag = t->tags.v[i];
		size_t n = strlen(tag);

		if (n == 0 || n > 128 || !strchr(word, *tag) ||
			strspn(tag, "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") !=
				n)
			FAULT(map, "tags",
				"tags: `%s` can be no tag; for a pattern use "
				"`expression`", tag);
	}
}

static void check_engine_of(struct loader *l, const struct yaml *map,
	struct conf_trigger *t)
{
	const struct conf *c = l->conf;
	const struct conf_engine *only = c->engines.v;

	if (t->engine && !conf_engine(c, t->engine))
		FAULT(map, "engine", "engine: `%s` is not under `engines`",
			t->engine);
	else if (!t->engine && c->engines.n == 0)
		FAULT(map, "deploy", "deploy: needs an engine; add one under "
				     "`engines`");
	else if (!t->engine && c->engines.n > 1)
		FAULT(map, "deploy", "deploy: there are %zu engines; say which "
				     "with `engine`", c->engines.n);
	else if (!t->engine && only->name)
		t->engine = xstrdup(only->name);
}

static void check_action(struct loader *l, const struct yaml *map,
	struct conf_trigger *t)
{
	const char *slash = t->deploy.compose ? strchr(t->deploy.compose, '/')
					      : NULL;
	bool deploy = yaml_get(map, "deploy") != NULL;
	struct err err = {0};
	struct url url;

	if (deploy == (t->url != NULL))
		FAULT(map, deploy ? "deploy" : "name",
			"a trigger has either `deploy` or `url`%s",
			deploy ? ", not both" : "; this one has neither");
	if (t->url && (url_parse(str_from(t->url), &url, &err) < 0 ||
			      url_policy(&url, &err) < 0))
		FAULT(map, "url", "url: %s", err.text);
	if (!deploy)
		return;
	if (!t->deploy.container == !t->deploy.compose)
		FAULT(map, "deploy",
			"deploy: takes one of `container` and `compose`");
	if (t->deploy.compose &&
		(!slash || slash == t->deploy.compose || !slash[1] ||
			strchr(slash + 1, '/')))
		FAULT(map, "deploy", "compose: `%s` is not PROJECT/SERVICE",
			t->deploy.compose);
	if (t->deploy.container && !name_ok(t->deploy.container))
		FAULT(map, "deploy", "container: `%s` can be no container's "
				     "name", t->deploy.container);
	check_engine_of(l, map, t);
}

static void check_repository(struct loader *l, const struct yaml *map,
	struct conf_trigger *t)
{
	const char *r = t->repository;

	if (!r)
		return;
	for (char *p = t->repository; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	if (!*r || *r == '/' || r[strlen(r) - 1] == '/' || strstr(r, "//") ||
		strspn(r, "abcdefghijklmnopqrstuvwxyz0123456789._-/*") !=
			strlen(r))
		FAULT(map, "repository",
			"repository: `%s` is neither a full name such as "
			"shop/web (without host and tag) nor a glob such as "
			"shop/*", r);
}

static void check_trigger(struct loader *l, const struct yaml *map,
	struct conf_trigger *t)
{
	check_name(l, map, "trigger", t->name, &t->where);
	check_repository(l, map, t);
	check_tags(l, map, t);
	check_action(l, map, t);
	t->expression_line = key_line(map, "expression");
}

static void check_engine(struct loader *l, const struct yaml *map,
	struct conf_engine *e)
{
	check_name(l, map, "engine", e->name, &e->where);
	if (e->name && strcmp(e->name, "http") == 0)
		FAULT(map, "name", "name: `http` is the lane of trigger URLs; "
				   "give the engine another name");
	if (e->docker && strncmp(e->docker, "unix:///", 8) != 0)
		FAULT(map, "docker", "docker: `%s` is no engine address; write "
				     "unix:///PATH/OF/docker.sock", e->docker);
}

static void check_lanes(struct loader *l, const struct yaml *root)
{
	struct conf *c = l->conf;
	const struct yaml *map = yaml_get(root, "deployer");
	struct opt_strs *lanes = &c->deployer.lanes;
	int64_t ms;

	for (size_t i = 0; i < lanes->n; i++)
		if (strcmp(lanes->v[i], "http") != 0 &&
			!conf_engine(c, lanes->v[i]))
			FAULT(map, "lanes", "lanes: `%s` is neither http nor "
					    "an engine", lanes->v[i]);
	for (size_t i = 0; i < c->deployer.schedule.n; i++)
		if (str_to_duration(str_from(c->deployer.schedule.v[i]),
			    &ms) < 0)
			FAULT(map, "schedule", "schedule: `%s` is not a "
				"duration", c->deployer.schedule.v[i]);
	if (lanes->n)
		return;
	lanes->v = xcalloc(c->engines.n + 1, sizeof(*lanes->v));
	lanes->v[lanes->n++] = xstrdup("http");
	CONF_EACH(c->engines, const struct conf_engine, e)
		if (e->name)
			lanes->v[lanes->n++] = xstrdup(e->name);
}

static void check_endpoint(struct loader *l, const struct yaml *root,
	const char *section, const char *key, const char *value)
{
	const struct yaml *map = yaml_get(root, section);

	if (map && value && strncmp(value, "ipc://", 6) != 0 &&
		strncmp(value, "tcp://", 6) != 0)
		FAULT(map, key, "%s: `%s` is no link; write ipc:///PATH or "
				"tcp://HOST:PORT", key, value);
}

static void check_sections(struct loader *l, const struct yaml *root)
{
	struct conf *c = l->conf;
	const struct yaml *map = yaml_get(root, "logger");
	const struct {
		const char *key;
		const struct opt_strs *list;
	} lists[] = {
		{"ingress", &c->matcher.ingress},
		{"deployer", &c->matcher.deployer},
		{"logger", &c->matcher.logger},
	};

	check_endpoint(l, root, "ingress", "link", c->ingress.link);
	check_endpoint(l, root, "deployer", "link", c->deployer.link);
	check_endpoint(l, root, "logger", "link", c->logger.link);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (size_t k = 0; k < lists[i].list->n; k++)
			check_endpoint(l, root, "matcher", lists[i].key,
				lists[i].list->v[k]);
	if (map && c->logger.store &&
		strncmp(c->logger.store, "sqlite:/", 8) != 0)
		FAULT(map, "store", "store: `%s` is no store; write "
				    "sqlite:/PATH/log.db", c->logger.store);
	check_lanes(l, root);
}

/* ---- loading ------------------------------------------------------------- */

static const char *keep_file(struct conf *c, const char *path)
{
	struct opt_strs *f = &c->files;

	f->v = xreallocarray(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n] = xstrdup(path);
	return f->v[f->n++];
}

static struct yaml *load_tree(struct loader *l, const char *path)
{
	struct err err = {0};
	struct yaml *tree = yaml_load(keep_file(l->conf, path), &err);

	if (!tree)
		VEC_PUSH(&l->errs->list, xstrdup(err.text));
	else
		VEC_PUSH(&l->trees, tree);
	return tree;
}

#define REMEMBER(vec, root, key) \
	do { \
		const struct yaml *list_ = yaml_get(root, key); \
		if (list_ && list_->kind == YAML_LIST) \
			for (struct yaml *i_ = list_->first; i_; i_ = i_->next) \
				VEC_PUSH(vec, i_); \
	} while (0)

static void load_fragment(struct loader *l, const char *path)
{
	struct conf_fragment part = {0};
	struct opt_list *all = &l->conf->triggers;
	struct yaml *root = load_tree(l, path);

	if (!root)
		return;
	opt_read(&conf_fragment_table, root, &part, l->errs);
	REMEMBER(&l->triggers, root, "triggers");
	if (part.triggers.n) {
		all->v = xreallocarray(all->v, all->n + part.triggers.n,
			sizeof(struct conf_trigger));
		memcpy((struct conf_trigger *)all->v + all->n, part.triggers.v,
			part.triggers.n * sizeof(struct conf_trigger));
		all->n += part.triggers.n;
	}
	free(part.triggers.v);
}

static void load_fragments(struct loader *l, const char *path)
{
	char *copy = xstrdup(path), *pattern;
	glob_t g;

	pattern = xprintf("%s/triggers.d/*.yml", dirname(copy));
	if (glob(pattern, 0, NULL, &g) == 0) {
		for (size_t i = 0; i < g.gl_pathc; i++)
			load_fragment(l, g.gl_pathv[i]);
		globfree(&g);
	}
	free(pattern);
	free(copy);
}

static void check_all(struct loader *l, const struct yaml *root)
{
	struct conf *c = l->conf;

	for (size_t i = 0; i < c->sources.n; i++)
		check_source(l, l->sources.v[i],
			(struct conf_source *)c->sources.v + i);
	for (size_t i = 0; i < c->engines.n; i++)
		check_engine(l, l->engines.v[i],
			(struct conf_engine *)c->engines.v + i);
	for (size_t i = 0; i < c->triggers.n; i++)
		check_trigger(l, l->triggers.v[i],
			(struct conf_trigger *)c->triggers.v + i);
	check_sections(l, root);
}

struct conf *conf_load(const char *path, struct opt_errors *errs)
{
	return conf_load_checked(path, NULL, errs);
}

struct conf *conf_load_checked(const char *path,
	void (*check)(const struct conf *conf, struct opt_errors *errs),
	struct opt_errors *errs)
{
	struct conf *c = xcalloc(1, sizeof(*c));
	struct loader l = {.conf = c, .errs = errs, .names = map_new()};
	size_t before = errs->list.n;
	struct yaml *root;

	c->path = xstrdup(path);
	root = load_tree(&l, path);
	if (root) {
		opt_read(&conf_table, root, c, errs);
		REMEMBER(&l.sources, root, "sources");
		REMEMBER(&l.triggers, root, "triggers");
		REMEMBER(&l.engines, root, "engines");
		load_fragments(&l, path);
		check_all(&l, root);
		if (check)
			check(c, errs);
	}
	for (size_t i = 0; i < l.trees.n; i++)
		yaml_tree_free(l.trees.v[i]);
	VEC_RELEASE(&l.trees);
	map_free(l.names);
	VEC_RELEASE(&l.sources);
	VEC_RELEASE(&l.triggers);
	VEC_RELEASE(&l.engines);
	opt_errors_sort(errs);
	if (errs->list.n != before) {
		conf_free(c);
		return NULL;
	}
	return c;
}

void conf_free(struct conf *c)
{
	struct opt_strs files;
	char *path;

	if (!c)
		return;
	files = c->files; /* the wheres point into these until the end */
	path = c->path;
	opt_release(&conf_table, c);
	for (size_t i = 0; i < files.n; i++)
		free(files.v[i]);
	free(files.v);
	free(path);
	free(c);
}
