#include "deployer/docker_cleanup.h"

#include "deployer/docker_memory.h"
#include "deployer/docker_ref.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

bool docker_cleanup_is_ours(const struct json *image, const char *repository)
{
	const struct json *tag = json_first(json_get(image, "RepoTags"));

	for (; tag; tag = json_next(tag))
		if (json_str(tag) != NULL &&
			!docker_ref_same_repository(str_from(json_str(tag)),
				str_from(repository)))
			return false;
	return true;
}

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
	const char *id)
{
	struct err err = {0};
	struct json *image = docker_image_inspect(t->api, id, &err);
	char *path;
	bool gone = image == NULL && err.code == 404;

	if (image == NULL || is_used(containers, id) ||
		!docker_cleanup_is_ours(image, t->repository)) {
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
	struct json *filters = json_new_object(), *list = NULL;
	size_t before = json_len(ids);

	if (before > 0)
		list = docker_container_list(t->api, filters, NULL);
	for (size_t i = before; list != NULL && i-- > 0;)
		if (json_str(json_at(ids, i)) == NULL ||
			removed(t, list, json_str(json_at(ids, i))))
			json_del_at(ids, i);
	if (json_len(ids) != before)
		docker_memory_set_container(journal, engine, name, memory);
	json_free(filters);
	json_free(list);
	json_free(memory);
}
