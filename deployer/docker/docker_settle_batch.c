/* See docker_settle.h: several together. */
#include "deployer/docker/docker_settle_part.h"

#include "deployer/docker/docker_batch.h"
#include "deployer/docker/docker_kept.h"
#include "deployer/docker/docker_spec.h"
#include "proto/base/mem.h"

/* The new containers that the journal does not know of yet, by their labels. */
static void learn_ids(const struct docker_settle *how,
	struct docker_note *note, const struct json *list)
{
	const struct json *c = json_first(list), *labels;
	const char *did, *old, *id;
	struct docker_swap *s;

	for (; c; c = json_next(c)) {
		labels = json_get(c, "Labels");
		did = docker_settle_did(how, c);
		old = json_str(json_get(labels, DOCKER_LABEL_REPLACES));
		id = json_str(json_get(c, "Id"));
		if (id == NULL || did == NULL || old == NULL ||
			!docker_settle_is_of(note, did))
			continue;
		for (size_t i = 0; i <= note->batch.n; i++) {
			s = i < note->batch.n ? &note->batch.v[i] : &note->now;
			if (s->old_id != NULL && s->new_id == NULL &&
				strcmp(s->old_id, old) == 0)
				s->new_id = xstrdup(id);
		}
	}
}

/* All go back: for good, where reason says why, or for another try. */
static int undo_all(const struct docker_settle *how, struct docker_note *note,
	const char *reason, struct err *err)
{
	const struct docker_swap *stuck = NULL;
	size_t n = note->batch.n + (note->now.name != NULL);
	char kept[DOCKER_KEPT_WORDS];
	struct err e = {0};
	char *text;

	if (docker_batch_undo(how->api, note, how->patience_ms, &stuck, &e) !=
		0) {
		if (docker_api_unreachable(&e)) {
			*err = e;
			return -1;
		}
		note->stuck = docker_settle_stuck(how, stuck, &e);
		return 0;
	}
	docker_note_drop_batch(note);
	if (reason == NULL)
		return docker_note_save(note, DOCKER_STEP_DONE, err);
	text = xprintf("%s; %zu containers run their former images again%s",
		reason, n, docker_kept_words(note, kept));
	free(note->reason);
	note->reason = text;
	return docker_note_save(note, DOCKER_STEP_RETURNED, err);
}

/* Their old containers were being removed: all new ones are good. */
static int finish_all(const struct docker_settle *how,
	struct docker_note *note, struct err *err)
{
	for (size_t i = note->batch.n; i-- > 0;)
		if (docker_swap_forward(how->api, &note->batch.v[i], err) != 0)
			return -1;
	return docker_note_end_batch(note, err);
}

/* The one under way, while those before it wait for the others. */
static int settle_now(const struct docker_settle *how_,
	struct docker_note *note, struct err *err)
{
	struct docker_settle how = *how_;
	enum docker_settled outcome;
	struct err why = {0}, e = {0};

	how.keep = true;
	if (docker_settle_swap(&how, &note->now, NULL, &outcome, &why, &e) !=
		0) {
		if (docker_api_unreachable(&e)) {
			*err = e;
			return -1;
		}
		note->stuck = docker_settle_stuck(&how, &note->now, &e);
		return 0;
	}
	if (outcome == DOCKER_SETTLED_FORWARD)
		docker_note_keep(note);
	else
		docker_swap_release(&note->now);
	if (outcome == DOCKER_SETTLED_BACK)
		return undo_all(&how, note, why.text, err);
	return docker_note_save(note, DOCKER_STEP_DONE, err);
}

int docker_settle_batch(const struct docker_settle *how,
	const struct json *list, struct docker_note *note, struct err *err)
{
	learn_ids(how, note, list);
	if (docker_note_is_at(note, DOCKER_STEP_COMMIT))
		return finish_all(how, note, err);
	if (docker_note_is_at(note, DOCKER_STEP_ROLLBACK))
		return undo_all(how, note,
			note->reason != NULL ? note->reason : "it failed", err);
	if (docker_note_is_at(note, DOCKER_STEP_UNDO))
		return undo_all(how, note, NULL, err);
	/* They sleep, and only a whole new try wakes them up in order. */
	if (docker_batch_has_dependents(note))
		return undo_all(how, note, NULL, err);
	return note->now.name != NULL ? settle_now(how, note, err) : 0;
}
