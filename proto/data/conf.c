#include "proto/data/conf.h"

#include "proto/base/window.h"
#include "proto/data/conf_load.h"
#include "proto/data/opt_value.h"

#include <glob.h>

size_t conf_line(const struct conf *c, const char *section, const char *key)
{
	const struct yaml *map = yaml_get(c->root, section);

	return map ? conf_key_line(map, key) : 0;
}

static const char *keep_file(struct conf *c, const char *path)
{
	struct opt_strs *f = &c->files;

	f->v = xreallocarray(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n] = xstrdup(path);
	return f->v[f->n++];
}

static struct yaml *load_tree(struct conf_loader *l, const char *path)
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

static void load_fragment(struct conf_loader *l, const char *path)
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

static void load_fragments(struct conf_loader *l, const char *path)
{
	char *pattern = conf_fragments(path);
	glob_t g;

	if (glob(pattern, 0, NULL, &g) == 0) {
		for (size_t i = 0; i < g.gl_pathc; i++)
			load_fragment(l, g.gl_pathv[i]);
		globfree(&g);
	}
	free(pattern);
}

/* An entry without keys is told once. */
#define CHECK_EACH(check, nodes, list, type) \
	do { \
		for (size_t i_ = 0; i_ < (list).n; i_++) \
			if ((nodes).v[i_]->kind == YAML_MAP) \
				check(l, (nodes).v[i_], (type *)(list).v + i_); \
	} while (0)

static void check_all(struct conf_loader *l, const struct yaml *root)
{
	struct conf *c = l->conf;

	CHECK_EACH(conf_check_source, l->sources, c->sources, struct conf_source);
	CHECK_EACH(conf_check_engine, l->engines, c->engines,
		struct conf_engine);
	CHECK_EACH(conf_check_trigger, l->triggers, c->triggers,
		struct conf_trigger);
	CHECK_EACH(conf_check_notify, l->notify, c->notify,
		struct conf_notify);
	conf_check_blocks(l, root, "trusted_proxies", &c->trusted_proxies);
	conf_check_sections(l, root);
	CONF_EACH(c->engines, struct conf_engine, e)
		if (!e->docker_config)
			e->docker_config =
				xstrdup_null(c->deployer.docker_config);
}

static void drop_changing(struct yaml *root)
{
	static const char *const keys[] = {
		"sources", "triggers", "engines", "notify"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		yaml_drop(root, keys[i]);
}

/* What could be read, with faults or without. */
static struct conf *load(const char *path, bool standing,
	void (*check)(const struct conf *conf, struct opt_errors *errs),
	struct opt_errors *errs)
{
	struct conf *c = xcalloc(1, sizeof(*c));
	struct conf_loader l = {
		.conf = c, .errs = errs, .standing = standing};
	struct yaml *root;

	c->path = xstrdup(path);
	c->names = map_new();
	c->windows = map_new();
	atomic_init(&c->refs, 1);
	root = load_tree(&l, path);
	if (root && standing)
		drop_changing(root);
	if (root) {
		opt_read(&conf_table, root, c, errs);
		REMEMBER(&l.sources, root, "sources");
		REMEMBER(&l.triggers, root, "triggers");
		REMEMBER(&l.engines, root, "engines");
		REMEMBER(&l.notify, root, "notify");
		if (!standing)
			load_fragments(&l, path);
		check_all(&l, root);
		conf_set_generation(&l);
		c->root = root;
		if (check)
			check(c, errs);
		c->root = NULL;
	}
	for (size_t i = 0; i < l.trees.n; i++)
		yaml_tree_free(l.trees.v[i]);
	VEC_RELEASE(&l.trees);
	VEC_RELEASE(&l.sources);
	VEC_RELEASE(&l.triggers);
	VEC_RELEASE(&l.engines);
	VEC_RELEASE(&l.notify);
	opt_errors_sort(errs);
	return c;
}

static struct conf *without_faults(struct conf *c, size_t before,
	const struct opt_errors *errs)
{
	if (errs->list.n == before)
		return c;
	conf_free(c);
	return NULL;
}

struct conf *conf_load(const char *path, struct opt_errors *errs)
{
	return conf_load_checked(path, NULL, errs);
}

struct conf *conf_load_checked(const char *path,
	void (*check)(const struct conf *conf, struct opt_errors *errs),
	struct opt_errors *errs)
{
	size_t before = errs->list.n;

	return without_faults(load(path, false, check, errs), before, errs);
}

struct conf *conf_load_standing(const char *path, struct opt_errors *errs)
{
	size_t before = errs->list.n;

	return without_faults(load(path, true, NULL, errs), before, errs);
}

/* What a line says after its key, without quotes and remark; NULL: nothing. */
static char *line_value(const char *at)
{
	const char *ends = *at == '"' ? "\"\n" : *at == '\'' ? "'\n" : " \t\r\n";
	char *text, *value;

	at += *at == '"' || *at == '\'';
	text = xmemdup0(at, *at == '#' ? 0 : strcspn(at, ends));
	value = *text ? opt_expand(text, NULL) : NULL;
	free(text);
	return value;
}

/* The line `run: FOLDER`, or JSON's, of what is no YAML any more; NULL: it has
 * none. */
static char *run_line(const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL, *run = NULL;
	size_t size = 0;

	while (f && !run && getline(&line, &size, f) > 0) {
		int at = 0;

		(void)sscanf(line, "run: %n", &at);
		if (at == 0)
			(void)sscanf(line, " \"run\" : %n", &at);
		run = at ? line_value(line + at) : NULL;
	}
	free(line);
	if (f)
		fclose(f);
	return run;
}

char *conf_run(const char *path)
{
	struct opt_errors errs = {0};
	struct conf *c = load(path, true, NULL, &errs);
	char *run = c->run ? xstrdup(c->run) : run_line(path);

	conf_free(c);
	opt_errors_release(&errs);
	return run ? run : xstrdup(CONF_RUN);
}

void conf_windows_free(struct map *windows)
{
	struct str text;
	void *window;

	for (size_t it = 0; map_next(windows, &it, &text, &window);)
		window_free(window);
	map_free(windows);
}

struct conf *conf_ref(const struct conf *c)
{
	/* Who holds it cannot change it, but for this count. */
	struct conf *own = (struct conf *)(uintptr_t)c;

	atomic_fetch_add(&own->refs, 1);
	return own;
}

static void free_strs(struct opt_strs *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
}

void conf_free(struct conf *c)
{
	struct opt_strs files, secret_files;
	struct map *names, *windows;
	char *path;

	if (!c || atomic_fetch_sub(&c->refs, 1) > 1)
		return;
	if (c->labelled) {
		/* All but these is base's. */
		conf_labelled_free(c->labelled);
		free(c);
		return;
	}
	files = c->files; /* the wheres point into these until the end */
	secret_files = c->secret_files;
	path = c->path;
	names = c->names;
	windows = c->windows;
	opt_release(&conf_table, c);
	free_strs(&files);
	free_strs(&secret_files);
	free(path);
	map_free(names);
	conf_windows_free(windows);
	free(c);
}
