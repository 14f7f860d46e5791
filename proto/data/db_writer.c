/* The writer thread: one group, one commit, then everyone is told. */
#include "proto/data/db.h"

#include "proto/base/clock.h"
#include "proto/base/fail.h"
#include "proto/base/metrics.h"
#include "proto/base/vec.h"
#include "proto/data/db_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUEUE_MAX 65536 /* writes waiting */
#define GROUP_MAX 1024	/* writes in one commit: bounds its latency */
#define EARLY_MS 300	/* so much too early db.early tells of a commit */

struct db_writer {
	pthread_t thread;
	pthread_mutex_t lock; /* of queue and stopping */
	pthread_cond_t more;
	VEC(struct db_write) queue;
	bool stopping;
	/* The thread's own. */
	struct db *db; /* NULL after a failed group, until it opens again */
	char *path;
	char *name; /* of the file, for metrics: "spool" of spool.db */
	const struct db_schema *schema;
	int lock_fd;
};

/* ---- the group --------------------------------------------------------------- */

/* After a failed fsync the kernel may take the log's pages for clean. So they
 * are read again, copied into the file and synced there, and the log starts
 * empty: what is committed from now on does not stand on unsynced frames. */
static int reopen(struct db_writer *w, struct err *err)
{
	struct db *db = db_open(w->path, w->schema, false, err);
	struct db_stmt *s = NULL;

	if (db)
		s = db_prepare_dynamic(
			db, "PRAGMA wal_checkpoint(TRUNCATE)", err);
	if (s && db_step(s, err) == 1) {
		int64_t busy = db_col_i64(s, 0);

		db_reset(s);
		if (!busy) {
			w->db = db;
			return 0;
		}
		err_retry(err, "%s: a reader holds up its repair after an "
			       "error", w->path);
	}
	db_close(db);
	return -1;
}

