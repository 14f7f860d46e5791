#include "proto/msg/msg.h"

#include "proto/msg/cursor.h"

#define MAGIC "PW"
#define ENVELOPE 5 /* values: magic, version, type, lease, body */

static const struct type {
	enum msg_type type;
	const char *name;
	const struct field_table *table;
	bool payload;
} types[] = {
	{MSG_HELLO, "HELLO", &hello_table, false},
	{MSG_RESET, "RESET", &reset_table, false},
	{MSG_CREDIT, "CREDIT", &credit_table, false},
	{MSG_ACK, "ACK", &ack_table, false},
	{MSG_NACK, "NACK", &nack_table, false},
	{MSG_PING, "PING", &ping_table, false},
	{MSG_BYE, "BYE", &bye_table, false},
	{MSG_ERROR, "ERROR", &error_table, false},
	{MSG_STATUS, "STATUS", &status_table, false},
	{MSG_ORDER, "ORDER", &order_table, false},
	{MSG_ANSWER, "ANSWER", &answer_table, false},
	{MSG_TRIGGERS, "TRIGGERS", &triggers_table, false},
	{MSG_EVENT, "EVENT", &event_table, true},
	{MSG_JOB, "JOB", &job_table, true},
	{MSG_RECORD, "RECORD", &record_table, true},
};

static const struct type *find_type(int64_t number)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if ((int64_t)types[i].type == number)
			return &types[i];
	}
	return NULL;
}

const char *msg_type_name(enum msg_type type)
{
	const struct type *t = find_type(type);

	return t != NULL ? t->name : NULL;
}

const struct field_table *msg_type_table(enum msg_type type)
{
	const struct type *t = find_type(type);

	return t != NULL ? t->table : NULL;
}

bool msg_type_is_payload(enum msg_type type)
{
	const struct type *t = find_type(type);

	return t != NULL && t->payload;
}

/* The same rule for what leaves and for what comes. */
static int check_lease(const struct type *t, int64_t lease, struct err *err)
{
	if (t->payload ? lease > 0 : lease == 0)
		return 0;
	return err_fail(err, "%s with lease %lld", t->name, (long long)lease);
}

int msg_pack(enum msg_type type, int64_t lease, const void *body,
	struct strbuf *out, struct err *err)
{
	const struct type *t = find_type(type);
	size_t before = out->len;

	if (t == NULL)
		BUG("message type %d has no table", (int)type);
	if (check_lease(t, lease, err) != 0)
		return -1;
	field_put_array(out, ENVELOPE);
	field_put_str(out, STR(MAGIC));
	field_put_i64(out, MSG_VERSION);
	field_put_i64(out, (int64_t)type);
	field_put_i64(out, lease);
	if (field_pack(t->table, body, out, err) != 0) {
		strbuf_truncate(out, before);
		return -1;
	}
	if (out->len - before > MSG_MAX) {
		err_fail(err, "%s: %zu bytes, the limit is %zu", t->name,
			out->len - before, MSG_MAX);
		strbuf_truncate(out, before);
		return -1;
	}
	return 0;
}

/* Version before count: another version may have other values after it. */
static int take_envelope(struct cursor *c, const struct type **t,
	int64_t *lease, struct err *err)
{
	struct str magic;
	int64_t version, type;
	size_t n;

	if (cursor_array(c, &n) != 0 || cursor_str(c, &magic) != 0 ||
		!str_is(magic, MAGIC) || cursor_i64(c, &version) != 0)
		return err_fail(err, "not a message of Pullwire");
	if (version != MSG_VERSION)
		return err_fail(err,
			"the message has version %lld of the protocol, "
			"version %d is spoken here",
			(long long)version, MSG_VERSION);
	if (n != ENVELOPE || cursor_i64(c, &type) != 0 ||
		cursor_i64(c, lease) != 0)
		return err_fail(err, "malformed envelope");
	*t = find_type(type);
	if (*t == NULL)
		return err_fail(err, "unknown message type %lld",
			(long long)type);
	return check_lease(*t, *lease, err);
}

int msg_unpack(struct str bytes, struct msg *m, struct err *err)
{
	struct cursor c = cursor_of(bytes);
	const struct type *t = NULL;
	int64_t lease = 0;

	if (bytes.n > MSG_MAX)
		return err_fail(err, "%zu bytes, the limit is %zu", bytes.n,
			MSG_MAX);
	if (take_envelope(&c, &t, &lease, err) != 0)
		return -1;
	m->type = t->type;
	m->lease = lease;
	return field_unpack(t->table,
		str_cut(bytes, bytes.n - cursor_left(&c), bytes.n), &m->u, err);
}

void msg_release(struct msg *m)
{
	const struct type *t = find_type(m->type);

	if (t != NULL)
		field_release(t->table, &m->u);
	*m = (struct msg){0};
}

/* ---- docs/WIRE.md -------------------------------------------------------- */

static const char intro[] =
	"# The wire\n"
	"\n"
	"What travels between the processes. Printed by `make docs` from the "
	"tables in `proto/msg`; a change there shows here.\n"
	"\n"
	"## Dialogue\n"
	"\n";

static const char envelope[] =
	"\n"
	"## Envelope\n"
	"\n"
	"A message is one ZeroMQ frame, at most %zu bytes: a MessagePack array\n"
	"\n"
	"    [\"" MAGIC "\", version, type, lease, body]\n"
	"\n"
	"with version %d. `lease` is 0 except in payloads. `body` is a map "
	"from field name to value; names that the reader does not know are "
	"skipped. A field that is absent reads as no text, 0, false or an "
	"empty array. Texts are UTF-8 without NUL. Nesting is at most %d "
	"levels, the envelope included.\n"
	"\n"
	"| type | message | body | lease |\n"
	"|---|---|---|---|\n";

void msg_print_markdown(struct strbuf *out)
{
	strbuf_add_cstr(out, intro);
	strbuf_add_cstr(out, control_dialogue);
	strbuf_addf(out, envelope, MSG_MAX, MSG_VERSION, FIELD_MAX_DEPTH + 1);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		strbuf_addf(out, "| %d | %s | %s | %s |\n", (int)types[i].type,
			types[i].name, types[i].table->name,
			types[i].payload ? "> 0" : "0");
	strbuf_add_cstr(out, "\n## Bodies\n\n");
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		field_print_markdown(types[i].table, out);
	strbuf_truncate(out, out->len - 1); /* the last blank line */
}
