#include "deployer/docker/docker_kept.h"

#include <inttypes.h>

#include "deployer/docker/docker_stop.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define COMPOSE "com.docker.compose.project"

/* ---- entries --------------------------------------------------- */

struct entries {
	size_t prefix; /* of the keys */
	struct json *all;
};

static void add_entry(void *ctx, const char *key, const char *text)
{
	struct entries *e = ctx;
	struct json *j = json_parse(str_from(text), NULL, NULL);

	if (json_str(json_get(j, "name")) != NULL)
		json_set(e->all, key + e->prefix, j);
	else
		json_free(j);
}

struct json *docker_kept_all(struct journal *journal, const char *engine,
	struct err *err)
{
	char *prefix = xprintf("%s kept ", engine);
	struct entries e = {strlen(prefix), json_new_object()};

	if (journal->kept_each(journal, prefix, add_entry, &e, err) != 0) {
		json_free(e.all);
		e.all = NULL;
		err_prefix(err, "the containers that are kept");
	}
	free(prefix);
	return e.all;
}

bool docker_kept_has(const struct json *all, const char *id)
{
	return id != NULL && json_get(all, id) != NULL;
}

void docker_kept_hide(const struct json *all, struct json *list)
{
	struct str base;

	for (size_t i = json_len(list); i-- > 0;) {
		const struct json *c = json_at(list, i);

		if (docker_kept_has(all, json_str(json_get(c, "Id"))) &&
			docker_swap_is_alias(str_from(docker_swap_name(c)),
				"failed", &base))
			json_del_at(list, i);
	}
}

/* text NULL: there is none any more. */
static int write_entry(struct journal *journal, const char *engine,
	const char *id, const char *text, struct err *err)
{
	char *key = xprintf("%s kept %s", engine, id);
	int rc = journal->keep(journal, key, text, err);

	free(key);
	return rc;
}

static int add(const struct docker_note *note, const struct docker_swap *s,
	const char *name, struct err *err)
{
	struct json *j = json_new_object();
	struct strbuf text = {0};
	int64_t ms = 0;
	int rc;

	(void)str_to_i64(str_from(s->keep), &ms);
	json_set_str(j, "name", name);
	json_set_i64(j, "until", clock_wall() + ms);
	json_write(j, &text);
	rc = write_entry(note->journal, note->engine, s->new_id,
		strbuf_cstr(&text), err);
	strbuf_release(&text);
	json_free(j);
	return rc;
}

/* ---- keeping --------------------------------------------------- */

const char *docker_kept_not(const struct json *container)
{
	if (json_bool(json_path(container, "HostConfig.AutoRemove")))
		return "its engine removes it (--rm)";
	if (json_get(json_path(container, "Config.Labels"), COMPOSE) != NULL)
		return "Compose would count it as a replica";
	return NULL;
}

void docker_kept_mark(struct docker_api *api, struct docker_swap *s,
	int64_t keep_ms, struct err *why)
{
	struct json *c = keep_ms > 0 && s->new_id != NULL
		? docker_container_inspect(api, s->new_id, NULL)
		: NULL;
	const char *not;
	size_t n = strlen(why->text);

	if (c == NULL)
		return;
	not = docker_kept_not(c);
	json_free(c);
	free_null(&s->keep);
	if (not == NULL)
		s->keep = xprintf("%" PRId64, keep_ms);
	else
		snprintf(why->text + n, sizeof(why->text) - n,
			"; it is not kept: %s", not);
}

static bool has_policy(const struct json *c)
{
	const char *name = json_str(
		json_path(c, "HostConfig.RestartPolicy.Name"));

	return name != NULL && *name != '\0' && strcmp(name, "no") != 0;
}

