/*
 * One normalised push: a tag of a repository now points to an image. Made by
 * ingress, never changed after. Strings are owned; release with
 * field_release(&event_table, &event).
 */
#ifndef PROTO_MSG_EVENT_H
#define PROTO_MSG_EVENT_H

#include "proto/msg/field.h"

struct event {
	char *id;         /* UUIDv7 (uid.h) */
	char *source;     /* name of the configured source */
	char *sender_id;  /* the sender's own id of the event, or NULL */
	char *registry;   /* host[:port] that images are pulled from, or NULL */
	char *repository; /* full name without host, OCI grammar */
	char *tag;
	char *digest;     /* sha256:<64 hex>, or NULL when the sender told none */
	int64_t time;     /* accepted here, UTC ms; orders the events of a target */
	int64_t pushed_at; /* the sender's time, UTC ms, or 0 */
	int64_t hops;      /* Pullwires that passed the push on before us */
	/* Carried into the notification as the sender had them, or NULL. */
	char *region;
	char *date_created;
	char *auth_type;
	char *origin_type;
	char *repo_type;
	char *trigger; /* the one that it is for, or NULL: every trigger */
	int64_t again; /* times the sender has repeated it after it was done */
};

/* A notification carries the number; one of an event that has come over so
 * many is not sent. */
#define EVENT_HOPS_HEADER "Pullwire-Hops"
#define EVENT_HOPS_MAX 3

extern const struct field_table event_table;

/* "registry/repository:tag@digest" without what is absent; for people. */
void event_reference(const struct event *e, struct strbuf *out);

#endif
