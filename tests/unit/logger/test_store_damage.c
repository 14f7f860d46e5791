/* Rows that were changed behind the store's back are told, never believed. */
#include "tests/unit/logger/store_rig.h"

#include "logger/store_sqlite.h"
#include "proto/base/log.h"
#include "proto/base/metrics.h"

static void expect_damaged(const struct record *r, const char *was)
{
	assert_string_equal(r->status, "damaged");
	assert_false(r->final);
	assert_null(r->request);
	assert_non_null(strstr(r->reason, "its checksum differs"));
	assert_non_null(strstr(r->reason, was));
}

static struct record full_record(const char *event)
{
	struct record r = {0};

	fill(&r);
	free(r.id);
	free(r.event);
	r.id = xprintf("%s/t/1/deployed", event);
	r.event = xstrdup(event);
	return r;
}

/* Whichever column was changed: the row is shown as damaged, the others as
 * they are; it is counted once however often it is read. */
static void a_changed_row_is_told(void **state)
{
	int64_t before = metric_get(METRIC_ROWS_DAMAGED, NULL, NULL);
	size_t n = record_table.n;

	(void)state;
	for (size_t i = 0; i <= n; i++) {
		struct record r;
		char event[16];

		snprintf(event, sizeof(event), "e%02zu", i);
		r = full_record(event);
		put(&r);
	}
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &record_table.fields[i];
		char sql[160];

		snprintf(sql, sizeof(sql), f->type == FIELD_BOOL
			? "UPDATE %%s SET \"%s\" = NOT \"%s\" WHERE seq = %zu"
			: f->type == FIELD_I64
			? "UPDATE %%s SET \"%s\" = \"%s\" + 1 WHERE seq = %zu"
			: "UPDATE %%s SET \"%s\" = \"%s\" || ' ' WHERE seq = %zu",
			f->name, f->name, i + 1);
		change(sql);
	}
	for (int times = 0; times < 2; times++) {
		struct rows rows = {0};
		struct query q;

		query_init(&q);
		q.limit = 500;
		q.order = QUERY_AS_STORED;
		run(&q, &rows);
		assert_int_equal(rows.list.n, n + 1);
		for (size_t i = 0; i < n; i++)
			expect_damaged(&rows.list.v[i], "status '");
		assert_string_equal(rows.list.v[n].reason,
			"reason 'quoted\" \xE2\x82\xAC\n");
		assert_true(rows.list.v[n].final);
		rows_release(&rows);
	}
	assert_int_equal(metric_get(METRIC_ROWS_DAMAGED, NULL, NULL) - before,
		n);
}

/* Pages go on behind a damaged row, whatever it says of its time. */
static void pages_pass_a_damaged_row(void **state)
{
	struct rows rows = {0};
	struct query q;
	char event[16];

	(void)state;
	for (int i = 0; i < 9; i++) {
		snprintf(event, sizeof(event), "e%d", i);
		put_simple(100 + i, event, "t", "deployed", true);
	}
	change("UPDATE %s SET status = 'failed' WHERE seq = 6");
	query_init(&q);
	q.limit = 4;
	run(&q, &rows);
	expect_damaged(&rows.list.v[3], "`failed`");
	assert_int_equal(rows.last.seq, 7); /* the last sound one */
	q.after = rows.last;
	rows_release(&rows);
	expect(&q, "e5/t/1/deployed e4/t/1/deployed e3/t/1/deployed "
		"e2/t/1/deployed");
	memset(&rows, 0, sizeof(rows));
	get("e5/t/1/deployed", &rows, 1);
	expect_damaged(&rows.list.v[0], "`failed`");
	rows_release(&rows);
}

/* Rows from before there were checksums are taken as they are; later ones
 * must have theirs. */
static void old_rows_have_no_checksum(void **state)
{
	struct rows rows = {0};
	struct query q;

	(void)state;
	put_simple(1, "a", "t", "deployed", true);
	put_simple(2, "b", "t", "deployed", true);
	change("UPDATE %s SET checksum = NULL");
	change("UPDATE %s_sums SET since = 2");
	query_init(&q);
	run(&q, &rows);
	assert_int_equal(rows.list.n, 2);
	expect_damaged(&rows.list.v[0], "`deployed`");
	assert_string_equal(rows.list.v[1].status, "deployed");
	rows_release(&rows);
}

