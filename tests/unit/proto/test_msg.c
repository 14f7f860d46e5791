/*
 * The envelope, the golden messages of tests/vectors/wire (which
 * tests/conform reads too) and docs/WIRE.md. Files are looked for from the
 * root of the sources.
 */
#include "proto/msg/msg.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/enc.h"
#include "proto/base/mem.h"

#define ID "01890a5d-ac96-774b-bcce-b302099a8057"
#define DIGEST \
	"sha256:" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* ---- golden messages ----------------------------------------------------- */

static char *lanes[] = {"http", "local"};
static int64_t leases[] = {7, 300, 70000, INT64_C(5000000000)};
static char *reasons[] = {"engine \"local\" does not answer", "disk"};

#define EVENT_MIN \
	{ \
		.id = ID, .source = "registry", .repository = "web", \
		.tag = "latest", .time = 1700000000000 \
	}
#define EVENT_FULL \
	{ \
		.id = ID, .source = "registry", .sender_id = "s-1", \
		.registry = "registry.example.com:5000", \
		.repository = "shop/web", .tag = "release-v1", \
		.digest = DIGEST, .time = 1700000000000, \
		.pushed_at = 1699999999999, .region = "cn-hangzhou", \
		.date_created = "2016-10-28 21:31:42", \
		.auth_type = "NO_CERTIFIED", .origin_type = "NO_CERTIFIED", \
		.repo_type = "PUBLIC", .hops = 2, .trigger = "web", \
		.again = 3 \
	}

static const struct {
	const char *name;
	struct msg m;
} golden[] = {
	{"hello-min", {MSG_HELLO, 0, {.hello = {
		.session = 1, .role = "matcher", .instance = "matcher@a"}}}},
	{"hello-full", {MSG_HELLO, 0, {.hello = {
		.session = INT64_MAX, .role = "deployer",
		.instance = "d\xc3\xa9ployer@b", .version = "0.1.0",
		.lanes = {lanes, 2}}}}},
	{"reset", {MSG_RESET, 0, {.empty = {0}}}},
	{"credit", {MSG_CREDIT, 0, {.credit = {16}}}},
	{"credit-none", {MSG_CREDIT, 0, {.credit = {0}}}},
	{"ack-range", {MSG_ACK, 0, {.ack = {
		.from = 4294967296, .upto = 4294967297}}}},
	{"ack-full", {MSG_ACK, 0, {.ack = {
		.from = 1, .upto = 6, .leases = {leases, 4}, .credit = 40}}}},
	{"nack", {MSG_NACK, 0, {.nack = {
		.lease = 65536, .delay_ms = 1000, .reason = "full"}}}},
	{"ping", {MSG_PING, 0, {.empty = {0}}}},
	{"bye", {MSG_BYE, 0, {.empty = {0}}}},
	{"error", {MSG_ERROR, 0, {.error = {"unknown message type 99"}}}},
	{"status-ready", {MSG_STATUS, 0, {.status = {
		.role = "ingress", .instance = "ingress@a",
		.time = 1700000000000, .ready = true,
		.metrics = "{\"accepted\":12}"}}}},
	{"status-not", {MSG_STATUS, 0, {.status = {
		.role = "deployer", .instance = "deployer@b",
		.time = 1700000000000, .reasons = {reasons, 2}}}}},
	{"order-min", {MSG_ORDER, 0, {.order = {.id = 1, .what = "queue"}}}},
	{"order-full", {MSG_ORDER, 0, {.order = {
		.id = 4294967296, .what = "approve",
		.args = "{\"job\":\"" ID "/web\"}", .who = "Ren\xc3\xa9"}}}},
	{"answer-ok", {MSG_ANSWER, 0, {.answer = {
		.id = 1, .ok = true, .text = "approved",
		.body = "{\"jobs\":[]}"}}}},
	{"triggers", {MSG_TRIGGERS, 0, {.triggers = {
		.engine = "local", .set = "{\"engine\":\"local\","
		"\"triggers\":[]}"}}}},
	{"answer-not", {MSG_ANSWER, 0, {.answer = {
		.id = 4294967296, .text = "no such job waits here",
		.code = "absent"}}}},
	{"event-min", {MSG_EVENT, 1, {.event = EVENT_MIN}}},
	{"event-full", {MSG_EVENT, 128, {.event = EVENT_FULL}}},
	{"job", {MSG_JOB, INT64_MAX, {.job = {
		.id = ID "/web", .trigger = "web", .lane = "local",
		.version = "semver 1.4.0-rc.1",
		.generation = "0123456789abcdef",
		.reason = "tag \"latest\" is listed", .event = EVENT_MIN}}}},
	{"job-notice", {MSG_JOB, 3, {.job = {
		.id = ID "/notify:team:web", .trigger = "notify:team:web",
		.lane = "http", .reason = "web ended deployed",
		.event = EVENT_MIN, .notice = "{\"status\":\"deployed\"}"}}}},
	{"record-min", {MSG_RECORD, 32768, {.record = {
		.time = -1, .id = ID "//0/no_trigger", .event = ID,
		.status = "no_trigger", .final = true}}}},
	{"record-full", {MSG_RECORD, 4294967296, {.record = {
		.time = 1700000000123, .id = ID "/web/2/rolled_back",
		.event = ID, .trigger = "web", .source = "registry",
		.repository = "shop/web", .tag = "v2", .digest = DIGEST,
		.status = "rolled_back", .final = true,
		.reason = "not healthy within 30s: \xe2\x80\x9c" "exit 1"
			  "\xe2\x80\x9d",
		.target = "container web", .attempt = 2, .attempts = 10,
		.next_attempt = 1700000300000,
		.duration_ms = "{\"pull\":120,\"stop\":15}",
		.url = "https://cs.example.com/hook?secret=***",
		.request = "{\"body\":\"x\"}", .response = "{\"status\":200}",
		.from_digest = DIGEST, .to_digest = DIGEST,
		.instance = "deployer@b",
		.generation = "0123456789abcdef"}}}},
};

