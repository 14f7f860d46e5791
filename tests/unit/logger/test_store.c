/* Rows stored once, counted and pruned; how a store opens; PostgreSQL alone. */
#include "tests/unit/logger/store_rig.h"

#include <stdatomic.h>

static void every_field_comes_back(void **state)
{
	struct record r = {0}, want = {0};
	struct strbuf a = {0}, b = {0};
	struct rows rows = {0};

	(void)state;
	fill(&r);
	fill(&want);
	assert_int_equal(put(&r), STORE_NEW);
	get(want.id, &rows, 1);
	field_print(&record_table, &want, &a);
	field_print(&record_table, &rows.list.v[0], &b);
	assert_string_equal(strbuf_cstr(&b), strbuf_cstr(&a));
	for (size_t i = 0; i < record_table.n; i++)
		assert_true(field_is_set(&record_table.fields[i],
			(char *)&rows.list.v[0] +
				record_table.fields[i].offset));
	field_release(&record_table, &want);
	strbuf_release(&a);
	strbuf_release(&b);
	rows_release(&rows);
}

static void a_record_is_stored_once(void **state)
{
	struct query q;

	(void)state;
	query_init(&q);
	assert_int_equal(put_simple(5, "e", "t", "waiting", false), STORE_NEW);
	assert_int_equal(
		put_simple(5, "e", "t", "waiting", false), STORE_REPEATED);
	assert_int_equal(
		put_simple(9, "e", "t", "waiting", false), STORE_REPEATED);
	assert_int_equal(put_simple(6, "e", "t", "deployed", true), STORE_NEW);
	/* A final row that comes again is a repeat, not a second one. */
	assert_int_equal(
		put_simple(6, "e", "t", "deployed", true), STORE_REPEATED);
	expect(&q, "e/t/1/deployed e/t/1/waiting");
}

static void one_row_is_final(void **state)
{
	struct rows rows = {0};
	struct record r;

	(void)state;
	assert_int_equal(put_simple(1, "e", "t", "deployed", true), STORE_NEW);
	r = record(2, "e", "t", "failed", true);
	record_reason(&r, "the engine said no");
	assert_int_equal(put(&r), STORE_EXTRA_FINAL);
	assert_int_equal(
		put_simple(3, "e", "t", "refused", true), STORE_EXTRA_FINAL);
	/* Others' finals are others' matter; rows without trigger are one. */
	assert_int_equal(put_simple(4, "e", "u", "deployed", true), STORE_NEW);
	assert_int_equal(put_simple(5, "f", "t", "deployed", true), STORE_NEW);
	assert_int_equal(put_simple(6, "e", NULL, "ignored", true), STORE_NEW);
	assert_int_equal(
		put_simple(7, "e", NULL, "rejected", true), STORE_EXTRA_FINAL);
	assert_int_equal(put_simple(8, "e", "t", "waiting", false), STORE_NEW);

	get("e/t/1/failed", &rows, 1);
	get("e/t/1/refused", &rows, 1);
	get("e/t/1/deployed", &rows, 1);
	get("e/t/9/none", &rows, 0);
	assert_false(rows.list.v[0].final);
	assert_string_equal(rows.list.v[0].reason,
		"the engine said no (a final row exists already)");
	assert_false(rows.list.v[1].final);
	assert_string_equal(
		rows.list.v[1].reason, "(a final row exists already)");
	assert_true(rows.list.v[2].final);
	rows_release(&rows);
}

static void add_count(void *ctx, const char *trigger, const char *status,
	int64_t n)
{
	strbuf_addf(ctx, "%s/%s=%lld ", trigger ? trigger : "-", status,
		(long long)n);
}

/* Order is the store's own. */
static void final_rows_are_counted(void **state)
{
	struct strbuf got = {0};
	struct err err = {0};

	(void)state;
	put_simple(9, "a", "t", "deployed", true);
	put_simple(10, "b", "t", "deployed", true);
	put_simple(10, "c", "t", "waiting", false);
	put_simple(15, "c", "t", "deployed", true);
	put_simple(19, "d", "t", "failed", true);
	put_simple(19, "d", NULL, "no_trigger", true);
	put_simple(20, "e", "t", "deployed", true);
	assert_int_equal(store_count(store, 10, 20, add_count, &got, &err), 0);
	assert_int_equal(got.len, strlen("t/deployed=2 t/failed=1 "
		"-/no_trigger=1 "));
	assert_non_null(strstr(strbuf_cstr(&got), "t/deployed=2 "));
	assert_non_null(strstr(strbuf_cstr(&got), "t/failed=1 "));
	assert_non_null(strstr(strbuf_cstr(&got), "-/no_trigger=1 "));
	strbuf_release(&got);
}

struct pruning {
	struct store_prune prune;
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool done;
};

static void pruned(struct store_prune *prune, const struct err *err)
{
	struct pruning *p = CONTAINER_OF(prune, struct pruning, prune);

	pthread_mutex_lock(&p->lock);
	p->done = err == NULL;
	pthread_cond_signal(&p->told);
	pthread_mutex_unlock(&p->lock);
}