int docker_kept_hold(struct docker_api *api, const struct docker_note *note,
	const struct docker_swap *s, struct err *err)
{
	struct json *all = docker_kept_all(note->journal, note->engine, err);
	bool known = docker_kept_has(all, s->new_id), there = all != NULL;
	struct json *c;
	char *name;
	int rc;

	json_free(all);
	if (!there || known)
		return there ? 0 : -1;
	c = docker_container_inspect(api, s->new_id, err);
	if (c == NULL)
		return err->code == 404 ? 0 : -1;
	docker_kept_make_room(api, note, s->name, s->new_id);
	name = docker_swap_alias(s, "failed");
	rc = docker_stop(api, s->new_id, s->signal, err);
	if (rc == 0 && has_policy(c))
		rc = docker_stop_retire(api, s->new_id, err);
	if (rc == 0)
		rc = docker_swap_ensure_name(api, s->new_id, name, err);
	if (rc == 0)
		rc = add(note, s, name, err);
	free(name);
	json_free(c);
	return rc;
}

char *docker_kept_words(const struct docker_note *note,
	char out[DOCKER_KEPT_WORDS])
{
	struct json *all = note->engine != NULL
		? docker_kept_all(note->journal, note->engine, NULL)
		: NULL;
	char did[DOCKER_DID_LEN], at[STR_TIME_LEN];
	const char *name;
	size_t n;

	out[0] = '\0';
	docker_swap_did(note->job, did);
	for (const struct json *e = json_first(all); e; e = json_next(e)) {
		name = json_str(json_get(e, "name"));
		n = strlen(name);
		if (n < strlen(did) ||
			strcmp(name + n - strlen(did), did) != 0)
			continue;
		str_time(json_i64(json_get(e, "until"), 0), at);
		snprintf(out, DOCKER_KEPT_WORDS, "; the failed one is kept as "
			"%.120s until %.19sZ", name, at);
	}
	json_free(all);
	return out;
}

/* ---- removing --------------------------------------------------- */

/* By its id, stopped and under its name, or not at all. */
static void remove_one(struct docker_api *api, struct journal *journal,
	const char *engine, const char *id, const char *name)
{
	struct err err = {0};
	struct json *c = docker_container_inspect(api, id, &err);
	bool ours = strcmp(docker_swap_name(c), name) == 0 &&
		!json_bool(json_path(c, "State.Running"));

	if (c != NULL && !ours)
		log_limited(LOG_INFO, name, "it was to be removed, but it runs "
			"or has another name by now: it stays");
	if (ours && docker_container_remove(api, id, true, &err) == 0) {
		log_info(name, "the failed container is removed");
		err.code = 404;
	}
	if ((c == NULL || ours) && err.code != 404)
		log_limited(LOG_WARN, name, "the failed container is not "
			"removed yet: %s", err.text);
	if (err.code == 404 &&
		write_entry(journal, engine, id, NULL, &err) != 0)
		log_limited(LOG_WARN, name, "%s", err.text);
	json_free(c);
}

void docker_kept_make_room(struct docker_api *api,
	const struct docker_note *note, const char *name, const char *but)
{
	struct json *all = docker_kept_all(note->journal, note->engine, NULL);
	struct str base;

	for (const struct json *e = json_first(all); e; e = json_next(e)) {
		const char *kept = json_str(json_get(e, "name"));

		if (docker_swap_is_alias(str_from(kept), "failed", &base) &&
			str_is(base, name) && strcmp(json_key(e), but) != 0)
			remove_one(api, note->journal, note->engine,
				json_key(e), kept);
	}
	json_free(all);
}

void docker_kept_tend(const struct conf_engine *engine,
	struct journal *journal)
{
	struct err err = {0};
	struct json *all = docker_kept_all(journal, engine->name, &err);
	struct docker_api *api = NULL;
	int64_t now = clock_wall();

	if (all == NULL)
		log_limited(LOG_WARN, engine->name, "%s", err.text);
	for (const struct json *e = json_first(all); e; e = json_next(e)) {
		if (json_i64(json_get(e, "until"), 0) > now)
			continue;
		if (api == NULL)
			api = docker_api_open(engine, &err);
		if (api == NULL)
			break;
		remove_one(api, journal, engine->name, json_key(e),
			json_str(json_get(e, "name")));
	}
	docker_api_close(api);
	json_free(all);
}
