/* What is read of rows and notices whose bytes are not what was written. */
#include "deployer/queue/queue_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "deployer/queue/queue_schema.h"
#include "deployer/queue/sealed.h"
#include "proto/base/mem.h"

#define EVENT "01890000-0000-7000-8000-000000000001"
#define EVENT_MS 0x018900000000 /* as its id says */

static char dir[64], path[96];
static struct db *db;

static int setup(void **state)
{
	struct err err;

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_queue_read.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/queue.db", dir);
	db = db_open(path, &queue_schema, false, &err);
	return db != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm", ".lock"};

	(void)state;
	db_close(db);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		char *file = xprintf("%s%s", path, ends[i]);

		unlink(file);
		free(file);
	}
	return rmdir(dir);
}

static void put(const char *sql, const char *id, struct str bytes)
{
	struct err err;
	struct db_stmt *s = db_prepare(db, sql, &err);

	assert_non_null(s);
	db_bind_str(s, 1, id);
	db_bind_blob(s, 2, bytes);
	if (db_step(s, &err) < 0)
		fail_msg("%s", err.text);
}

/* A row as the queue keeps it; bit: which one is turned over, -1 for none. */
static void put_row(const char *id, const char *status, int bit)
{
	struct record row = {.id = (char *)(uintptr_t)id,
		.event = (char *)(uintptr_t)EVENT,
		.trigger = (char *)(uintptr_t)"web",
		.status = (char *)(uintptr_t)status, .attempt = 1, .time = 5};
	struct strbuf sb = {0};
	char *bytes;
	struct err err;

	if (field_pack(&record_table, &row, &sb, &err) < 0)
		fail_msg("%s", err.text);
	sealed_close(&sb);
	bytes = xmemdup0(strbuf_str(&sb).p, strbuf_str(&sb).n);
	if (bit >= 0)
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
	put("INSERT INTO rows (id, row) VALUES (?1, ?2)", id,
		(struct str){bytes, strbuf_str(&sb).n});
	free(bytes);
	strbuf_release(&sb);
}

struct got {
	struct record rows[8];
	size_t n;
};

static void take_row(void *ctx, int64_t seq, struct record *row)
{
	struct got *got = ctx;

	assert_true(seq > 0);
	got->rows[got->n++] = *row;
}

static void test_damaged_rows(void **state)
{
	static const struct {
		const char *id, *status;
		int bit;
		bool read, damaged, final;
	} cases[] = {
		{EVENT "/web/1/waiting", "waiting", -1, true, false, false},
		{EVENT "/web/2/failed", "failed", 77, true, true, false},
		{EVENT "/web/3/deployed", "deployed", 3, true, true, true},
		/* Its id tells nothing: it stays, and is told in our log. */
		{"web", "deployed", 3, false, true, false},
		{EVENT "/web/4/late", "late", -1, true, false, false},
	};
	struct got got = {.n = 0};
	struct err err;
	size_t n = 0;

	(void)state;
	if (db_exec(db, "INSERT INTO jobs (id, state, trigger_name, target, lane, "
		"coalesce, time, event, enqueued, status) VALUES ('" EVENT "/web', "
		"3, 'web', 'local web', 'local', 1, 10, '" EVENT "', 1, "
		"'deployed')", &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		put_row(cases[i].id, cases[i].status, cases[i].bit);
	assert_int_equal(queue_read_rows(db, 0, 8, take_row, &got, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct record *row = &got.rows[n];
		const char *damage;

		if (!cases[i].read)
			continue;
		n++;
		damage = row->reason != NULL ? strstr(row->reason, "was damaged")
					     : NULL;
		assert_string_equal(row->id, cases[i].id);
		assert_string_equal(row->event, EVENT);
		assert_string_equal(row->trigger, "web");
		assert_string_equal(row->status, cases[i].status);
		assert_int_equal(damage != NULL, cases[i].damaged);
		assert_int_equal(row->final, cases[i].final);
		if (cases[i].damaged) {
			assert_int_equal(row->attempt, i + 1);
			assert_true(row->time == EVENT_MS);
		}
		field_release(&record_table, row);
	}
	assert_int_equal(got.n, n);
}

static void count(void *ctx, int64_t seq, const struct job *job)
{
	assert_int_equal(seq, 2);
	assert_string_equal(job->id, "b");
	++*(int *)ctx;
}

/* One that nobody can read holds up none behind it. */
static void test_damaged_notice(void **state)
{
	struct job job = {.id = (char *)(uintptr_t)"b",
		.trigger = (char *)(uintptr_t)"notify",
		.lane = (char *)(uintptr_t)"http",
		.event = {.id = (char *)(uintptr_t)EVENT,
			.source = (char *)(uintptr_t)"s",
			.repository = (char *)(uintptr_t)"shop/web",
			.tag = (char *)(uintptr_t)"v1", .time = 10}};
	struct strbuf sb = {0};
	struct err err;
	int64_t n;
	int seen = 0;

	(void)state;
	if (field_pack(&job_table, &job, &sb, &err) < 0)
		fail_msg("%s", err.text);
	put("INSERT INTO notices (id, payload) VALUES (?1, ?2)", "a",
		STR("nothing that was ever packed"));
	put("INSERT INTO notices (id, payload) VALUES (?1, ?2)", "b",
		strbuf_str(&sb));
	assert_int_equal(queue_read_notices(db, 0, 8, count, &seen, &err), 0);
	assert_int_equal(seen, 1);
	assert_int_equal(queue_read_notices_n(db, &n, &err), 0);
	assert_int_equal(n, 2);
	strbuf_release(&sb);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_damaged_rows),
		T(test_damaged_notice),
	};

	return cmocka_run_group_tests_name("queue_read", tests, NULL, NULL);
}
