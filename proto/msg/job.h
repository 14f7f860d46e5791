/*
 * One action on one target or trigger URL, for one event and one trigger.
 * Names the trigger only: what the trigger does is looked up by the deployer
 * in its own configuration, so that a forged job cannot choose it. A notice
 * is a job too: how a redeploy ended, told by the deployer that did it to one
 * that posts; its trigger is notify:NAME:TRIGGER.
 */
#ifndef PROTO_MSG_JOB_H
#define PROTO_MSG_JOB_H

#include "proto/msg/event.h"

struct job {
	char *id;      /* EVENT/TRIGGER (uid_job) */
	char *trigger; /* the trigger's name */
	char *lane;    /* "http" or an engine's name */
	char *reason;  /* why it matched, a sentence */
	char *generation; /* of the matcher's configuration, or NULL */
	char *version; /* of the tag, as version.h reads it; or NULL */
	struct event event;
	char *notice; /* JSON, or NULL */
};

#define JOB_NOTICE_MAX ((size_t)16 << 10) /* bytes */
#define JOB_VERSION_MAX ((size_t)512)     /* bytes; a matcher tells no more */

extern const struct field_table job_table;

#endif
