/*
 * One action on one target or trigger URL, for one event and one trigger.
 * Names the trigger only: what the trigger does is looked up by the deployer
 * in its own configuration, so that a forged job cannot choose it.
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
	struct event event;
};

extern const struct field_table job_table;

#endif
