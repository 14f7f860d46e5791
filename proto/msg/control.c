#include "proto/msg/control.h"

#define NUMBER(type, member, flags, help) \
	FIELD(type, member, FIELD_I64, 0, flags, help)
#define TEXT(type, member, max, flags, help) \
	FIELD(type, member, FIELD_STR, max, flags, help)

#define TABLE(id, type, help_) \
	const struct field_table id##_table = { \
		.name = #id, \
		.help = help_, \
		.size = sizeof(type), \
		.fields = id##_fields, \
		.n = ARRAY_LEN(id##_fields), \
	}
#define EMPTY_TABLE(id, help_) \
	const struct field_table id##_table = { \
		.name = #id, \
		.help = help_, \
		.size = sizeof(struct msg_empty), \
	}

static const struct field hello_fields[] = {
	NUMBER(struct msg_hello, session, FIELD_REQUIRED,
		"Made anew by the connecting end for each session; the answer "
		"repeats it."),
	TEXT(struct msg_hello, role, 32, FIELD_REQUIRED,
		"`ingress`, `matcher`, `deployer` or `logger`."),
	TEXT(struct msg_hello, instance, 255, FIELD_REQUIRED,
		"Unique among the running processes of the role; items with "
		"the same affinity go to the same instance."),
	TEXT(struct msg_hello, version, 64, 0, "Pullwire's, for people."),
	FIELD(struct msg_hello, lanes, FIELD_STRS, 64, 0,
		"The lanes that a deployer serves."),
};
TABLE(hello, struct msg_hello, "Starts a session, and answers that.");

EMPTY_TABLE(reset, "Say HELLO: there is no session. From the binding end.");

static const struct field credit_fields[] = {
	NUMBER(struct msg_credit, total, FIELD_REQUIRED,
		"Payloads there is room for, counted since HELLO."),
};
TABLE(credit, struct msg_credit, "From the receiver of payloads.");

static const struct field ack_fields[] = {
	NUMBER(struct msg_ack, from, 0,
		"Every lease of this session from this one"),
	NUMBER(struct msg_ack, upto, 0, "to this one, both included."),
	FIELD(struct msg_ack, leases, FIELD_I64S, MSG_ACK_LEASES, 0,
		"And these."),
	NUMBER(struct msg_ack, credit, 0, "As CREDIT's total."),
};
TABLE(ack, struct msg_ack,
	"I, or someone behind me, have these payloads on disk.");

static const struct field nack_fields[] = {
	NUMBER(struct msg_nack, lease, FIELD_REQUIRED, "The payload's lease."),
	NUMBER(struct msg_nack, delay_ms, 0,
		"It is not to be sent again before this has passed."),
	TEXT(struct msg_nack, reason, 1024, 0, "Why, a sentence."),
};
TABLE(nack, struct msg_nack,
	"This payload is not taken: send it again, to anyone.");

EMPTY_TABLE(ping, "I am here.");
EMPTY_TABLE(bye, "I leave: what I did not answer is yours again.");

static const struct field error_fields[] = {
	TEXT(struct msg_error, text, 1024, FIELD_REQUIRED,
		"What breaks the protocol, a sentence."),
};
TABLE(error, struct msg_error,
	"What you sent breaks the protocol. Logged by who gets it, never "
	"answered.");

static const struct field status_fields[] = {
	TEXT(struct msg_status, role, 32, FIELD_REQUIRED, "As in HELLO."),
	TEXT(struct msg_status, instance, 255, FIELD_REQUIRED,
		"As in HELLO."),
	NUMBER(struct msg_status, time, FIELD_REQUIRED,
		"When this was so, ms since the epoch, UTC."),
	FIELD(struct msg_status, ready, FIELD_BOOL, 0, 0,
		"The process can do its work."),
	FIELD(struct msg_status, reasons, FIELD_STRS, 64, 0,
		"Sentences, why it is not ready."),
	FIELD(struct msg_status, metrics, FIELD_JSON, 64 * 1024, 0,
		"An object: name of a counter or gauge to its number."),
};
TABLE(status, struct msg_status,
	"State of a process, sent to loggers; not acknowledged, the newest "
	"wins.");

