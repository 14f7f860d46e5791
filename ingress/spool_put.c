/* What becomes of an event that is put: new, a repeat, or a repeat of one that
 * was done. */
#include "ingress/spool_inside.h"

#include "proto/base/enc.h"
#include "proto/base/fail.h"
#include "proto/base/mem.h"

void spool_sum(struct str payload, char out[SPOOL_SUM_LEN])
{
	unsigned char hash[ENC_SHA256_LEN];

	enc_sha256(payload.p, payload.n, hash);
	enc_hex(hash, (SPOOL_SUM_LEN - 1) / 2, out);
}

int spool_put_add(struct spool_put *put, struct event *e, struct err *err)
{
	struct spool_entry entry = {.event = *e};

	memset(e, 0, sizeof(*e));
	if (field_pack(&event_table, &entry.event, &entry.packed, err) < 0) {
		field_release(&event_table, &entry.event);
		strbuf_release(&entry.packed);
		return -1;
	}
	VEC_PUSH(&put->entries, entry);
	return 0;
}

void spool_put_release(struct spool_put *put)
{
	for (size_t i = 0; i < put->entries.n; i++) {
		field_release(&event_table, &put->entries.v[i].event);
		strbuf_release(&put->entries.v[i].packed);
	}
	VEC_RELEASE(&put->entries);
}

const char *spool_key(const struct event *e, char out[SPOOL_KEY_LEN])
{
	char digest[ENC_SHA256_HEX];
	struct strbuf text = {0};

	/* The mutation that the tests must catch: every event is new. */
	if (FAIL_POINT("spool.repeat"))
		return NULL;
	if (e->sender_id && !e->trigger)
		return e->sender_id;
	if (!e->sender_id && !e->pushed_at)
		return NULL;
	/* No part can hold a line's end. */
	strbuf_addf(&text, "%s\n", e->trigger ? e->trigger : "");
	if (e->sender_id)
		strbuf_add_cstr(&text, e->sender_id);
	else
		strbuf_addf(&text, "%s\n%s\n%s\n%s\n%lld",
			e->registry ? e->registry : "", e->repository, e->tag,
			e->digest ? e->digest : "", (long long)e->pushed_at);
	snprintf(out, SPOOL_KEY_LEN, "sha256:%s",
		enc_sha256_hex(text.buf, text.len, digest));
	strbuf_release(&text);
	return out;
}

static int insert(struct db *db, struct spool_entry *e, struct err *err)
{
	struct str payload = strbuf_str(&e->packed);
	char sum[SPOOL_SUM_LEN], derived[SPOOL_KEY_LEN];
	struct db_stmt *st;
	int rc;

	st = db_prepare(db, "insert into event"
		" (id, accepted_ms, source, sender_id, payload, sum)"
		" values (?1, ?2, ?3, ?4, ?5, ?6) returning seq", err);
	if (!st)
		return -1;
	spool_sum(payload, sum);
	db_bind_str(st, 1, e->event.id);
	db_bind_i64(st, 2, e->event.time);
	db_bind_str(st, 3, e->event.source);
	db_bind_str(st, 4, spool_key(&e->event, derived));
	db_bind_blob(st, 5, payload);
	db_bind_str(st, 6, sum);
	rc = db_step(st, err);
	if (rc < 0)
		return -1;
	e->seq = db_col_i64(st, 0);
	db_reset(st);
	return 0;
}

/* By its seq: what is damaged of a row may be its id. */
static int forget(struct db *db, int64_t seq, struct err *err)
{
	struct db_stmt *st = db_prepare(db, "delete from event where seq = ?1",
		err);

	if (!st)
		return -1;
	db_bind_i64(st, 1, seq);
	return db_step(st, err) < 0 ? -1 : 0;
}

/* Its repeats are another's from now on. It stays parked: its row may not be
 * with a logger yet, and is told again at each start. */
