#include "deployer/docker/docker_cleanup.h"

#include "deployer/docker/docker_memory.h"
#include "deployer/docker/docker_ref.h"
#include "deployer/docker/docker_swap.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

/* Has the inspected image no names but the repository's? */
static bool is_ours(const struct json *image, const char *repository)
{
	const struct json *tag = json_first(json_get(image, "RepoTags"));

	for (; tag; tag = json_next(tag))
		if (json_str(tag) != NULL &&
			!docker_ref_same_repository(str_from(json_str(tag)),
				str_from(repository)))
			return false;
	return true;
}

/* ---- ways back ----------------------------------------------------------- */

/* What the engine's containers and targets, those that are there, go back to. */
struct ways {
	const struct json *containers; /* listed */
	size_t prefix;		       /* of the keys */
	const char *own; /* target: it goes back to what it ran until now */
	struct json *found;	       /* {IMAGE or DIGEST: true} */
};

static bool label_is(const struct json *c, const char *key, struct str value)
{
	const char *text = json_str(json_get(json_get(c, "Labels"), key));

	return text != NULL && str_is(value, text);
}

/* `container NAME` or `compose PROJECT/SERVICE`. */
static bool is_there(const struct json *containers, struct str target)
{
	const struct json *c = json_first(containers);
	struct str kind, project = {0};

	str_split(&target, ' ', &kind);
	if (str_is(kind, "compose"))
		str_split(&target, '/', &project);
	for (; c; c = json_next(c))
		if (str_is(kind, "compose")
				? label_is(c, "com.docker.compose.project",
					  project) &&
					label_is(c, "com.docker.compose.service",
						target)
				: str_is(target, docker_swap_name(c)))
			return true;
	return false;
}

static void add_way(struct ways *w, const struct json *text)
{
	const char *s = json_str(text);

	if (s != NULL && *s != '\0')
		json_set_bool(w->found, s, true);
}

static void find_way(void *ctx, const char *key, const char *text)
{
	struct ways *w = ctx;
	struct str rest = str_from(key + w->prefix);
	struct json *j;

	/* What failed there is another matter. */
	if (str_starts(rest, STR("target ")))
		rest = str_cut(rest, STR("target ").n, rest.n);
	else if (!str_starts(rest, STR("container ")))
		return;
	if (!is_there(w->containers, rest) ||
		strcmp(key + w->prefix, w->own) == 0)
		return;
	j = json_parse(str_from(text), NULL, NULL);
	add_way(w, json_path(j, "previous.image"));
	add_way(w, json_path(j, "previous.digest"));
	json_free(j);
}

/* NULL: it is not known, so that nothing may go. The caller frees it. */
static struct json *ways_back(struct docker_task *t,
	const struct json *containers)
{
	struct journal *journal = t->run->journal;
	char *prefix = xprintf("%s ", t->run->engine->name);
	char *own = xprintf("target %s", t->note.target);
	struct ways w = {containers, strlen(prefix), own, json_new_object()};
	struct err err = {0};

	if (*t->note.from != '\0')
		json_set_bool(w.found, t->note.from, true);
	if (journal->kept_each(journal, prefix, find_way, &w, &err) != 0) {
		log_warn(t->note.job, "no image is removed: %s", err.text);
		json_free(w.found);
		w.found = NULL;
	}
	free(own);
	free(prefix);
	return w.found;
}

static bool is_way_back(const struct json *ways, const struct json *image)
{
	const struct json *d = json_first(json_get(image, "RepoDigests"));
	const char *at;

	if (json_get(ways, json_str(json_get(image, "Id"))) != NULL)
		return true;
	for (; d; d = json_next(d)) {
		at = json_str(d) != NULL ? strchr(json_str(d), '@') : NULL;
		if (at != NULL && json_get(ways, at + 1) != NULL)
			return true;
	}
	return false;
}

/* ---- removal --------------------------------------------------------------- */

static bool is_used(const struct json *containers, const char *image)
{
	const struct json *c = json_first(containers);
	const char *id;

	for (; c; c = json_next(c)) {
		id = json_str(json_get(c, "ImageID"));
		if (id != NULL && strcmp(id, image) == 0)
			return true;
	}
	return false;
}

/* True: it is gone. */
static bool removed(struct docker_task *t, const struct json *containers,
	const struct json *ways, const char *id)
{
	struct err err = {0};
	struct json *image = docker_image_inspect(t->api, id, &err);
	char *path;
	bool gone = image == NULL && err.code == 404;

	if (image == NULL || is_used(containers, id) ||
		is_way_back(ways, image) ||
		!is_ours(image, t->repository)) {
		json_free(image);
		return gone;
	}
	json_free(image);
	path = xprintf("/images/%s?force=0", id);
	gone = docker_api_call(t->api, "DELETE", path, NULL, NULL, &err) == 0;
	free(path);
	if (gone)
		log_info(t->note.job, "image %.19s is removed", id);
	else /* In use after all, or by several names: the engine knows. */
		log_info(t->note.job, "image %.19s stays: %s", id, err.text);
	return gone;
}

void docker_cleanup_run(struct docker_task *t, const char *name)
{
	struct journal *journal = t->run->journal;
	const char *engine = t->run->engine->name;
	struct json *memory = docker_memory_container(journal, engine, name);
	struct json *ids = json_get(memory, "obsolete");
	struct json *filters = json_new_object(), *list = NULL, *ways = NULL;
	size_t before = json_len(ids);

	if (before > 0)
		list = docker_container_list(t->api, filters, NULL);
	if (list != NULL)
		ways = ways_back(t, list);
	for (size_t i = before; ways != NULL && i-- > 0;)
		if (json_str(json_at(ids, i)) == NULL ||
			removed(t, list, ways, json_str(json_at(ids, i))))
			json_del_at(ids, i);
	if (json_len(ids) != before)
		docker_memory_set_container(journal, engine, name, memory);
	json_free(filters);
	json_free(list);
	json_free(ways);
	json_free(memory);
}