/* A log of the version before is brought up to date where it is. */
static void a_log_without_checksums(void **state)
{
	struct rows rows = {0};
	struct err err = {0};
	struct query q;

	(void)state;
	put_simple(1, "a", "t", "deployed", true);
	put_simple(2, "b", "t", "deployed", true);
	store_close(store);
	change("DROP TABLE %s_sums");
	change("ALTER TABLE %s DROP COLUMN checksum");
	change(is_sqlite() ? "PRAGMA user_version = 3"
			   : "UPDATE pullwire_log SET version = 1");
	store = open_store(false, &err);
	if (store == NULL || store_check(store, &err) < 0)
		fail_msg("%s", err.text);
	put_simple(3, "c", "t", "deployed", true);
	query_init(&q);
	run(&q, &rows);
	assert_int_equal(rows.list.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(rows.list.v[i].status, "deployed");
	rows_release(&rows);
	change("UPDATE %s SET tag = 'v9'"); /* old rows are taken as they are */
	memset(&rows, 0, sizeof(rows));
	run(&q, &rows);
	expect_damaged(&rows.list.v[0], "`deployed`");
	assert_string_equal(rows.list.v[1].tag, "v9");
	assert_string_equal(rows.list.v[1].status, "deployed");
	rows_release(&rows);
}

static void take_count(void *ctx, const char *trigger, const char *status,
	int64_t n)
{
	assert_string_equal(trigger, "t");
	assert_string_equal(status, "damaged");
	*(int64_t *)ctx += n;
}

/* Counts are of what a damaged file says, and it may say nothing. */
static void a_status_that_is_gone_is_counted(void **state)
{
	struct err err = {0};
	int64_t n = 0;

	(void)state;
	put_simple(1, "a", "t", "deployed", true);
	change("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = "
		"replace(sql, 'status TEXT NOT NULL', 'status TEXT') "
		"WHERE name = 'record'");
	change("UPDATE %s SET status = NULL");
	if (store_count(store, 0, 1000, take_count, &n, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(n, 1);
}

#define FLIP_ROWS 120
#define FLIPS 500

static char *read_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *bytes;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*n = (size_t)ftell(f);
	rewind(f);
	bytes = xmalloc(*n);
	assert_int_equal(fread(bytes, 1, *n, f), *n);
	fclose(f);
	return bytes;
}

static void write_file(const char *path, const char *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* Makes the long text of a row unreadable: what leads on from its second page
 * leads nowhere. */
static void break_chain(char *bytes, size_t n)
{
	for (size_t at = 4096; at + 4096 <= n; at += 4096) {
		size_t run = 4;

		while (run < 4096 && bytes[at + run] == 'X')
			run++;
		if (run == 4096) {
			memset(bytes + at, 0xff, 4);
			return;
		}
	}
	fail_msg("no page is full of the text");
}

/* At the first row; the places of the others are known then. */
static int delete_others(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	if (((struct rows *)ctx)->list.n == 0)
		change("DELETE FROM %s WHERE seq > 1");
	return collect(ctx, r, at);
}

/* What is deleted while a damaged file is read row by row was not damaged. */
static void a_deleted_row_is_not_damaged(void **state)
{
	struct rows rows = {0};
	struct err err = {0};
	struct record r;
	struct query q;
	size_t n;
	char *bytes;

	(void)state;
	r = full_record("a");
	free(r.request);
	r.request = xmalloc(20001);
	memset(r.request, 'X', 20000);
	r.request[20000] = '\0';
	put(&r);
	put_simple(2, "b", "t", "deployed", true);
	put_simple(3, "c", "t", "deployed", true);
	store_close(store);
	bytes = read_file(url + 7, &n);
	break_chain(bytes, n);
	write_file(url + 7, bytes, n);
	free(bytes);
	store = open_store(true, &err);
	query_init(&q);
	q.order = QUERY_AS_STORED;
	if (store_query(store, &q, delete_others, &rows, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(rows.list.n, 3);
	assert_string_equal(rows.list.v[0].status, "damaged");
	assert_string_equal(rows.list.v[1].status, "deployed");
	assert_string_equal(rows.list.v[2].status, "deployed");
	rows_release(&rows);
}

struct flips {
	struct strbuf good[FLIP_ROWS + 1]; /* by seq: as it was stored */
	int untouched, told, failed, fewer;
	int n, damaged; /* of one reading */
};

static int compare_row(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	struct flips *flips = ctx;
	struct strbuf text = {0};

	flips->n++;
	if (strcmp(r->status, "damaged") == 0) {
		flips->damaged++;
		return 0;
	}
	field_print(&record_table, r, &text);
	for (size_t i = 1; i <= FLIP_ROWS; i++)
		if (strcmp(strbuf_cstr(&flips->good[i]),
			    strbuf_cstr(&text)) == 0) {
			strbuf_release(&text);
			return 0;
		}
	fail_msg("row %lld is shown as true: %s", (long long)at->seq,
		strbuf_cstr(&text));
	return 0;
}

static int keep_row(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	struct flips *flips = ctx;

	field_print(&record_table, r, &flips->good[at->seq]);
	return 0;
}

/* One turned bit anywhere in the file: no row is shown as true that is not. */
static void no_turned_bit_is_shown_as_true(void **state)
{
	struct flips flips = {0};
	struct err err = {0};
	uint64_t random = 88172645463325252u;
	struct query q;
	size_t n;
	char *bytes;

	(void)state;
	for (int i = 0; i < FLIP_ROWS; i++) {
		struct record r;
		char event[16];

		snprintf(event, sizeof(event), "e%03d", i);
		r = full_record(event);
		put(&r);
	}
	query_init(&q);
	q.limit = 500;
	assert_int_equal(store_query(store, &q, keep_row, &flips, &err), 0);
	store_close(store);
	bytes = read_file(url + 7, &n);
	for (int i = 0; i < FLIPS; i++) {
		size_t at;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		at = (size_t)(random % (n * 8));
		bytes[at / 8] = (char)(bytes[at / 8] ^ 1 << at % 8);
		write_file(url + 7, bytes, n);
		bytes[at / 8] = (char)(bytes[at / 8] ^ 1 << at % 8);
		flips.n = flips.damaged = 0;
		store = open_store(true, &err);
		q.order = i % 2 ? QUERY_NEWEST_FIRST : QUERY_AS_STORED;
		if (store == NULL || store_query(store, &q, compare_row,
					     &flips, &err) < 0)
			flips.failed++;
		else if (flips.damaged > 0)
			flips.told++;
		else if (flips.n < FLIP_ROWS)
			flips.fewer++;
		else
			flips.untouched++;
		store_close(store);
	}
	/* A hundredth is in what the file cannot be read without; of 20,000
	 * bits 12 hid rows. */
	print_message("of %d turned bits %d changed no row, %d were told, %d "
		"made the file unreadable\n", FLIPS, flips.untouched,
		flips.told, flips.failed);
	assert_in_range(flips.fewer, 0, FLIPS / 100);
	assert_in_range(flips.told, FLIPS / 4, FLIPS);
	assert_in_range(flips.failed, 0, FLIPS / 50);
	write_file(url + 7, bytes, n);
	store = open_store(false, &err);
	for (size_t i = 0; i <= FLIP_ROWS; i++)
		strbuf_release(&flips.good[i]);
	free(bytes);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define P(f) {"postgresql " #f, f, pg_setup, pg_teardown, NULL}
	const struct CMUnitTest sqlite[] = {
		T(a_changed_row_is_told),
		T(pages_pass_a_damaged_row),
		T(old_rows_have_no_checksum),
		T(a_log_without_checksums),
		T(a_deleted_row_is_not_damaged),
		T(a_status_that_is_gone_is_counted),
		T(no_turned_bit_is_shown_as_true),
	};
	const struct CMUnitTest postgresql[] = {
		P(a_changed_row_is_told),
		P(pages_pass_a_damaged_row),
		P(old_rows_have_no_checksum),
		P(a_log_without_checksums),
	};
	const struct CMUnitTest none[] = {cmocka_unit_test(without_server)};
	int failed;

	log_init("test", LOG_FATAL); /* of the thousands that are damaged */
	failed = cmocka_run_group_tests(sqlite, NULL, NULL);

	if (getenv("PULLWIRE_POSTGRESQL") == NULL)
		return failed + cmocka_run_group_tests(none, NULL, NULL);
	return failed + cmocka_run_group_tests(postgresql, NULL, NULL);
}
