/*
 * The envelope: a msgpack array ["PW", version, type, lease, body]. A reader
 * refuses another magic, another version and an unknown type with an error
 * that names them; it never dies of a message. At most MSG_MAX bytes.
 */
#ifndef PROTO_MSG_MSG_H
#define PROTO_MSG_MSG_H

#include "proto/msg/control.h"
#include "proto/msg/event.h"
#include "proto/msg/job.h"
#include "proto/msg/record.h"

#define MSG_VERSION 1
#define MSG_MAX ((size_t)1 << 20) /* bytes */

enum msg_type {
	MSG_HELLO = 1,
	MSG_RESET,
	MSG_CREDIT,
	MSG_ACK,
	MSG_NACK,
	MSG_PING,
	MSG_BYE,
	MSG_ERROR,
	MSG_STATUS,
	MSG_ORDER,
	MSG_ANSWER,
	MSG_TRIGGERS,
	MSG_EVENT = 16,
	MSG_JOB,
	MSG_RECORD,
};

struct msg {
	enum msg_type type;
	int64_t lease; /* payloads: > 0; others 0 */
	union {
		struct msg_hello hello;
		struct msg_credit credit;
		struct msg_ack ack;
		struct msg_nack nack;
		struct msg_error error;
		struct msg_status status;
		struct msg_order order;
		struct msg_answer answer;
		struct msg_triggers triggers;
		struct msg_empty empty;
		struct event event;
		struct job job;
		struct record record;
	} u;
};

/* Name and table of a type; NULL when there is none. */
const char *msg_type_name(enum msg_type type);
const struct field_table *msg_type_table(enum msg_type type);
bool msg_type_is_payload(enum msg_type type);

/* Packs type, lease and body (a struct of the type's table). */
int msg_pack(enum msg_type type, int64_t lease, const void *body,
	struct strbuf *out, struct err *err) MUST_CHECK;
/* Zeroed *m is filled; release with msg_release(). On -1 there is nothing to
 * release; type and lease are set when the envelope could be read, so that a
 * payload with a bad body can still be answered. */
int msg_unpack(struct str bytes, struct msg *m, struct err *err) MUST_CHECK;
void msg_release(struct msg *m);
/* docs/WIRE.md */
void msg_print_markdown(struct strbuf *out);

#endif