static char *read_text(const char *path)
{
	static char text[65536];
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		return NULL;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

static char *read_vector(const char *name)
{
	char path[128];
	char *hex;

	snprintf(path, sizeof(path), "tests/vectors/wire/%s.hex", name);
	hex = read_text(path);
	if (hex != NULL)
		hex[strcspn(hex, "\n")] = '\0';
	return hex;
}

static void test_golden_pack(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(golden); i++) {
		const struct msg *m = &golden[i].m;
		const char *want = read_vector(golden[i].name);
		struct strbuf out = {0};
		struct err err;
		char *hex;

		if (msg_pack(m->type, m->lease, &m->u, &out, &err) != 0)
			fail_msg("%s: %s", golden[i].name, err.text);
		hex = xmalloc(out.len * 2 + 1);
		enc_hex(out.buf, out.len, hex);
		if (want == NULL || strcmp(hex, want) != 0)
			fail_msg("tests/vectors/wire/%s.hex should be\n%s",
				golden[i].name, hex);
		free(hex);
		strbuf_release(&out);
	}
}

static void test_golden_unpack(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(golden); i++) {
		const struct msg *want = &golden[i].m;
		const struct field_table *t = msg_type_table(want->type);
		const char *hex = read_vector(golden[i].name);
		struct strbuf a = {0}, b = {0};
		struct msg m = {0};
		struct err err;
		size_t n;
		char *bytes;

		assert_non_null(hex);
		n = strlen(hex) / 2;
		bytes = xmalloc(n);
		assert_int_equal(enc_unhex(str_from(hex), bytes, n), 0);
		if (msg_unpack((struct str){bytes, n}, &m, &err) != 0)
			fail_msg("%s: %s", golden[i].name, err.text);
		assert_int_equal(m.type, want->type);
		assert_true(m.lease == want->lease);
		field_print(t, &m.u, &a);
		field_print(t, &want->u, &b);
		assert_string_equal(strbuf_cstr(&a), strbuf_cstr(&b));
		msg_release(&m);
		free(bytes);
		strbuf_release(&a);
		strbuf_release(&b);
	}
}

/* ---- the envelope -------------------------------------------------------- */

static const struct {
	const char *bytes;
	size_t n;
	int type;
	int64_t lease;
	const char *error;
} envelopes[] = {
#define ENV(literal, ...) {literal, sizeof(literal) - 1, __VA_ARGS__}
	ENV("\x95\xa2PW\x01\x06\x00\x80", MSG_PING, 0, NULL),
	/* numbers in any width */
	ENV("\xdc\x00\x05\xd9\x02PW\xcd\x00\x01\xcc\x06\xd3\0\0\0\0\0\0\0\0"
	    "\xde\x00\x00",
		MSG_PING, 0, NULL),
	ENV("\x95\xa2PW\x01\x06\x00\x81\xa3new\xc0", MSG_PING, 0, NULL),
	ENV("", 0, 0, "not a message of Pullwire"),
	ENV("GET / HTTP/1.1\r\n", 0, 0, "not a message of Pullwire"),
	ENV("\x85\xa2PW\x01\x06\x00\x80", 0, 0, "not a message of Pullwire"),
	ENV("\x95\xa2PX\x01\x06\x00\x80", 0, 0, "not a message of Pullwire"),
	ENV("\x95\xa3PWW\x01\x06\x00\x80", 0, 0,
		"not a message of Pullwire"),
	ENV("\x95\xa2PW\xa1\x31\x06\x00\x80", 0, 0,
		"not a message of Pullwire"),
	ENV("\xdd\xff\xff\xff\xff\xa2PW", 0, 0, "not a message of Pullwire"),
	ENV("\x95\xa2PW\x02\x06\x00\x80", 0, 0,
		"the message has version 2 of the protocol, version 1 is "
		"spoken here"),
	ENV("\x93\xa2PW\xcd\x01\x00\xc0", 0, 0,
		"the message has version 256 of the protocol, version 1 is "
		"spoken here"),
	ENV("\x94\xa2PW\x01\x06\x80\x00", 0, 0, "malformed envelope"),
	ENV("\x96\xa2PW\x01\x06\x00\x80\x00", 0, 0, "malformed envelope"),
	ENV("\x95\xa2PW\x01\xa1\x06\x00\x80", 0, 0, "malformed envelope"),
	ENV("\x95\xa2PW\x01\x63\x00\x80", 0, 0, "unknown message type 99"),
	ENV("\x95\xa2PW\x01\xff\x00\x80", 0, 0, "unknown message type -1"),
	ENV("\x95\xa2PW\x01\x06\x01\x80", 0, 0, "PING with lease 1"),
	ENV("\x95\xa2PW\x01\x10\x00\x80", 0, 0, "EVENT with lease 0"),
	ENV("\x95\xa2PW\x01\x10\xff\x80", 0, 0, "EVENT with lease -1"),
	/* type and lease are known when the body is bad */
	ENV("\x95\xa2PW\x01\x10\x05\x80", MSG_EVENT, 5,
		"event.id: is missing"),
	ENV("\x95\xa2PW\x01\x06\x00\x80\x80", MSG_PING, 0,
		"ping: 1 bytes are left over"),
	ENV("\x95\xa2PW\x01\x06\x00", MSG_PING, 0,
		"ping: is not a map, or is cut short"),
};

