#include "ingress/spool.h"

#include "ingress/spool_inside.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

/* seq is never used again (autoincrement): what was loaded up to a seq stays
 * loaded. payload is the packed event; sum finds a damaged one. sender_id is
 * spool_key(). */
static const char *const migrations[] = {
	"create table event ("
	" seq integer primary key autoincrement,"
	" id text not null unique,"
	" state text not null default 'pending'"
	"  check (state in ('pending', 'done', 'parked')),"
	" accepted_ms integer not null,"
	" source text not null,"
	" sender_id text,"
	" payload blob not null,"
	" sum text not null,"
	" tries integer not null default 0,"
	" reason text);"
	"create unique index event_sender on event(source, sender_id)"
	" where sender_id is not null;"
	"create index event_pending on event(seq) where state = 'pending';"
	"create table probe (n integer not null);"
	"insert into probe values (0);",
	"create index event_parked on event(seq) where state = 'parked';",
};

const struct db_schema spool_schema = {
	.name = "pullwire-ingress",
	.migrations = migrations,
	.n = ARRAY_LEN(migrations),
};

/* ---- opening ------------------------------------------------------------- */

struct spool *spool_open(const char *dir, struct err *err)
{
	struct spool *s = xcalloc(1, sizeof(*s));
	char *path = xprintf("%s/spool.db", dir);

	atomic_init(&s->healthy, true);
	s->writer = db_writer_start(path, &spool_schema, err);
	free(path);
	if (s->writer)
		return s;
	free(s);
	return NULL;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	db_writer_stop(s->writer);
	free(s);
}

bool spool_healthy(const struct spool *s)
{
	return atomic_load(&s->healthy);
}

void spool_note_commit(struct spool *s, const struct err *err)
{
	atomic_store(&s->healthy, err == NULL);
	if (err)
		log_limited(LOG_ERROR, "spool", "the spool cannot commit: %s",
			err->text);
}

/* ---- done, park, prune, probe -------------------------------------------- */

struct marking {
	struct spool *spool;
	void (*done)(void *ctx, const struct err *err);
	void *ctx;
	size_t n;
	struct spool_mark marks[];
};

static int apply_marks(struct db *db, void *ctx, struct err *err)
{
	struct marking *m = ctx;
	struct db_stmt *st;

	st = db_prepare(db, "update event set state = ?2, reason = ?3"
		" where seq = ?1 and state = 'pending'", err);
	if (!st)
		return -1;
	for (size_t i = 0; i < m->n; i++) {
		db_bind_i64(st, 1, m->marks[i].seq);
		db_bind_str(st, 2, m->marks[i].parked ? "parked" : "done");
		db_bind_str(st, 3, m->marks[i].parked);
		if (db_step(st, err) < 0)
			return -1;
	}
	return 0;
}

static void done_marks(void *ctx, const struct err *err)
{
	struct marking *m = ctx;

	spool_note_commit(m->spool, err);
	if (m->done)
		m->done(m->ctx, err);
	free(m);
}

int spool_mark(struct spool *s, const struct spool_mark *marks, size_t n,
	void (*done)(void *ctx, const struct err *err), void *ctx)
{
	struct marking *m = xmalloc(sizeof(*m) + n * sizeof(marks[0]));
	struct db_write write = {apply_marks, done_marks, m};

	*m = (struct marking){s, done, ctx, n};
	memcpy(m->marks, marks, n * sizeof(marks[0]));
	if (!db_writer_put(s->writer, &write))
		return 0;
	free(m);
	return -1;
}

struct release {
	struct spool *spool;
	const char *id;
	int64_t seq;
	void (*done)(void *ctx, int64_t seq, const struct err *err);
	void *ctx;
};

static int apply_release(struct db *db, void *ctx, struct err *err)
{
	struct release *r = ctx;
	struct db_stmt *st = db_prepare(db, "update event set"
		" state = 'pending', reason = null"
		" where id = ?1 and state = 'parked' returning seq", err);
	int rc;

	if (!st)
		return -1;
	db_bind_str(st, 1, r->id);
	rc = db_step(st, err);
	r->seq = rc == 1 ? db_col_i64(st, 0) : 0;
	if (rc == 1)
		db_reset(st);
	return rc < 0 ? -1 : 0;
}

static void done_release(void *ctx, const struct err *err)
{
	struct release *r = ctx;

	spool_note_commit(r->spool, err);
	r->done(r->ctx, err ? 0 : r->seq, err);
	free(r);
}

int spool_release(struct spool *s, const char *id,
	void (*done)(void *ctx, int64_t seq, const struct err *err), void *ctx)
{
	struct release *r = xmalloc(sizeof(*r));
	struct db_write write = {apply_release, done_release, r};

	*r = (struct release){s, id, 0, done, ctx};
	if (!db_writer_put(s->writer, &write))
		return 0;
	free(r);
	return -1;
}

/* Ids begin with their time and seq follows it, so the oldest are found in
 * the id's index; a batch keeps the group that it is in short. */
#define PRUNE_BATCH 1000

struct prune {
	int64_t before;
};

static int apply_prune(struct db *db, void *ctx, struct err *err)
{
	struct prune *p = ctx;
	uint64_t ms = (uint64_t)p->before;
	char bound[16];
	struct db_stmt *st;

	st = db_prepare(db, "delete from event where seq in"
		" (select seq from event where id < ?1 and state = 'done'"
		" order by id limit ?2)", err);
	if (!st)
		return -1;
	snprintf(bound, sizeof(bound), "%08llx-%04llx",
		(unsigned long long)(ms >> 16) & 0xffffffffULL,
		(unsigned long long)ms & 0xffffULL);
	db_bind_str(st, 1, bound);
	db_bind_i64(st, 2, PRUNE_BATCH);
	return db_step(st, err) < 0 ? -1 : 0;
}

/* Says nothing of the disk's health: mostly there is nothing to write. */
static void done_prune(void *ctx, const struct err *err)
{
	if (err)
		log_limited(LOG_WARN, "prune", "old events were not deleted: "
			"%s", err->text);
	free(ctx);
}

void spool_prune(struct spool *s, int64_t before)
{
	struct prune *p = xmalloc(sizeof(*p));
	struct db_write write = {apply_prune, done_prune, p};

	p->before = before;
	if (db_writer_put(s->writer, &write) < 0)
		free(p);
}

static int apply_probe(struct db *db, void *ctx, struct err *err)
{
	(void)ctx;
	return db_exec(db, "update probe set n = n + 1", err);
}

static void done_probe(void *ctx, const struct err *err)
{
	spool_note_commit(ctx, err);
}

void spool_probe(struct spool *s)
{
	struct db_write write = {apply_probe, done_probe, s};

	/* A full queue tells the same: the writer is not getting on. */
	if (db_writer_put(s->writer, &write) < 0)
		log_limited(LOG_WARN, "spool", "the spool's queue is full");
}
