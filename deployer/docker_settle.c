#include "deployer/docker_settle.h"

#include "deployer/docker_gate.h"
#include "deployer/docker_rollback.h"
#include "deployer/docker_spec.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

/* ---- one swap ----------------------------------------------------------------- */

static int go_back(const struct docker_settle *how,
	const struct docker_swap *s, enum docker_settled outcome,
	enum docker_settled *out, struct err *err)
{
	if (docker_rollback_run(how->api, s, how->patience_ms, err) != 0)
		return -1;
	*out = outcome;
	return 0;
}

/* 0 and the verdict in *good, or -1: the engine is unreachable. */
static int gate(const struct docker_settle *how, const struct docker_swap *s,
	const struct json *old, bool fresh, bool *good, struct err *why,
	struct err *err)
{
	const struct docker_gate g = {
		.image = s->image,
		.old = old,
		.fresh = fresh,
		.grace_ms = how->grace_ms,
		.health_ms = how->health_ms,
	};

	*good = docker_gate_wait(how->api, s->new_id, &g, why) == 0;
	if (*good || !docker_api_unreachable(why))
		return 0;
	if (err != NULL)
		*err = *why;
	return -1;
}

static int settle_without_new(const struct docker_settle *how,
	const struct docker_swap *s, bool old, const char *condemned,
	enum docker_settled *out, struct err *why, struct err *err)
{
	if (!old && s->rebirth == NULL) {
		*out = DOCKER_SETTLED_NOTHING;
		return 0;
	}
	err_fail(why, "%s", condemned != NULL
			? condemned
			: "the new container was removed by somebody else");
	/* Never created, unless its id was noted. */
	return go_back(how, s,
		s->new_id != NULL ? DOCKER_SETTLED_BACK : DOCKER_SETTLED_UNDONE,
		out, err);
}

/* Only where it still has a temporary name: another one is a person's wish. */
static int take_name(const struct docker_settle *how,
	const struct docker_swap *s, const struct json *new, struct err *err)
{
	struct str base;

	if (!docker_swap_is_alias(str_from(docker_swap_name(new)), NULL, &base))
		return 0;
	return docker_container_rename(how->api, s->new_id, s->name, err);
}

static int settle_without_old(const struct docker_settle *how,
	const struct docker_swap *s, const struct json *new,
	const char *condemned, enum docker_settled *out, struct err *why,
	struct err *err)
{
	/* Of a --rm container "gone" is no sign that the new one was good. */
	bool judge = s->rebirth != NULL || !docker_swap_started(new);
	bool good = true;
	struct err e = {0};

	if (condemned != NULL && s->rebirth != NULL) {
		err_fail(why, "%s", condemned);
		return go_back(how, s, DOCKER_SETTLED_BACK, out, err);
	}
	*out = DOCKER_SETTLED_FORWARD;
	if (take_name(how, s, new, &e) != 0) {
		if (e.code != 409) {
			if (err != NULL)
				*err = e;
			return -1;
		}
		log_warn(s->name, "another container has the name; %s stays "
			"as it is", docker_swap_name(new));
		*out = DOCKER_SETTLED_NOTHING;
		return 0;
	}
	if (strcmp(s->was, "stopped") == 0)
		return 0;
	if (!docker_swap_started(new) &&
		docker_container_start(how->api, s->new_id, why) != 0)
		good = false;
	else if (judge && gate(how, s, NULL, !docker_swap_started(new), &good,
				 why, err) != 0)
		return -1;
	if (good || s->rebirth == NULL)
		return 0;
	return go_back(how, s, DOCKER_SETTLED_BACK, out, err);
}

static int settle_both(const struct docker_settle *how,
	const struct docker_swap *s, const struct json *old,
	const struct json *new, const char *condemned,
	enum docker_settled *out, struct err *why, struct err *err)
{
	bool good = false;

	if (condemned != NULL)
		err_fail(why, "%s", condemned);
	if (!docker_swap_started(new))
		return go_back(how, s,
			condemned != NULL ? DOCKER_SETTLED_BACK
					  : DOCKER_SETTLED_UNDONE,
			out, err);
	if (condemned == NULL &&
		gate(how, s, old, false, &good, why, err) != 0)
		return -1;
	if (!good)
		return go_back(how, s, DOCKER_SETTLED_BACK, out, err);
	*out = DOCKER_SETTLED_FORWARD;
	if (docker_swap_forward(how->api, s, err) != 0)
		return -1;
	return strcmp(s->was, "paused") == 0
		? docker_container_pause(how->api, s->new_id, err)
		: 0;
}

/* NULL and 0 when it is gone; -1 when the engine does not say. */
static int look(struct docker_api *api, const char *id, struct json **out,
	struct err *err)
{
	struct err e = {0};

	*out = id != NULL ? docker_container_inspect(api, id, &e) : NULL;
	if (id == NULL || *out != NULL || e.code == 404)
		return 0;
	if (err != NULL)
		*err = e;
	return -1;
}

int docker_settle_swap(const struct docker_settle *how,
	const struct docker_swap *s, const char *condemned,
	enum docker_settled *out, struct err *why, struct err *err)
{
	struct json *old = NULL, *new = NULL;
	int rc = -1;

