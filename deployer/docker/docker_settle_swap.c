/* See docker_settle.h: one swap. */
#include "deployer/docker/docker_settle.h"

#include "deployer/docker/docker_evidence.h"
#include "deployer/docker/docker_gate.h"
#include "deployer/docker/docker_kept.h"
#include "deployer/docker/docker_renew.h"
#include "deployer/docker/docker_rollback.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

static int go_back(const struct docker_settle *how,
	const struct docker_swap *s, enum docker_settled outcome,
	enum docker_settled *out, struct err *err)
{
	if (docker_rollback_run(
		    how->api, s, how->note, how->patience_ms, err) != 0)
		return -1;
	*out = outcome;
	return 0;
}

/*
 * Before going back begins: a process that finds the new one stopped by this
 * one would take that for the image's fault, or for nothing at all.
 */
static void write_down(const struct docker_settle *how, struct docker_swap *s,
	struct err *why)
{
	struct docker_note *note = how->note;
	struct err e = {0};

	if (note == NULL)
		return;
	if (why->code != DOCKER_GATE_NO_VERDICT)
		docker_kept_mark(how->api, s, how->keep_ms, why);
	/* s may be a copy, made of the labels. */
	if (s != &note->now && note->now.old_id != NULL &&
		strcmp(note->now.old_id, s->old_id) == 0) {
		free(note->now.keep);
		note->now.keep = xstrdup_null(s->keep);
	}
	free(note->reason);
	note->reason = xstrdup(why->text);
	if (docker_note_save(note, why->code == DOCKER_GATE_NO_VERDICT
					? DOCKER_STEP_UNDO
					: DOCKER_STEP_ROLLBACK, &e) != 0)
		log_warn(note->job, "%s; going back all the same", e.text);
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
	if (!*good && !docker_api_unreachable(why) && how->note != NULL) {
		free(how->note->evidence);
		how->note->evidence = docker_evidence_take(how->api, s->new_id);
	}
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
	/* Never created, unless its id was noted. One of --rm is also gone when
	 * its host was started anew. */
	return go_back(how, s,
		s->new_id != NULL && (condemned != NULL || s->rebirth == NULL)
			? DOCKER_SETTLED_BACK
			: DOCKER_SETTLED_UNDONE,
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
	struct docker_swap *s, const struct json *new,
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
	write_down(how, s, why);
	return go_back(how, s,
		why->code == DOCKER_GATE_NO_VERDICT ? DOCKER_SETTLED_UNDONE
						    : DOCKER_SETTLED_BACK,
		out, err);
}

/*
 * The names that the gap between creation and start left out: 0 and whether it
 * has them in *named, or -1: the engine is unreachable. The engine refuses
 * them to one that ends at this moment, as a crashing one does again and again.
 */
static int give_names(const struct docker_settle *how,
	const struct docker_swap *s, bool *named, struct err *why,
	struct err *err)
{
	*named = docker_swap_give_aliases(how->api, s, true, why) == 0;
	if (*named || !docker_api_unreachable(why))
		return 0;
	if (err != NULL)
		*err = *why;
	return -1;
}

/* Is the started one good, with all its names? As gate(). */
static int judge(const struct docker_settle *how, const struct docker_swap *s,
	const struct json *old, bool *good, struct err *why, struct err *err)
{
	bool named = false;

	if (give_names(how, s, &named, why, err) != 0)
		return -1;
	*good = docker_renew_is_self(s->new_id); /* we run: proof enough */
	if (!*good && gate(how, s, old, false, good, why, err) != 0)
		return -1;
	if (!*good || named)
		return 0;
	if (give_names(how, s, &named, why, err) != 0)
		return -1;
	*good = named;
	if (named)
		err_clear(why);
	return 0;
}

/* The new one is good. Where the engine will not let it take over, as in the
 * moments after its own start, the old one runs again and the job, too. Where
 * we are the new one that would end us: the engine is asked again. */
static int forward(const struct docker_settle *how, struct docker_swap *s,
	enum docker_settled *out, struct err *why, struct err *err)
{
	*out = DOCKER_SETTLED_FORWARD;
	if (docker_swap_take_over(how->api, s, why) == 0)
		return how->keep ? 0 : docker_swap_forward(how->api, s, err);
	if (docker_renew_is_self(s->new_id))
		why->code = DOCKER_API_NO_ANSWER;
	if (docker_api_unreachable(why)) {
		if (err != NULL)
			*err = *why;
		return -1;
	}
	log_warn(s->name, "going back: %s", why->text);
	why->code = DOCKER_GATE_NO_VERDICT;
	write_down(how, s, why);
	return go_back(how, s, DOCKER_SETTLED_UNDONE, out, err);
}

static int settle_both(const struct docker_settle *how,
	struct docker_swap *s, const struct json *old,
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
	if (condemned == NULL && judge(how, s, old, &good, why, err) != 0)
		return -1;
	if (!good && condemned == NULL)
		write_down(how, s, why);
	if (!good)
		return go_back(how, s,
			why->code == DOCKER_GATE_NO_VERDICT
				? DOCKER_SETTLED_UNDONE
				: DOCKER_SETTLED_BACK,
			out, err);
	if (forward(how, s, out, why, err) != 0)
		return -1;
	return *out == DOCKER_SETTLED_FORWARD && strcmp(s->was, "paused") == 0
		? docker_container_pause(how->api, s->new_id, err)
		: 0;
}

int docker_settle_look(struct docker_api *api, const char *id, struct json **out,
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
	struct docker_swap *s, const char *condemned,
	enum docker_settled *out, struct err *why, struct err *err)
{
	struct json *old = NULL, *new = NULL;
	bool us = docker_renew_is_self(s->old_id) ||
		docker_renew_is_self(s->new_id);
	char words[400] = "";
	int rc = -1;

	if (us && docker_renew_settle(how->api, s, words, sizeof(words), err))
		return -1;
	if (*words != '\0' && condemned == NULL &&
		docker_renew_is_self(s->old_id))
		condemned = words;

	if (docker_settle_look(how->api, s->old_id, &old, err) == 0 &&
		docker_settle_look(how->api, s->new_id, &new, err) == 0) {
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