static void test_envelopes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(envelopes); i++) {
		struct str s = {envelopes[i].bytes, envelopes[i].n};
		struct msg m = {0};
		struct err err = {0};
		int rc = msg_unpack(s, &m, &err);

		if ((rc == 0) != (envelopes[i].error == NULL))
			fail_msg("case %zu: %d %s", i, rc, err.text);
		if (rc != 0)
			assert_string_equal(err.text, envelopes[i].error);
		assert_int_equal(m.type, envelopes[i].type);
		assert_int_equal(m.lease, envelopes[i].lease);
		if (rc == 0)
			msg_release(&m);
	}
}

static void test_size(void **state)
{
	static char zeros[MSG_MAX + 1];
	struct msg m = {0};
	struct err err;

	(void)state;
	memcpy(zeros, "\x95\xa2PW\x01\x06\x00\x80", 8);
	assert_int_equal(
		msg_unpack((struct str){zeros, sizeof(zeros)}, &m, &err), -1);
	assert_string_equal(err.text, "1048577 bytes, the limit is 1048576");
	assert_int_equal(
		msg_unpack((struct str){zeros, MSG_MAX}, &m, &err), -1);
	assert_string_equal(err.text, "ping: 1048568 bytes are left over");
}

static void test_pack_refuses(void **state)
{
	struct msg_error none = {0};
	struct event e = EVENT_MIN;
	struct strbuf out = {0};
	struct err err;

	(void)state;
	strbuf_add_cstr(&out, "kept");
	assert_int_equal(msg_pack(MSG_ERROR, 0, &none, &out, &err), -1);
	assert_string_equal(err.text, "error.text: is empty");
	assert_int_equal(msg_pack(MSG_EVENT, 0, &e, &out, &err), -1);
	assert_string_equal(err.text, "EVENT with lease 0");
	assert_string_equal(strbuf_cstr(&out), "kept");
	strbuf_release(&out);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(msg_type_name(MSG_RECORD), "RECORD");
	assert_null(msg_type_name((enum msg_type)99));
	assert_null(msg_type_table((enum msg_type)0));
	assert_true(msg_type_is_payload(MSG_JOB));
	assert_false(msg_type_is_payload(MSG_STATUS));
	assert_false(msg_type_is_payload((enum msg_type)99));
}

/* The largest message of each payload is far below what travels. */
static void test_largest(void **state)
{
	const struct field_table *const tables[] = {
		&job_table, &record_table, &ack_table, &status_table};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		size_t most = 0;

		for (size_t k = 0; k < tables[i]->n; k++) {
			const struct field *f = &tables[i]->fields[k];

			if (f->type == FIELD_STRS)
				most += f->max * (FIELD_MAX_ELEMENT + 5);
			else if (f->type == FIELD_I64S)
				most += f->max * 9;
			else
				most += f->max + 9;
			most += strlen(f->name) + 2;
		}
		assert_true(most < MSG_MAX / 2);
	}
}

static void test_docs(void **state)
{
	const char *have = read_text("docs/WIRE.md");
	struct strbuf out = {0};

	(void)state;
	msg_print_markdown(&out);
	assert_non_null(have);
	if (strcmp(have, strbuf_cstr(&out)) != 0)
		fail_msg("docs/WIRE.md is not what the tables say: make docs");
	strbuf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_pack),
		cmocka_unit_test(test_golden_unpack),
		cmocka_unit_test(test_envelopes),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_pack_refuses),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_docs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
