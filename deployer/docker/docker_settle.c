#include "deployer/docker/docker_settle.h"

#include "deployer/docker/docker_kept.h"
#include "deployer/docker/docker_owner.h"
#include "deployer/docker/docker_rollback.h"
#include "deployer/docker/docker_settle_part.h"
#include "deployer/docker/docker_spec.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

/* Writes the outcome down; s is the note's own, or a copy of it. */
static int conclude(struct docker_note *note, const char *name,
	enum docker_settled outcome, const struct err *why, struct err *err)
{
	char kept[DOCKER_KEPT_WORDS];

	if (note == NULL)
		return 0;
	if (outcome == DOCKER_SETTLED_FORWARD && docker_note_is_done(note, name))
		return 0;
	if (outcome != DOCKER_SETTLED_BACK)
		return docker_note_end(note, name,
			outcome == DOCKER_SETTLED_FORWARD, err);
	free(note->reason);
	note->reason = xprintf("%s; %s runs its former image again%s",
		why->text, name, docker_kept_words(note, kept));
	docker_swap_release(&note->now);
	return docker_note_save(note, DOCKER_STEP_RETURNED, err);
}

char *docker_settle_stuck(const struct docker_settle *how,
	const struct docker_swap *s, const struct err *e)
{
	struct strbuf text = {0};

	strbuf_addf(&text, "%s could be neither replaced nor restored: %.200s; "
		"by hand: ", s->name, e->text);
	docker_rollback_manual(how->api, s, &text);
	log_error(s->name, "%s", strbuf_cstr(&text));
	return strbuf_detach(&text);
}

/* The old one has its name back but cannot be started: without the new one in
 * its way another deploy can replace it. */
static int drop_failed(const struct docker_settle *how,
	const struct docker_swap *s, struct err *err)
{
	struct json *old;
	bool back;

	if (docker_settle_look(how->api, s->old_id, &old, err) != 0)
		return -1;
	back = old != NULL && strcmp(docker_swap_name(old), s->name) == 0;
	json_free(old);
	if (!back || s->new_id == NULL)
		return 0;
	return docker_swap_ensure_gone(how->api, s->new_id, true, err);
}

/* Settles s and writes it into the note (which may be NULL). */
static int settle_one(const struct docker_settle *how,
	struct docker_swap *s, struct docker_note *note, char **stuck,
	struct err *err)
{
	bool undo = docker_note_is_at(note, DOCKER_STEP_UNDO);
	/* A copy: the note's own may become another. */
	char *condemned = undo || docker_note_is_at(note, DOCKER_STEP_ROLLBACK)
		? xstrdup_null(note->reason)
		: NULL;
	enum docker_settled outcome;
	struct err why = {0}, e = {0};
	char *name = xstrdup(s->name);
	int rc;

	if (docker_settle_swap(how, s, condemned, &outcome, &why, &e) == 0) {
		if (undo && outcome == DOCKER_SETTLED_BACK)
			outcome = DOCKER_SETTLED_UNDONE;
		rc = conclude(note, name, outcome, &why, err);
	} else if (docker_api_unreachable(&e)) {
		if (err != NULL)
			*err = e;
		rc = -1;
	} else {
		if (note != NULL)
			stuck = &note->stuck;
		free(*stuck);
		*stuck = docker_settle_stuck(how, s, &e);
		rc = 0;
		if (how->mend && note == NULL)
			rc = drop_failed(how, s, err);
	}
	free(condemned);
	free(name);
	return rc;
}

/* The swap as the new container's labels tell it, and what the note (which
 * may be NULL) adds. */
static int settle_labelled(const struct docker_settle *how, const char *id,
	struct docker_note *note, char **stuck, struct err *err)
{
	struct docker_swap s;
	struct json *c;
	int rc;

	if (docker_settle_look(how->api, id, &c, err) != 0)
		return -1;
	if (c == NULL || docker_swap_from_labels(c, &s) != 0) {
		json_free(c);
		return 0;
	}
	json_free(c);
	if (note != NULL && note->now.name != NULL &&
		strcmp(note->now.old_id, s.old_id) == 0) {
		s.image = xstrdup_null(note->now.image);
		s.told = xstrdup_null(note->now.told);
		s.keep = xstrdup_null(note->now.keep);
		if (note->now.rebirth != NULL)
			s.rebirth = json_copy(note->now.rebirth);
		if (note->now.aliases != NULL)
			s.aliases = json_copy(note->now.aliases);
	}
	rc = settle_one(how, &s, note, stuck, err);
	docker_swap_release(&s);
	return rc;
}

/* An old one that nobody knows about: its name is all there is. */
static int settle_orphan(const struct docker_settle *how, const char *id,
	struct err *err)
{
	struct json *c, *other = NULL;
	struct str base;
	char *name = NULL;
	int rc = docker_settle_look(how->api, id, &c, err);

