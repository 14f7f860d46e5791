/*
 * What the two ends of a link say besides payloads (event, job, record).
 * Either end may be the sender or the receiver of payloads; the socket's
 * direction does not matter. Who may say what when is in control_dialogue,
 * which docs/WIRE.md prints.
 */
#ifndef PROTO_MSG_CONTROL_H
#define PROTO_MSG_CONTROL_H

#include "proto/msg/field.h"

struct msg_hello {
	int64_t session; /* made by the connecting end, repeated in the answer */
	char *role;     /* ingress matcher deployer logger */
	char *instance; /* unique among the running processes of the role */
	char *version;  /* Pullwire's, for people */
	struct field_strs lanes; /* deployers: the lanes they serve */
};

/* The receiver has room for payloads up to this count since HELLO. */
struct msg_credit {
	int64_t total;
};

#define MSG_ACK_LEASES 1024 /* in one ACK */

/* "I, or someone behind me, have it on disk." */
struct msg_ack {
	int64_t from, upto; /* the leases from..upto of this session; 0 for
			       none. All of them are acknowledged: a lease
			       that got a NACK is never inside */
	struct field_i64s leases; /* and these */
	int64_t credit; /* as msg_credit.total: saves a message */
};

/* Not taken: give it again, to anyone, not before delay_ms have passed. */
struct msg_nack {
	int64_t lease;
	int64_t delay_ms;
	char *reason;
};

/* State of a process, sent to loggers; not acknowledged, newest wins. */
struct msg_status {
	char *role;
	char *instance;
	int64_t time;  /* UTC ms */
	bool ready;
	struct field_strs reasons; /* sentences, why not ready */
	char *metrics; /* JSON object: counter or gauge name -> number */
};

/* Something asked of the other end, beside the payloads; not repeated. */
struct msg_order {
	int64_t id;  /* greater than 0; the asker's, repeated in the answer */
	char *what;  /* the order's name: "queue", "redeliver" */
	char *args;  /* JSON object */
	char *who;   /* for whom it is asked, for the log */
};

/* What became of it. code is for programs, text for people. */
struct msg_answer {
	int64_t id;
	bool ok;
	char *text;
	char *body; /* JSON */
	char *code; /* one of ANSWER_*, unless ok */
};

/* The triggers that an engine's containers have as labels: from a deployer of
 * its lane to matchers. */
struct msg_triggers {
	char *engine;
	char *set; /* JSON, as conf_with_labels() takes it */
};

#define MSG_TRIGGERS_MAX ((size_t)960 << 10) /* bytes of set */

#define ANSWER_UNKNOWN "unknown"     /* this process has no such order */
#define ANSWER_MALFORMED "malformed" /* the arguments are not what it takes */
#define ANSWER_ABSENT "absent"       /* what it is about is not here */
#define ANSWER_REFUSED "refused"     /* it is here, and may not be done now */
#define ANSWER_FAILED "failed"       /* it could not be done */

/* "What you sent breaks the protocol": logged by who gets it. */
struct msg_error {
	char *text;
};

struct msg_empty {
	char unused;
};

extern const struct field_table hello_table, credit_table, ack_table,
	nack_table, status_table, error_table, reset_table, ping_table,
	bye_table, order_table, answer_table, triggers_table;

extern const char control_dialogue[]; /* Markdown */

#endif
