/* When the disk is slow, full or fails, and when ingress stops. */
#include "tests/unit/ingress/webhook_rig.h"

#include "ingress/provider.h"
#include "proto/base/clock.h"
#include "proto/data/db.h"

static struct db *open_aside(void)
{
	char path[96];
	struct err err = {0};
	struct db *db;

	snprintf(path, sizeof(path), "%s/spool.db", dir);
	db = db_open(path, &spool_schema, false, &err);
	if (!db)
		fail_msg("%s", err.text);
	return db;
}

static void run_sql(struct db *db, const char *sql)
{
	struct err err = {0};

	if (db_exec(db, sql, &err) < 0)
		fail_msg("%s: %s", sql, err.text);
}

static void test_slow_commit(void **state)
{
	struct strbuf answer = {0};
	struct db *aside = open_aside();
	int64_t start;

	(void)state;
	run_sql(aside, "begin immediate"); /* the writer waits for us */
	start = clock_mono();
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		STR(EVENTS(PUSH("1", "v1"))), &answer), 503);
	assert_true(clock_mono() - start >=
		provider_distribution.patience_ms - 20);
	assert_non_null(strstr(strbuf_cstr(&answer), "Retry-After: 1\r\n"));
	assert_non_null(strstr(row_at(0)->reason, "503: "));
	assert_int_equal(events.n, 0);
	run_sql(aside, "rollback");
	/* It commits after all; the sender's repeat is known. */
	assert_int_equal(events_after(1), 1);
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		STR(EVENTS(PUSH("1", "v1"))), &answer), 202);
	assert_non_null(strstr(strbuf_cstr(&answer), events.v[0].id));
	assert_string_equal(row_at(1)->status, "duplicate");
	db_close(aside);
	strbuf_release(&answer);
}

/* By the soonest of several: the machine may have other work. */
static void test_slow_commit_is_told_in_time(void **state)
{
	struct strbuf answer = {0};
	struct db *aside = open_aside();
	int64_t soonest = INT64_MAX;

	(void)state;
	run_sql(aside, "begin immediate");
	for (int i = 0; i < 10 && soonest > provider_distribution.patience_ms +
					1000; i++) {
		int64_t start = clock_mono();

		assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
			STR(EVENTS(PUSH("1", "v1"))), &answer), 503);
		if (clock_mono() - start < soonest)
			soonest = clock_mono() - start;
	}
	assert_in_range(soonest, 0, provider_distribution.patience_ms + 1000);
	run_sql(aside, "rollback");
	assert_int_equal(events_after(1), 1);
	db_close(aside);
	strbuf_release(&answer);
}

static void *end_later(void *aside)
{
	clock_sleep(provider_distribution.patience_ms + 300);
	run_sql(aside, "rollback");
	return NULL;
}

/* A sender who waits for longer than that gets its 202. */
static void test_slow_commit_of_a_patient_sender(void **state)
{
	struct strbuf answer = {0};
	struct db *aside = open_aside();
	pthread_t later;

	(void)state;
	run_sql(aside, "begin immediate");
	assert_int_equal(pthread_create(&later, NULL, end_later, aside), 0);
	assert_int_equal(request("POST", "/v1/webhooks/gen",
		GENERIC,
		STR("{\"name\":\"a/b\",\"tag\":\"v1\"}"), &answer), 202);
	pthread_join(later, NULL);
	assert_int_equal(events_after(1), 1);
	db_close(aside);
	strbuf_release(&answer);
}

static void test_failed_commit(void **state)
{
	struct strbuf answer = {0};
	struct db *aside = open_aside();

	(void)state;
	run_sql(aside, "create trigger no before insert on event"
		" begin select raise(fail, 'disk full'); end");
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		STR(EVENTS(PULL "," PUSH("1", "v1"))), &answer), 503);
	assert_non_null(strstr(strbuf_cstr(&answer), "Retry-After: 5\r\n"));
	assert_non_null(strstr(row_at(0)->reason, "503: "));
	assert_int_equal(request("GET", "/readyz", "", STR(""), &answer), 503);
	assert_non_null(strstr(strbuf_cstr(&answer), "the spool cannot commit"));
	assert_int_equal(request("GET", "/healthz", "", STR(""), &answer), 200);
	run_sql(aside, "drop trigger no");
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		STR(EVENTS(PUSH("1", "v1"))), &answer), 202);
	assert_int_equal(events_after(1), 1);
	assert_int_equal(rows.n, 1); /* the pull was told with neither */
	assert_int_equal(request("GET", "/readyz", "", STR(""), &answer), 200);
	assert_non_null(strstr(strbuf_cstr(&answer), "{\"ready\":true}"));
	db_close(aside);
	strbuf_release(&answer);
}

static void test_stopping(void **state)
{
	struct strbuf answer = {0};

	(void)state;
	ready_drain(ready);
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		STR(EVENTS(PUSH("1", "v1"))), &answer), 503);
	assert_non_null(strstr(strbuf_cstr(&answer), "Retry-After: 2\r\n"));
	assert_int_equal(request("GET", "/readyz", "", STR(""), &answer), 503);
	assert_int_equal(events.n, 0);
	strbuf_release(&answer);
}

static void test_low(void **state)
{
	(void)state;
	assert_true(ready_low(4, 100));
	assert_false(ready_low(5, 100));
	assert_true(ready_low(0, 100));
	assert_false(ready_low(0, 0)); /* a filesystem without inodes */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_slow_commit),
		TEST(test_slow_commit_is_told_in_time),
		TEST(test_slow_commit_of_a_patient_sender),
		TEST(test_failed_commit),
		TEST(test_stopping),
		cmocka_unit_test(test_low),
	};

	return cmocka_run_group_tests_name("webhook_disk", tests, NULL, NULL);
}