static int64_t prune(int64_t before, int64_t max, int64_t max_bytes)
{
	struct pruning p = {.prune = {.before = before, .max = max,
				    .max_bytes = max_bytes, .done = pruned},
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.told = PTHREAD_COND_INITIALIZER};

	assert_int_equal(store_prune(store, &p.prune), 0);
	pthread_mutex_lock(&p.lock);
	while (!p.done)
		pthread_cond_wait(&p.told, &p.lock);
	pthread_mutex_unlock(&p.lock);
	return p.prune.pruned;
}

static void old_rows_go_in_batches(void **state)
{
	struct query q;
	char event[16];

	(void)state;
	for (int i = 0; i < 5; i++) {
		snprintf(event, sizeof(event), "e%d", i);
		put_simple(i, event, "t", "deployed", true);
	}
	query_init(&q);
	assert_int_equal(prune(4, 3, 0), 3);
	expect(&q, "e4/t/1/deployed e3/t/1/deployed");
	assert_int_equal(prune(4, 3, 0), 1);
	assert_int_equal(prune(4, 3, 0), 0);
	expect(&q, "e4/t/1/deployed");
	/* A place is never given twice: cursors stay true. */
	prune(99, 99, 0);
	put_simple(9, "new", "t", "deployed", true);
	q.order = QUERY_AS_STORED;
	q.after.seq = 5;
	expect(&q, "new/t/1/deployed");
}

/* Rows go by size, the oldest first, however young; what is left fits. */
static void rows_go_by_size(void **state)
{
	char *big = xcalloc(1, 32769);
	struct rows rows = {0};
	int64_t gone = 0, n;
	struct query q;
	char event[16];

	(void)state;
	big[0] = '"';
	memset(big + 1, 'x', 32766);
	big[32767] = '"';
	for (int i = 0; i < 100; i++) {
		struct record r;

		snprintf(event, sizeof(event), "e%03d", i);
		r = record(1000 + i, event, "t", "deployed", true);
		r.request = xstrdup(big);
		put(&r);
	}
	assert_int_equal(prune(0, 10, (int64_t)10 << 20), 0);
	while ((n = prune(0, 10, (int64_t)1 << 20)) > 0)
		gone += n;
	assert_in_range(gone, 65, 99);
	query_init(&q);
	q.limit = 500;
	run(&q, &rows);
	assert_int_equal(rows.list.n, 100 - gone);
	assert_int_equal(rows.list.v[0].time, 1099);
	rows_release(&rows);
	free(big);
}

static void opening(void **state)
{
	static const char *const none[] = {"", "sqlite", "log.db",
		"postgresql", "mysql://h/db", "sqlite3:/x"};
	struct err err = {0};
	struct rows rows = {0};
	struct store *reader;
	char *wal = xprintf("%s/sub/log.db-wal", dir);
	char *good = xstrdup(url);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		snprintf(url, sizeof(url), "%s", none[i]);
		assert_null(open_store(true, &err));
		assert_non_null(strstr(err.text, "is no store; write sqlite:"));
	}
	snprintf(url, sizeof(url), "sqlite:%s/none.db", dir);
	assert_null(open_store(true, &err));
	assert_non_null(strstr(err.text, "none.db"));
	snprintf(url, sizeof(url), "%s", good);
	free(good);
	assert_null(open_store(false, &err));
	assert_non_null(strstr(err.text, "in use by another process"));

	put_simple(1, "a", "t", "deployed", true);
	reader = open_store(true, &err); /* beside the daemon */
	assert_non_null(reader);
	store_close(reader);
	store_close(store);
	assert_int_equal(access(wal, F_OK), -1); /* all is in the file */
	free(wal);
	store = open_store(true, &err); /* and after it */
	if (store == NULL)
		fail_msg("%s", err.text);
	get("a/t/1/deployed", &rows, 1);
	rows_release(&rows);
}

/* ---- PostgreSQL alone ----------------------------------------------------- */

/* Whatever is wrong with it, a password is not shown. */
static void bad_urls(void **state)
{
	static const char *const urls[] = {
		"postgresql://u:s3cret@[::1/db", "postgres://u:s3cret@h:x/db",
		"postgresql://u:s3cret@127.0.0.1:1/db",
		"postgresql://u:s3cret@127.0.0.1:1/db?none=1",
	};
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		snprintf(url, sizeof(url), "%s", urls[i]);
		assert_null(open_store(true, &err));
		assert_null(strstr(err.text, "s3cret"));
		assert_non_null(strstr(err.text, "PostgreSQL"));
	}
}

/* A server that is away does not keep the daemon from starting. */
static void starts_without_server(void **state)
{
	struct err err = {0};
	struct store *s;

	(void)state;
	snprintf(url, sizeof(url), "postgresql://u@127.0.0.1:1/db");
	s = open_store(false, &err);
	assert_non_null(s);
	assert_int_equal(store_check(s, &err), -1);
	assert_non_null(strstr(err.text, "127.0.0.1"));
	store_close(s);
}

