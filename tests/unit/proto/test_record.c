#include "proto/msg/record.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/mem.h"
#include "proto/base/uid.h"

#define ID "01890a5d-ac96-774b-bcce-b302099a8057"
#define DIGEST \
	"sha256:" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct event event = {
	.id = ID,
	.source = "registry",
	.registry = "registry.example.com:5000",
	.repository = "shop/web",
	.tag = "v2",
	.digest = DIGEST,
	.time = 1700000000000,
};

static void test_reference(void **state)
{
	struct event bare = {.repository = "web", .tag = "", .registry = ""};
	struct strbuf out = {0};

	(void)state;
	event_reference(&event, &out);
	assert_string_equal(strbuf_cstr(&out),
		"registry.example.com:5000/shop/web:v2@" DIGEST);
	strbuf_truncate(&out, 0);
	event_reference(&bare, &out);
	assert_string_equal(strbuf_cstr(&out), "web");
	strbuf_release(&out);
}

static void test_from_event(void **state)
{
	struct record r;
	struct strbuf out = {0};
	struct err err;

	(void)state;
	record_from_event(&r, &event, "web", 2, "deployed", 42);
	assert_string_equal(r.id, ID "/web/2/deployed");
	assert_string_equal(r.event, ID);
	assert_string_equal(r.trigger, "web");
	assert_string_equal(r.source, "registry");
	assert_string_equal(r.repository, "shop/web");
	assert_string_equal(r.tag, "v2");
	assert_string_equal(r.digest, DIGEST);
	assert_string_equal(r.status, "deployed");
	assert_int_equal(r.time, 42);
	assert_int_equal(r.attempt, 2);
	assert_false(r.final);
	assert_null(r.reason);
	assert_int_equal(field_pack(&record_table, &r, &out, &err), 0);
	strbuf_release(&out);
	field_release(&record_table, &r);

	record_from_event(&r, &event, NULL, 0, "no_trigger", 42);
	assert_string_equal(r.id, ID "//0/no_trigger");
	assert_null(r.trigger);
	field_release(&record_table, &r);
}

/* The longest names we let in give ids that travel. */
static void test_longest(void **state)
{
	char trigger[65];
	struct record r;
	struct strbuf out = {0};
	struct err err;

	(void)state;
	memset(trigger, 't', 64);
	trigger[64] = '\0';
	for (const char *const *s = record_statuses; *s != NULL; s++) {
		record_from_event(&r, &event, trigger, 99999, *s, 42);
		assert_true(strlen(r.id) > strlen(ID) + 64 + strlen(*s));
		if (field_pack(&record_table, &r, &out, &err) != 0)
			fail_msg("%s: %s", *s, err.text);
		strbuf_truncate(&out, 0);
		field_release(&record_table, &r);
	}
	strbuf_release(&out);
}

static void test_reason(void **state)
{
	static char big[3000];
	struct record r = {0};

	(void)state;
	record_reason(&r, "tag \"%s\" does not match %s", "v1", "release-v.*");
	assert_string_equal(r.reason,
		"tag \"v1\" does not match release-v.*");
	/* 1,024 bytes would halve the last of these */
	for (size_t i = 0; i + 3 < sizeof(big); i += 3)
		memcpy(big + i, "\xe2\x82\xac", 3);
	record_reason(&r, "%s", big);
	assert_int_equal(strlen(r.reason), 1023);
	field_release(&record_table, &r);
}

static void test_failure(void **state)
{
	static const char *const yes[] = {"500", "404", "302", "rolled_back",
		"failed", "refused", "timeout", "tls_expired", "dns_error",
		"blocked_port"};
	static const char *const no[] = {"200", "204", "deployed", "unchanged",
		"superseded", "dry_run", "untriggered", "duplicate", "stale"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_true(record_is_failure(yes[i]));
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(record_is_failure(no[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_from_event),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_reason),
		cmocka_unit_test(test_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