	if (rc == 0 && c != NULL &&
		docker_swap_is_alias(
			str_from(docker_swap_name(c)), "old", &base)) {
		name = xmemdup0(base.p, base.n);
		rc = docker_settle_look(how->api, name, &other, err);
	}
	if (rc == 0 && name != NULL && other == NULL) {
		log_warn(name, "found it as %s after a broken deployment: "
			"named back and started; look at its restart policy",
			docker_swap_name(c));
		rc = docker_container_rename(how->api, id, name, err);
		if (rc == 0)
			rc = docker_container_start(how->api, id, err);
		if (rc != 0 && !docker_api_unreachable(err)) {
			log_error(name, "%s", err->text);
			rc = 0;
		}
	}
	free(name);
	json_free(c);
	json_free(other);
	return rc;
}

bool docker_settle_is_of(const struct docker_note *note, const char *did)
{
	char buf[DOCKER_DID_LEN];

	return strcmp(docker_swap_did(note->job, buf), did) == 0;
}

const char *docker_settle_did(const struct docker_settle *how,
	const struct json *container)
{
	if (docker_kept_has(how->kept, json_str(json_get(container, "Id"))))
		return NULL;
	return json_str(json_get(
		json_get(container, "Labels"), DOCKER_LABEL_DEPLOY));
}

int docker_settle_job(const struct docker_settle *how_,
	const struct json *list, struct docker_note *note, struct err *err)
{
	struct docker_settle with = *how_;
	const struct docker_settle *how = &with;
	const struct json *c;
	const char *id, *did;

	with.note = note;
	if (note->batch.n > 0 || (note->total > 1 && note->now.name != NULL))
		return docker_settle_batch(how, list, note, err);
	for (c = json_first(list); c; c = json_next(c)) {
		id = json_str(json_get(c, "Id"));
		did = docker_settle_did(how, c);
		if (id != NULL && did != NULL && docker_settle_is_of(note, did) &&
			settle_labelled(how, id, note, NULL, err) != 0)
			return -1;
	}
	if (note->now.name == NULL || note->stuck != NULL)
		return 0;
	return settle_one(how, &note->now, note, NULL, err);
}

static const struct json *old_of(const struct json *list,
	const struct json *container)
{
	const char *old = json_str(json_get(
		json_get(container, "Labels"), DOCKER_LABEL_REPLACES));
	const struct json *c = json_first(list);
	const char *id;

	for (; c && old; c = json_next(c)) {
		id = json_str(json_get(c, "Id"));
		if (id && strcmp(id, old) == 0)
			return c;
	}
	return NULL;
}

static bool is_alias(const struct json *container, const char *kind)
{
	struct str base;

	return docker_swap_is_alias(
		str_from(docker_swap_name(container)), kind, &base);
}

/* By the list alone: has the new one another name yet, or the old one a place? */
static bool is_under_way(const struct json *list, const struct json *container)
{
	return is_alias(container, NULL) || old_of(list, container) != NULL;
}

/* It failed, and the old one has its place again: it is only kept. */
static bool is_over(const struct json *list, const struct json *container)
{
	return is_alias(container, "failed") &&
		!is_alias(old_of(list, container), NULL);
}

/* -1 when another deployer is at it just now. *leave: it keeps that one. */
static int check_owner(const struct docker_settle *how,
	const struct json *list, const struct json *c, bool *leave,
	struct err *err)
{
	const char *owner = json_str(json_get(
		json_get(c, "Labels"), DOCKER_LABEL_OWNER));
	int rc = is_under_way(list, c)
		? docker_owner_is_other(how->api, owner, err) : 0;

	*leave = rc > 0 && is_over(list, c);
	if (rc <= 0 || *leave)
		return rc < 0 ? -1 : 0;
	return err_retry(err, "another deployer (%s) is replacing %s: an "
		"engine has one deployer, stop one of the two", owner,
		docker_swap_name(c));
}

int docker_settle_rest(const struct docker_settle *how,
	const struct json *list, const struct docker_note *notes, size_t n,
	char **stuck, struct err *err)
{
	const struct json *c;
	const char *id, *did;
	bool leave;
	size_t i;

	for (c = json_first(list); c; c = json_next(c)) {
		id = json_str(json_get(c, "Id"));
		did = docker_settle_did(how, c);
		if (id == NULL || did == NULL)
			continue;
		for (i = 0; i < n && !docker_settle_is_of(&notes[i], did); i++)
			;
		if (i < n)
			continue;
		if (check_owner(how, list, c, &leave, err) != 0 ||
			(!leave &&
				settle_labelled(
					how, id, NULL, stuck, err) != 0))
			return -1;
	}
	for (c = json_first(list); c; c = json_next(c)) {
		id = json_str(json_get(c, "Id"));
		if (id != NULL && is_alias(c, "old") &&
			settle_orphan(how, id, err) != 0)
			return -1;
	}
	return 0;
}
