/*
 * How a redeploy ended, as a job of its own: made by the deployer that did
 * it, one for each of `notify` that wants to know, and done by one that serves
 * http like a trigger's URL. Pure.
 *
 * Its trigger is notify:NAME:TRIGGER, and notify:NAME:TRIGGER:ATTEMPT of a
 * redeploy that was done again by hand, so that each outcome is one job with
 * one final row of its own.
 */
#ifndef DEPLOYER_NOTICE_H
#define DEPLOYER_NOTICE_H

#include "proto/base/vec.h"
#include "proto/data/conf.h"
#include "proto/msg/record.h"

/* On its way to the disk. */
struct notice {
	char *id; /* of the job */
	struct strbuf payload; /* the packed job */
};

struct notice_list {
	VEC(struct notice) list;
};

/* Appends those about the end of a job: row is its last one, which is made to
 * fit its table. None of what is no redeploy. */
void notice_about(const struct conf *conf, const struct job *job,
	struct record *row, struct notice_list *out);
/* What a notice says of a row: an object of conf_notify_fields. */
void notice_write(const struct record *row, struct strbuf *out);
void notice_release(struct notice_list *list);

/* Where a notice is posted to by our own configuration, which must want it
 * too; NULL with the sentence of the row `refused`. */
const struct conf_trigger *notice_find(const struct conf *conf,
	const struct job *job, struct err *err);

#endif
