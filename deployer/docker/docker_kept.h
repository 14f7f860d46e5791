/*
 * New containers that failed and are kept for a look (`keep_failed`): stopped,
 * with restart policy "no", called NAME.failed-1a2b3c4d, until their time is
 * over. No label can be taken from them, so it is the journal's lasting part
 * that tells them from what a crash has left, one entry each:
 *
 *   ENGINE kept ID    {"name": NAME.failed-1a2b3c4d, "until": UTC ms}
 *
 * It is there before going back ends without a removal, and until the
 * container is gone. Of one application the last one is kept.
 */
#ifndef DEPLOYER_DOCKER_KEPT_H
#define DEPLOYER_DOCKER_KEPT_H

#include "deployer/docker/docker_note.h"

/* All entries of the engine, {ID: entry}; NULL with err when they cannot be
 * read, and then nothing is known. The caller frees it. */
struct json *docker_kept_all(struct journal *journal, const char *engine,
	struct err *err);
/* One that is there and known to be kept. NULL and unknown ones are not. */
bool docker_kept_has(const struct json *all, const char *id);
/* Takes them out of a list of containers. One that a person has given another
 * name stays there. */
void docker_kept_hide(const struct json *all, struct json *list);

/* Pure: why the inspected container cannot be kept, nor its successor; NULL:
 * it can. */
const char *docker_kept_not(const struct json *container);
/*
 * The container of s has failed by its image, for the reason *why: from here
 * s->keep says that it is to be kept, for so many ms (0: not); or *why ends
 * with the reason why it cannot be.
 */
void docker_kept_mark(struct docker_api *api, struct docker_swap *s,
	int64_t keep_ms, struct err *why);
/*
 * s has gone back. 0: its new container is kept, or gone; -1: it cannot be.
 * Doing it again changes nothing.
 */
int docker_kept_hold(struct docker_api *api, const struct docker_note *note,
	const struct docker_swap *s, struct err *err);
/* Removes what is kept of that application, but for that id. Those that run,
 * or have another name by now, are a person's and stay. */
void docker_kept_make_room(struct docker_api *api,
	const struct docker_note *note, const char *name, const char *but);
/* "; the failed one is kept as NAME.failed-1a2b3c4d until TIME" of the note's
 * job, or "". Returns out. */
#define DOCKER_KEPT_WORDS 200
char *docker_kept_words(const struct docker_note *note,
	char out[DOCKER_KEPT_WORDS]);

/* Removes those whose time is over; may run beside deploys. Whatever cannot be
 * removed now is looked at again next time. */
void docker_kept_tend(const struct conf_engine *engine,
	struct journal *journal);

#endif