static int apply_all(struct db_writer *w, const struct db_write *group,
	size_t n, struct err *err)
{
	if (!w->db && reopen(w, err) < 0)
		return -1;
	if (db_exec(w->db, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (group[i].apply(w->db, group[i].ctx, err) < 0)
			return -1;
	return 0;
}

static int commit(struct db_writer *w, struct err *err)
{
	int64_t start;

	if (FAIL_POINT("db.commit"))
		return err_retry(err, "%s: the commit failed", w->path);
	start = clock_us();
	if (db_exec(w->db, "COMMIT", err) < 0)
		return -1;
	metric_time(METRIC_COMMIT, w->name, clock_us() - start);
	return 0;
}

static void tell(const struct db_write *group, size_t n, const struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (group[i].done)
			group[i].done(group[i].ctx, err);
}

/* After a failure nothing of the connection is trusted: not what it cached,
 * not that a second fsync would tell the truth. Closing rolls back. db.early
 * is the mutation that the tests must catch: told before it is on the disk,
 * so long before that whoever is told has time to act on it. */
static void run_group(struct db_writer *w, const struct db_write *group,
	size_t n)
{
	struct err err = {0};
	int rc = apply_all(w, group, n, &err);
	bool early = rc == 0 && FAIL_POINT("db.early");

	if (early) {
		tell(group, n, NULL);
		clock_sleep(EARLY_MS);
	}
	if (rc == 0)
		rc = commit(w, &err);
	if (rc < 0) {
		metric_add(METRIC_COMMIT_FAILED, w->name, NULL, 1);
		db_close(w->db);
		w->db = NULL;
		if (err.cls == ERR_NONE)
			err_fail(&err, "%s: a write was refused", w->path);
	}
	if (!early)
		tell(group, n, rc < 0 ? &err : NULL);
}

static void *writer_main(void *arg)
{
	struct db_writer *w = arg;

	pthread_mutex_lock(&w->lock);
	while (w->queue.n || !w->stopping) {
		VEC(struct db_write) taken = {0};

		if (!w->queue.n) {
			pthread_cond_wait(&w->more, &w->lock);
			continue;
		}
		taken.v = w->queue.v;
		taken.n = w->queue.n;
		memset(&w->queue, 0, sizeof(w->queue));
		pthread_mutex_unlock(&w->lock);
		for (size_t i = 0; i < taken.n; i += GROUP_MAX)
			run_group(w, taken.v + i,
				taken.n - i < GROUP_MAX ? taken.n - i
							: GROUP_MAX);
		VEC_RELEASE(&taken);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- life --------------------------------------------------------------------- */

/* One owner: two writers would each believe the other's file. */
static int take_lock(struct db_writer *w, struct err *err)
{
	char *path = xprintf("%s.lock", w->path);
	int rc = 0;

	w->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (w->lock_fd < 0)
		rc = err_retry(err, "%s cannot be opened: %s", path,
			strerror(errno));
	else if (flock(w->lock_fd, LOCK_EX | LOCK_NB) < 0 &&
		!FAIL_POINT("db.owner")) /* a mutation, as db.early */
		rc = err_fail(err, "%s is in use by another process: stop it, "
				   "or give this one a folder of its own",
			w->path);
	free(path);
	return rc;
}

static void writer_free(struct db_writer *w)
{
	db_close(w->db);
	if (w->lock_fd >= 0)
		close(w->lock_fd);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->more);
	VEC_RELEASE(&w->queue);
	free(w->path);
	free(w->name);
	free(w);
}

static char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct str name = str_from(slash ? slash + 1 : path);

	return xmemdup0(name.p, str_find(name, '.'));
}

struct db_writer *db_writer_start(const char *path,
	const struct db_schema *schema, struct err *err)
{
	struct db_writer *w = xcalloc(1, sizeof(*w));
	sigset_t all, old;
	int rc;

	w->path = xstrdup(path);
	w->name = base_name(path);
	w->schema = schema;
	w->lock_fd = -1;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	if (db_file_folders(path, err) < 0 || take_lock(w, err) < 0)
		goto fail;
	w->db = db_open(path, schema, false, err);
	if (!w->db)
		goto fail;
	sigfillset(&all); /* signals are the loop's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&w->thread, NULL, writer_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		return w;
	err_retry(err, "no thread for %s: %s", path, strerror(rc));
fail:
	writer_free(w);
	return NULL;
}

int db_writer_put(struct db_writer *w, const struct db_write *write)
{
	int rc = -1;

	pthread_mutex_lock(&w->lock);
	if (!w->stopping && w->queue.n < QUEUE_MAX) {
		VEC_PUSH(&w->queue, *write);
		pthread_cond_signal(&w->more);
		rc = 0;
	}
	pthread_mutex_unlock(&w->lock);
	return rc;
}

void db_writer_stop(struct db_writer *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	writer_free(w);
}

/* ---- put and wait -------------------------------------------------------------- */

struct waiter {
	const struct db_write *write;
	struct err *err;
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool done;
	int rc;
};

static int waiter_apply(struct db *db, void *ctx, struct err *err)
{
	struct waiter *wait = ctx;

	return wait->write->apply(db, wait->write->ctx, err);
}

static void waiter_done(void *ctx, const struct err *err)
{
	struct waiter *wait = ctx;

	if (wait->write->done)
		wait->write->done(wait->write->ctx, err);
	pthread_mutex_lock(&wait->lock);
	if (err && wait->err)
		*wait->err = *err;
	wait->rc = err ? -1 : 0;
	wait->done = true;
	pthread_cond_signal(&wait->told);
	pthread_mutex_unlock(&wait->lock);
}

int db_writer_sync(struct db_writer *w, const struct db_write *write,
	struct err *err)
{
	struct waiter wait = {.write = write, .err = err};
	struct db_write outer = {waiter_apply, waiter_done, &wait};

	pthread_mutex_init(&wait.lock, NULL);
	pthread_cond_init(&wait.told, NULL);
	if (db_writer_put(w, &outer) < 0) {
		wait.rc = err_retry(err, "%s: too many writes are waiting, or "
					 "it is closing", w->path);
		wait.done = true;
	}
	pthread_mutex_lock(&wait.lock);
	while (!wait.done)
		pthread_cond_wait(&wait.told, &wait.lock);
	pthread_mutex_unlock(&wait.lock);
	pthread_mutex_destroy(&wait.lock);
	pthread_cond_destroy(&wait.told);
	return wait.rc;
}