	if (look(how->api, s->old_id, &old, err) == 0 &&
		look(how->api, s->new_id, &new, err) == 0) {
		if (new == NULL)
			rc = settle_without_new(how, s, old != NULL, condemned,
				out, why, err);
		else if (old == NULL)
			rc = settle_without_old(how, s, new, condemned,
				out, why, err);
		else
			rc = settle_both(how, s, old, new, condemned, out, why,
				err);
	}
	json_free(old);
	json_free(new);
	return rc;
}

/* ---- all of them -------------------------------------------------------------- */

/* Writes the outcome down; s is the note's own, or a copy of it. */
static int conclude(struct docker_note *note, const char *name,
	enum docker_settled outcome, const struct err *why, struct err *err)
{
	if (note == NULL)
		return 0;
	if (outcome == DOCKER_SETTLED_FORWARD && docker_note_is_done(note, name))
		return 0;
	if (outcome != DOCKER_SETTLED_BACK)
		return docker_note_end(note, name,
			outcome == DOCKER_SETTLED_FORWARD, err);
	free(note->reason);
	note->reason = xprintf("%s; %s runs its former image again", why->text,
		name);
	docker_swap_release(&note->now);
	return docker_note_save(note, DOCKER_STEP_RETURNED, err);
}

/* Settles s and writes it into the note (which may be NULL). */
static int settle_one(const struct docker_settle *how,
	const struct docker_swap *s, struct docker_note *note, char **stuck,
	struct err *err)
{
	const char *condemned = note != NULL && note->step != NULL &&
			strcmp(note->step, DOCKER_STEP_ROLLBACK) == 0
		? note->reason
		: NULL;
	enum docker_settled outcome;
	struct err why = {0}, e = {0};
	char *name = xstrdup(s->name);
	int rc;

	if (docker_settle_swap(how, s, condemned, &outcome, &why, &e) == 0) {
		rc = conclude(note, name, outcome, &why, err);
	} else if (docker_api_unreachable(&e)) {
		if (err != NULL)
			*err = e;
		rc = -1;
	} else {
		struct strbuf text = {0};

		strbuf_addf(&text, "%s could be neither replaced nor "
			"restored: %.200s; by hand: ", name, e.text);
		docker_rollback_manual(how->api, s, &text);
		log_error(name, "%s", strbuf_cstr(&text));
		if (note != NULL)
			stuck = &note->stuck;
		free(*stuck);
		*stuck = strbuf_detach(&text);
		rc = 0;
	}
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

	if (look(how->api, id, &c, err) != 0)
		return -1;
	if (c == NULL || docker_swap_from_labels(c, &s) != 0) {
		json_free(c);
		return 0;
	}
	json_free(c);
	if (note != NULL && note->now.name != NULL &&
		strcmp(note->now.old_id, s.old_id) == 0) {
		s.image = xstrdup_null(note->now.image);
		if (note->now.rebirth != NULL)
			s.rebirth = json_copy(note->now.rebirth);
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
	int rc = look(how->api, id, &c, err);

	if (rc == 0 && c != NULL &&
		docker_swap_is_alias(
			str_from(docker_swap_name(c)), "old", &base)) {
		name = xmemdup0(base.p, base.n);
		rc = look(how->api, name, &other, err);
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

static bool is_of(const struct docker_note *note, const char *did)
{
	char buf[DOCKER_DID_LEN];

	return strcmp(docker_swap_did(note->job, buf), did) == 0;
}

/* The deployment that a listed container is of, or NULL. */
static const char *did_of(const struct json *container)
{
	return json_str(json_get(
		json_get(container, "Labels"), DOCKER_LABEL_DEPLOY));
}

int docker_settle_job(const struct docker_settle *how,
	const struct json *list, struct docker_note *note, struct err *err)
{
	const struct json *c;
	const char *id;

	for (c = json_first(list); c; c = json_next(c)) {
		id = json_str(json_get(c, "Id"));
		if (id != NULL && did_of(c) != NULL && is_of(note, did_of(c)) &&
			settle_labelled(how, id, note, NULL, err) != 0)
			return -1;
	}
	if (note->now.name == NULL || note->stuck != NULL)
		return 0;
	return settle_one(how, &note->now, note, NULL, err);
}

int docker_settle_rest(const struct docker_settle *how,
	const struct json *list, const struct docker_note *notes, size_t n,
	char **stuck, struct err *err)
{
	const struct json *c;
	const char *id;
	struct str base;
	size_t i;

	for (c = json_first(list); c; c = json_next(c)) {
		id = json_str(json_get(c, "Id"));
		if (id == NULL || did_of(c) == NULL)
			continue;
		for (i = 0; i < n && !is_of(&notes[i], did_of(c)); i++)
			;
		if (i == n && settle_labelled(how, id, NULL, stuck, err) != 0)
			return -1;
	}
	for (c = json_first(list); c; c = json_next(c)) {
		id = json_str(json_get(c, "Id"));
		if (id != NULL && docker_swap_is_alias(
			    str_from(docker_swap_name(c)), "old", &base) &&
			settle_orphan(how, id, err) != 0)
			return -1;
	}
	return 0;
}