struct feeding {
	struct store *to;
	int from, n;
	pthread_t thread;
};

/* Waits for groups of rows, as intake does. */
struct fed {
	struct store_put put;
	atomic_int *left;
};

static void fed_done(struct store_put *put, const struct err *err)
{
	struct fed *f = CONTAINER_OF(put, struct fed, put);

	assert_null(err);
	atomic_fetch_sub(f->left, 1);
}

static void *feed(void *arg)
{
	struct feeding *f = arg;
	struct fed *fed = xcalloc((size_t)f->n, sizeof(*fed));
	atomic_int left;
	char event[16];

	atomic_init(&left, f->n);
	for (int i = 0; i < f->n; i++) {
		snprintf(event, sizeof(event), "e%06d", f->from + i);
		fed[i].left = &left;
		fed[i].put.record = record(i, event, "t", "deployed", true);
		fed[i].put.done = fed_done;
		assert_int_equal(store_put(f->to, &fed[i].put), 0);
		if (i % 50 == 0)
			usleep(500);
	}
	while (atomic_load(&left) > 0)
		usleep(1000);
	for (int i = 0; i < f->n; i++)
		field_release(&record_table, &fed[i].put.record);
	free(fed);
	return NULL;
}

/* Half of what they bring is the same: each row is there once; and who
 * follows by seq sees all of them, whoever committed first. */
static void two_loggers_write_one_log(void **state)
{
	struct err err = {0};
	struct store *other = open_store(false, &err);
	struct feeding feeds[] = {{.to = store, .from = 0, .n = 2000},
		{.to = other, .from = 1000, .n = 2000}};
	struct rows rows = {0};
	struct query q;
	struct record r;

	(void)state;
	assert_non_null(other);
	for (int i = 0; i < 2; i++)
		pthread_create(&feeds[i].thread, NULL, feed, &feeds[i]);
	query_init(&q);
	q.order = QUERY_AS_STORED;
	q.limit = 500;
	for (int i = 0; i < 10000 && rows.list.n < 3000; i++) {
		q.after = rows.last;
		run(&q, &rows);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(feeds[i].thread, NULL);
	q.after = rows.last;
	run(&q, &rows);
	assert_int_equal(rows.list.n, 3000);
	rows_release(&rows);
	/* One final row, whoever stores it. */
	r = record(1, "e000000", "t", "failed", true);
	assert_int_equal(put_to(other, &r), STORE_EXTRA_FINAL);
	r = record(1, "e000000", "t", "failed", true);
	assert_int_equal(put(&r), STORE_REPEATED);
	store_close(other);
}

/* The server ends our connections: what failed is told, the rest goes on. */
static void connections_come_back(void **state)
{
	struct rows rows = {0};
	struct query q;

	(void)state;
	query_init(&q);
	put_simple(1, "a", "t", "deployed", true);
	expect(&q, "a/t/1/deployed"); /* a reader, idle now */
	run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
		"application_name = 'pullwire-logger' AND pid <> "
		"pg_backend_pid()");
	expect(&q, "a/t/1/deployed");
	for (int i = 0; i < 600; i++) {
		struct waiting w = {.put = {.done = put_done},
			.lock = PTHREAD_MUTEX_INITIALIZER,
			.told = PTHREAD_COND_INITIALIZER};

		w.put.record = record(2, "b", "t", "deployed", true);
		assert_int_equal(store_put(store, &w.put), 0);
		pthread_mutex_lock(&w.lock);
		while (!w.done)
			pthread_cond_wait(&w.told, &w.lock);
		pthread_mutex_unlock(&w.lock);
		field_release(&record_table, &w.put.record);
		if (!w.failed)
			break;
		usleep(100000);
	}
	get("b/t/1/deployed", &rows, 1);
	rows_release(&rows);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define P(f) {"postgresql " #f, f, pg_setup, pg_teardown, NULL}
	const struct CMUnitTest sqlite[] = {
		T(every_field_comes_back),
		T(a_record_is_stored_once),
		T(one_row_is_final),
		T(old_rows_go_in_batches),
		T(rows_go_by_size),
		T(final_rows_are_counted),
		T(opening),
		cmocka_unit_test(bad_urls),
		cmocka_unit_test(starts_without_server),
	};
	const struct CMUnitTest postgresql[] = {
		P(every_field_comes_back),
		P(a_record_is_stored_once),
		P(one_row_is_final),
		P(old_rows_go_in_batches),
		P(rows_go_by_size),
		P(final_rows_are_counted),
		P(two_loggers_write_one_log),
		P(connections_come_back),
	};
	const struct CMUnitTest none[] = {cmocka_unit_test(without_server)};
	int failed = cmocka_run_group_tests(sqlite, NULL, NULL);

	if (getenv("PULLWIRE_POSTGRESQL") == NULL)
		return failed + cmocka_run_group_tests(none, NULL, NULL);
	return failed + cmocka_run_group_tests(postgresql, NULL, NULL);
}