static int give_key(struct db *db, int64_t seq, struct err *err)
{
	struct db_stmt *st = db_prepare(db,
		"update event set sender_id = null where seq = ?1", err);

	if (!st)
		return -1;
	db_bind_i64(st, 1, seq);
	return db_step(st, err) < 0 ? -1 : 0;
}

/* The event that e repeats, as far as the disk has it. */
struct first {
	int64_t seq;
	bool done, parked, whole; /* whole: event is what was put */
	struct event event;
};

/* Whole is what the reader takes as such (spool_read.c). */
static void read_first(struct first *f, struct spool_entry *e,
	struct db_stmt *st)
{
	struct str payload = db_col_blob(st, 4);
	const char *id = db_col_str(st, 1), *sum = db_col_str(st, 5);
	char want[SPOOL_SUM_LEN];
	struct err why = {0};

	f->seq = db_col_i64(st, 0);
	f->done = db_col_i64(st, 2);
	f->parked = db_col_i64(st, 3);
	snprintf(e->first, sizeof(e->first), "%s", id ? id : "");
	spool_sum(payload, want);
	f->whole = id && sum && strcmp(sum, want) == 0 &&
		field_unpack(&event_table, payload, &f->event, &why) == 0 &&
		strcmp(f->event.id, id) == 0;
}

/* A repeat of an event that was done: its row goes to the end of the queue as
 * it was, with one more in `again`. */
static int arm_again(struct db *db, struct spool_entry *e, struct first *f,
	struct err *err)
{
	field_release(&event_table, &e->event);
	e->event = f->event;
	f->event = (struct event){0};
	e->event.again++;
	strbuf_truncate(&e->packed, 0);
	if (field_pack(&event_table, &e->event, &e->packed, err) < 0)
		return -1;
	if (forget(db, f->seq, err) < 0 || insert(db, e, err) < 0)
		return -1;
	e->again = true;
	return 0;
}

/* Fills first and duplicate when the event is known. */
static int find_repeat(struct db *db, struct spool_entry *e, struct err *err)
{
	char derived[SPOOL_KEY_LEN];
	const char *key = spool_key(&e->event, derived);
	struct first f = {0};
	struct db_stmt *st;
	int rc;

	e->duplicate = e->again = false;
	if (!key)
		return 0;
	st = db_prepare(db, "select seq, id, state = 'done', state = 'parked',"
		" payload, sum from event"
		" where source = ?1 and sender_id = ?2", err);
	if (!st)
		return -1;
	db_bind_str(st, 1, e->event.source);
	db_bind_str(st, 2, key);
	rc = db_step(st, err);
	if (rc == 1) {
		read_first(&f, e, st);
		db_reset(st);
	}
	/* What it repeats was damaged and set aside, so nobody was given it:
	 * it is a new event. One that was done and cannot be read stays. */
	e->duplicate = rc == 1 && !(f.parked && !f.whole);
	if (rc == 1 && !e->duplicate)
		rc = give_key(db, f.seq, err);
	else if (f.done && f.whole)
		rc = arm_again(db, e, &f, err);
	field_release(&event_table, &f.event);
	return rc < 0 ? -1 : 0;
}

static int apply_put(struct db *db, void *ctx, struct err *err)
{
	struct spool_put *put = ctx;

	for (size_t i = 0; i < put->entries.n; i++) {
		struct spool_entry *e = &put->entries.v[i];

		if (find_repeat(db, e, err) < 0)
			return -1;
		if (!e->duplicate && insert(db, e, err) < 0)
			return -1;
	}
	return 0;
}

static void done_put(void *ctx, const struct err *err)
{
	struct spool_put *put = ctx;

	spool_note_commit(put->spool, err);
	put->done(put, err);
}

int spool_put_start(struct spool *s, struct spool_put *put)
{
	struct db_write write = {apply_put, done_put, put};

	put->spool = s;
	return db_writer_put(s->writer, &write);
}
