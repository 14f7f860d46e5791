/* Which configuration is this? Its content's hash, and its files' state. */
#include "proto/data/conf_load.h"

#include "proto/base/mem.h"
#include "proto/data/opt_value.h"

#include <glob.h>
#include <libgen.h>
#include <sys/stat.h>

#define START 0xcbf29ce484222325ULL

/* FNV-1a: the same in every process, unlike a map's hash. Whoever writes the
 * configuration may do anything, so nothing is won by a collision. */
static uint64_t mix(uint64_t hash, const void *p, size_t n)
{
	const unsigned char *byte = p;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ byte[i]) * 0x100000001b3ULL;
	return hash;
}

static uint64_t mix_text(uint64_t hash, const char *s)
{
	return s ? mix(hash, s, strlen(s) + 1) : hash;
}

/* Depth is bounded by the reader. Comments and layout have no part in it. */
static uint64_t hash_tree(uint64_t hash, const struct yaml *node)
{
	hash = mix(hash, (char[]){(char)(1 + (int)node->kind)}, 1);
	hash = mix_text(mix_text(hash, node->key), node->scalar);
	for (const struct yaml *i = node->first; i; i = i->next)
		hash = hash_tree(hash, i);
	return mix(hash, "", 1);
}

static uint64_t hash_secret(uint64_t hash, const struct secret *s)
{
	return mix(mix(hash, &s->n, sizeof(s->n)), s->p, s->n);
}

/* What the option tables know as secrets. */
static uint64_t hash_secrets(uint64_t hash, const struct opt_table *t,
	const char *obj)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct opt *o = &t->opts[i];
		const void *p = obj + o->offset;
		const struct opt_secrets *secrets = p;
		const struct opt_list *list = p;

		if (o->type == OPT_SECRET)
			hash = hash_secret(hash, p);
		for (size_t k = 0; o->type == OPT_SECRETS && k < secrets->n; k++)
			hash = hash_secret(hash, &secrets->v[k]);
		if (o->type == OPT_SUB)
			hash = hash_secrets(hash, o->sub, p);
		for (size_t k = 0; o->type == OPT_LIST && k < list->n; k++)
			hash = hash_secrets(hash, o->sub,
				(const char *)list->v + k * o->sub->size);
	}
	return hash;
}

static void add_secret_file(struct opt_strs *files, const char *scalar)
{
	struct err err = {0};
	char *path = opt_expand(scalar, &err);

	if (!path)
		return; /* told when it was read */
	files->v = xreallocarray(files->v, files->n + 1, sizeof(*files->v));
	files->v[files->n++] = path;
}

static void find_secret_files(struct opt_strs *files, const struct yaml *node)
{
	static const struct str suffix = {"_file", 5};
	bool named = node->key && str_ends(str_from(node->key), suffix);

	if (named && node->kind == YAML_SCALAR)
		add_secret_file(files, node->scalar);
	for (const struct yaml *i = node->first; i; i = i->next) {
		if (named && i->kind == YAML_SCALAR)
			add_secret_file(files, i->scalar);
		else
			find_secret_files(files, i);
	}
}

/* Sections that ingress, matchers and deployers take while they run. */
static bool is_reloaded(const char *key)
{
	return !strcmp(key, "triggers") || !strcmp(key, "sources") ||
		!strcmp(key, "notify") || !strcmp(key, "trusted_proxies");
}

void conf_set_generation(struct conf_loader *l)
{
	struct conf *c = l->conf;
	const struct yaml *root = l->trees.v[0], *i;
	uint64_t all = START;

	for (size_t k = 0; k < l->trees.n; k++)
		all = hash_tree(all, l->trees.v[k]);
	for (size_t k = 0; k < l->trees.n; k++)
		find_secret_files(&c->secret_files, l->trees.v[k]);
	c->secrets = hash_secrets(START, &conf_table, (const char *)c);
	snprintf(c->generation, sizeof(c->generation), "%016llx",
		(unsigned long long)all);
	i = yaml_get(root, "engines");
	c->fixed = START;
	c->engines_hash = i ? hash_tree(START, i) : 0;
	for (i = root->kind == YAML_MAP ? root->first : NULL; i; i = i->next)
		if (!is_reloaded(i->key))
			c->fixed = hash_tree(c->fixed, i);
}

void conf_hash_texts(const char *const *texts, size_t n,
	char out[CONF_GENERATION_LEN])
{
	uint64_t hash = START;

	for (size_t i = 0; i < n; i++)
		hash = mix_text(hash, texts[i]);
	snprintf(out, CONF_GENERATION_LEN, "%016llx",
		(unsigned long long)hash);
}

char *conf_fragments(const char *path)
{
	char *copy = xstrdup(path);
	char *pattern = xprintf("%s/triggers.d/*.yml", dirname(copy));

	free(copy);
	return pattern;
}

static uint64_t mix_file(uint64_t hash, const char *path)
{
	struct stat st = {0};

	if (stat(path, &st) < 0)
		return mix_text(hash, path);
	hash = mix_text(hash, path);
	hash = mix(hash, &st.st_dev, sizeof(st.st_dev));
	hash = mix(hash, &st.st_ino, sizeof(st.st_ino));
	hash = mix(hash, &st.st_size, sizeof(st.st_size));
	hash = mix(hash, &st.st_mtim.tv_sec, sizeof(st.st_mtim.tv_sec));
	return mix(hash, &st.st_mtim.tv_nsec, sizeof(st.st_mtim.tv_nsec));
}

uint64_t conf_files_state(const char *path)
{
	char *pattern = conf_fragments(path);
	uint64_t hash = mix_file(START, path);
	glob_t g;

	if (glob(pattern, 0, NULL, &g) == 0) {
		for (size_t i = 0; i < g.gl_pathc; i++)
			hash = mix_file(hash, g.gl_pathv[i]);
		globfree(&g);
	}
	free(pattern);
	return hash ? hash : 1;
}
