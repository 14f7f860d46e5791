#include "deployer/docker/docker_memory.h"

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define FAILED_MAX 20
#define OBSOLETE_MAX 20

/* Absent, unreadable and empty are one: nothing is known. */
static struct json *load(struct journal *journal, const char *key)
{
	static const struct json_limits limits = {.nodes = 100000};
	struct err err = {0};
	struct json *j = NULL;
	char *text = NULL;

	if (journal->kept(journal, key, &text, &err) != 0)
		log_warn(NULL, "%s: %s", key, err.text);
	if (text != NULL)
		j = json_parse(str_from(text), &limits, NULL);
	free(text);
	if (j != NULL && json_kind(j) != JSON_OBJECT) {
		json_free(j);
		return NULL;
	}
	return j;
}

static void save(struct journal *journal, const char *key,
	const struct json *j)
{
	struct strbuf text = {0};
	struct err err = {0};

	if (j != NULL)
		json_write(j, &text);
	if (journal->keep(journal, key, j != NULL ? strbuf_cstr(&text) : NULL,
		    &err) != 0)
		log_warn(NULL, "%s is not remembered: %s", key, err.text);
	strbuf_release(&text);
}

/* ---- digests that failed --------------------------------------------------- */

static char *failed_key(const char *engine, const char *target)
{
	return xprintf("%s failed %s", engine, target);
}

char *docker_memory_failed(struct journal *journal, const char *engine,
	const char *target, const char *digest)
{
	char *key = failed_key(engine, target);
	struct json *known = load(journal, key);
	const struct json *one = json_get(known, digest);
	const char *why = json_str(json_get(one, "reason"));
	char *text = NULL, at[STR_TIME_LEN];

	if (why != NULL) {
		str_time(json_i64(json_get(one, "time"), 0), at);
		text = xprintf("this digest was rolled back here at %.19sZ and "
			"is not tried again until another one is deployed or "
			"`pullwire-deployer queue retry` says so: %.250s",
			at, why);
	}
	json_free(known);
	free(key);
	return text;
}

static void add_failed(struct json **known, const char *digest,
	const char *reason)
{
	struct json *one = json_new_object();

	if (*known == NULL)
		*known = json_new_object();
	json_del(*known, digest);
	while (json_len(*known) >= FAILED_MAX)
		json_del(*known, json_key(json_first(*known)));
	json_set_str(one, "reason", reason);
	json_set_i64(one, "time", clock_wall());
	json_set(*known, digest, one);
}

/* ---- targets --------------------------------------------------- */

static char *target_key(const char *engine, const char *target)
{
	return xprintf("%s target %s", engine, target);
}

static void remember_target(const struct docker_note *n)
{
	char *key = target_key(n->engine, n->target);
	struct json *j = json_new_object(), *previous = NULL, *known = NULL;

	/* Made anew of the same image: the way back is still the same. */
	if (*n->to != '\0' && strcmp(n->from, n->to) == 0)
		known = load(n->journal, key);
	if (json_get(known, "previous") != NULL)
		previous = json_copy(json_get(known, "previous"));
	if (previous == NULL) {
		previous = json_new_object();
		json_set_str(previous, "digest", n->from);
		json_set_str(previous, "reference", n->from_reference);
	}
	json_set_str(j, "digest", n->to);
	json_set_str(j, "reference", n->reference);
	json_set(j, "previous", previous);
	save(n->journal, key, j);
	json_free(known);
	json_free(j);
	free(key);
}

void docker_memory_result(const struct docker_note *n,
	const struct driver_result *result)
{
	struct json *known;
	char *key;

	if (n->engine == NULL || n->target == NULL ||
		(result->status != DRIVER_DEPLOYED &&
			result->status != DRIVER_ROLLED_BACK))
		return;
	key = failed_key(n->engine, n->target);
	known = load(n->journal, key);
	if (result->status == DRIVER_DEPLOYED) {
		remember_target(n);
		if (known != NULL)
			save(n->journal, key, NULL);
	} else if (*n->to != '\0') {
		add_failed(&known, n->to, result->reason);
		save(n->journal, key, known);
	}
	json_free(known);
	free(key);
}

void docker_memory_previous(struct journal *journal, const char *engine,
	const char *target, struct docker_memory_image *out)
{
	char *key = target_key(engine, target);
	struct json *j = load(journal, key);
	const char *reference = json_str(json_path(j, "previous.reference"));
	const char *digest = json_str(json_path(j, "previous.digest"));

	*out = (struct docker_memory_image){0};
	out->reference = xstrdup_null(reference);
	if (digest != NULL && *digest != '\0')
		out->digest = xstrdup(digest);
	json_free(j);
	free(key);
}

void docker_memory_image_release(struct docker_memory_image *i)
{
	free(i->reference);
	free(i->digest);
	*i = (struct docker_memory_image){0};
}

/* ---- containers --------------------------------------------------- */

static char *container_key(const char *engine, const char *name)
{
	return xprintf("%s container %s", engine, name);
}

struct json *docker_memory_container(struct journal *journal,
	const char *engine, const char *name)
{
	char *key = container_key(engine, name);
	struct json *j = load(journal, key);

	free(key);
	return j;
}

void docker_memory_set_container(struct journal *journal, const char *engine,
	const char *name, const struct json *memory)
{
	char *key = container_key(engine, name);

	if (memory != NULL)
		save(journal, key, memory);
	free(key);
}

/* The images that none of the two is any more. */
static struct json *obsolete(const struct json *now, const char *previous,
	const char *current)
{
	struct json *list = json_new_array();
	const struct json *o = json_first(json_get(now, "obsolete"));
	const char *last = json_str(json_path(now, "previous.image"));
	const char *id;

	for (;; o = json_next(o)) {
		id = o != NULL ? json_str(o) : last;
		if (id != NULL && strcmp(id, previous) != 0 &&
			strcmp(id, current) != 0)
			json_push(list, json_new_str(id));
		if (o == NULL)
			break;
	}
	while (json_len(list) > OBSOLETE_MAX)
		json_del_at(list, 0);
	return list;
}

struct json *docker_memory_next(const struct json *now,
	const struct json *old, const struct json *old_image,
	const struct json *new_image, const char *from)
{
	struct json *next = json_new_object();
	struct json *image = json_new_object(), *previous = json_new_object();
	const char *was = json_str(json_get(old_image, "Id"));
	const char *is = json_str(json_get(new_image, "Id"));
	const char *reference = json_str(json_path(old, "Config.Image"));

	json_set_str(image, "Id", is);
	json_set(image, "Config", json_copy(json_get(new_image, "Config")));
	json_set(next, "image", image);
	/* Made anew of the same image: what was before it stays that. */
	if (was != NULL && is != NULL && strcmp(was, is) == 0 &&
		json_get(now, "previous") != NULL) {
		json_free(previous);
		json_set(next, "previous",
			json_copy(json_get(now, "previous")));
		if (json_get(now, "obsolete") != NULL)
			json_set(next, "obsolete",
				json_copy(json_get(now, "obsolete")));
		return next;
	}
	json_set_str(previous, "image", was);
	json_set_str(previous, "digest", from);
	if (reference != NULL)
		json_set_str(previous, "reference", reference);
	json_set(next, "previous", previous);
	json_set(next, "obsolete", obsolete(now, was, is));
	return next;
}
