/* Which configuration is this? Its content's hash, and its files' state. */
#include "proto/data/conf_load.h"

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

void conf_set_generation(struct conf_loader *l)
{
	struct conf *c = l->conf;
	const struct yaml *root = l->trees.v[0], *i;
	uint64_t all = START;

	for (size_t k = 0; k < l->trees.n; k++)
		all = hash_tree(all, l->trees.v[k]);
	snprintf(c->generation, sizeof(c->generation), "%016llx",
		(unsigned long long)all);
	i = yaml_get(root, "engines");
	c->fixed = START;
	c->engines_hash = i ? hash_tree(START, i) : 0;
	for (i = root->kind == YAML_MAP ? root->first : NULL; i; i = i->next)
		if (strcmp(i->key, "triggers") != 0 &&
			strcmp(i->key, "notify") != 0)
			c->fixed = hash_tree(c->fixed, i);
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
