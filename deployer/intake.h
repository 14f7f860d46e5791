/*
 * Where jobs come in, from matchers, and notices from other deployers: checked
 * against our own copy of the triggers, committed, and only then acknowledged.
 * A job that is not ours to do is committed as ended, with the row `refused`. A
 * known job id, ended or not, is acknowledged again and not done again.
 */
#ifndef DEPLOYER_INTAKE_H
#define DEPLOYER_INTAKE_H

#include "deployer/deployer.h"

struct intake;

/* Binds the link. NULL with err. */
struct intake *intake_open(struct deployer *d, struct err *err);
void intake_close(struct intake *in); /* NULL is fine */
/* A job of our own, for our own queue: a notice; a way back (forced: a person
 * wants it now). The job is borrowed until done,
 * which is called once it is on disk, however long that takes. */
void intake_own(struct intake *in, const struct job *job, bool forced,
	void (*done)(void *ctx), void *ctx);
/* Every second: stops taking jobs while too many wait here. */
void intake_tick(struct intake *in);
/* To a matcher (chan_peer.peer), or with 0 to each. */
void intake_tell_triggers(struct intake *in, uint64_t peer,
	const struct msg_triggers *t);
/* No more jobs; those on their way are still answered. */
void intake_drain(struct intake *in);

/* The decision, pure: may the job be done? Then *key is the queue's key of
 * its target; else *refused is its final row, the caller's. */
bool intake_accepts(const struct conf *conf, const struct job *job,
	int64_t now, struct strbuf *key, bool *coalesce,
	struct record *refused);
/* The final row of one that has killed so many processes; it is logged. */
void intake_parks(const struct job *job, unsigned deaths, int64_t now,
	struct record *row);
/* Not ours, by another configuration than ours: one of the two is about to be
 * read again. Only a push of this minute waits for that. */
bool intake_is_early(const struct conf *conf, const struct job *job,
	int64_t now, struct err *err);

#endif