static const struct field order_fields[] = {
	NUMBER(struct msg_order, id, FIELD_REQUIRED,
		"The asker's, made anew for each order of a session; the "
		"answer repeats it."),
	TEXT(struct msg_order, what, 32, FIELD_REQUIRED,
		"The order's name: `queue`, `redeliver`, `approve`."),
	FIELD(struct msg_order, args, FIELD_JSON, 64 * 1024, 0,
		"An object: what it is about."),
	TEXT(struct msg_order, who, 255, 0,
		"For whom it is asked, for the log."),
};
TABLE(order, struct msg_order,
	"Do this, or tell that; who gets it checks it against its own "
	"configuration.");

static const struct field answer_fields[] = {
	NUMBER(struct msg_answer, id, FIELD_REQUIRED, "The order's."),
	FIELD(struct msg_answer, ok, FIELD_BOOL, 0, 0, "It is done."),
	TEXT(struct msg_answer, text, 1024, 0,
		"What was done, or why not, a sentence."),
	FIELD(struct msg_answer, body, FIELD_JSON, 768 * 1024, 0,
		"What was asked for."),
	TEXT(struct msg_answer, code, 32, 0,
		"Unless `ok`: `unknown` (no such order here), `malformed` "
		"(the arguments), `absent` (what it is about is not here), "
		"`refused` (it may not be done now) or `failed`."),
};
TABLE(answer, struct msg_answer, "What became of an order.");

static const struct field triggers_fields[] = {
	TEXT(struct msg_triggers, engine, 64, FIELD_REQUIRED,
		"The engine's name, which is its lane's."),
	FIELD(struct msg_triggers, set, FIELD_JSON, MSG_TRIGGERS_MAX,
		FIELD_REQUIRED,
		"An object: `engine`, and `triggers`, an array of objects with "
		"`from` (the container), `name`, `repository`, `deploy` and "
		"`labels`."),
};
TABLE(triggers, struct msg_triggers,
	"The triggers that an engine's containers have as labels, all of them. "
	"From a deployer of its lane to matchers; not acknowledged, the newest "
	"of an engine wins.");

const char control_dialogue[] =
	"    link    = *session\n"
	"    session = HELLO HELLO *( CREDIT / payload / ACK / NACK / PING / "
	"STATUS / ORDER / ANSWER / TRIGGERS / ERROR ) [ BYE ]\n"
	"    payload = EVENT / JOB / RECORD\n"
	"\n"
	"- Payloads go one way on a link, from its sender to its receiver; "
	"either may be the end that binds.\n"
	"- The connecting end says HELLO with a session number that it makes "
	"anew; the binding end answers with its own HELLO and the same "
	"number. Credit and leases of an earlier session are void. A HELLO "
	"with the number of the running session is answered again and changes "
	"nothing: whoever hears no answer within a second repeats it.\n"
	"- Whatever else arrives at the binding end without a session is "
	"answered with RESET; then the connecting end says HELLO with a new "
	"number. At the connecting end it is ignored.\n"
	"- The receiver grants credit as a total since HELLO: the payloads it "
	"has answered plus its window. It never shrinks. The sender sends "
	"nothing beyond it.\n"
	"- A payload's lease is greater than 0, and greater by one than that "
	"of the payload before it in the session. A gap means that the "
	"transport lost a message: the receiver ends the session.\n"
	"- The receiver answers each payload once, with ACK or NACK, in any "
	"order. What an ACK names was acknowledged, each single lease of its "
	"range; so a NACK that is lost leaves its payload in flight until the "
	"lease ends. An answer to a lease that is not in flight is ignored.\n"
	"- Whoever has said nothing for a second says PING. Whoever has heard "
	"nothing for five seconds ends the session: the binding end forgets "
	"it, the connecting end connects anew.\n"
	"- When a session ends, what was in flight is the sender's again, and "
	"goes out under a new lease, to any receiver. So a payload may arrive "
	"twice: its id tells.\n"
	"- ORDER asks the other end to do or to tell something; it takes no "
	"credit. It is answered once, with the ANSWER of its id, in any order; "
	"who has no such order says so. Neither is repeated: an order whose "
	"answer does not come may have been carried out.\n"
	"- TRIGGERS is said at the beginning of a session, as soon as there is "
	"something to say, and again when it has changed. What was said last of "
	"an engine holds until somebody says something else of it, also when "
	"the session ends.\n"
	"- A message of another version is refused with ERROR by the binding "
	"end, an unknown type likewise; unknown fields are skipped, so fields "
	"may be added. Nothing that arrives ends a process.\n";
