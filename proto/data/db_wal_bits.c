/* Which bit of a frame is wrong? The sum tells, or lets choose. */
#include "proto/data/db_wal_inside.h"

#include "proto/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* How many bits of a header's salts are not the log's. */
static int salt_bits(const struct wal *w, const unsigned char *head)
{
	int n = 0;

	for (size_t i = 0; i < 8; i++)
		n += __builtin_popcount(
			(unsigned)(head[8 + i] ^ w->header[16 + i]));
	return n;
}

/* Pair p of what a frame's sum is over: its first 8 bytes, then the page. */
static unsigned char *pair_of(const struct wal *w, size_t p)
{
	return p == 0 ? w->frame : w->frame + WAL_FRAME + (p - 1) * 8;
}

/* The bit of this word by which the sum would be right. The sum is linear: a
 * word that is d more makes it d * at more. -1: none. */
static int bit_of(uint32_t word, struct sum at, struct sum miss)
{
	for (int bit = 0; bit < 32; bit++) {
		uint32_t d = (uint32_t)1 << bit;

		if (word & d)
			d = 0 - d;
		if (d * at.a == miss.a && d * at.b == miss.b)
			return bit;
	}
	return -1;
}

/* A bit that may be the wrong one, by its place in the frame. */
struct suspect {
	size_t byte;
	unsigned char mask;
};

#define SUSPECTS_MAX 4096

static struct sum sum_of(const struct wal *w, struct sum seed)
{
	seed = add(seed, is_big(w), w->frame, 8);
	return add(seed, is_big(w), w->frame + WAL_FRAME, w->page);
}

/* The bit of the frame's own sum that may be the wrong one; there is at most
 * one. How many were found. */
static size_t find_in_sum(const struct wal *w, struct sum seed,
	struct suspect *out)
{
	struct sum is = stored(w->frame + 16), be = sum_of(w, seed);
	uint32_t a = is.a ^ be.a, b = is.b ^ be.b, d = a | b;
	int bit;

	if ((a != 0) == (b != 0) || (d & (d - 1)) != 0)
		return 0;
	bit = __builtin_ctz(d);
	out->byte = (size_t)((a ? 16 : 20) + 3 - bit / 8);
	out->mask = (unsigned char)(1 << bit % 8);
	return 1;
}

/* All bits of the page and the frame's first words by which the sum would be
 * right: one for a low bit of a word, several for a high one. */
static size_t find_in_page(struct wal *w, struct sum seed, struct suspect *out)
{
	struct sum miss = sum_of(w, seed), x = {1, 1}, y = {0, 1};
	bool big = is_big(w);
	size_t n = 0;

	miss.a = be32(w->frame + 16) - miss.a;
	miss.b = be32(w->frame + 20) - miss.b;
	for (size_t p = w->page / 8 + 1; p-- > 0;) {
		for (int half = 0; half < 2; half++) {
			unsigned char *at = pair_of(w, p) + half * 4;
			int bit = bit_of(big ? be32(at) : le32(at),
				half ? y : x, miss);

			if (bit < 0 || n == SUSPECTS_MAX)
				continue;
			at += big ? 3 - bit / 8 : bit / 8;
			out[n].byte = (size_t)(at - w->frame);
			out[n++].mask = (unsigned char)(1 << bit % 8);
		}
		x = (struct sum){x.a + x.b, x.a + 2 * x.b};
		y = (struct sum){y.a + y.b, y.a + 2 * y.b};
	}
	return n;
}

/* How many pages the database can have: each new one is a frame of the log. */
static int64_t most_pages(const struct wal *w)
{
	struct stat st;

	if (stat(w->database, &st) < 0)
		return INT64_MAX;
	return st.st_size / (int64_t)w->page + w->frames;
}

/* Without the bits that would make a header no database has. */
static size_t drop_impossible(struct wal *w, struct suspect *v, size_t n)
{
	int64_t most = most_pages(w);
	size_t kept = 0;

	for (size_t k = 0; k < n; k++) {
		struct suspect s = v[k];

		w->frame[s.byte] ^= s.mask;
		if (be32(w->frame) != 0 && be32(w->frame) <= most &&
			be32(w->frame + 4) <= most)
			v[kept++] = s;
		w->frame[s.byte] ^= s.mask;
	}
	return kept;
}

/* Frame i + 1 begins with the sum of frame i. 1: as that is; -1: as it is with
 * this bit of it turned; 0: there is none, or it fits neither. */
static int next_fits(struct wal *w, int64_t i, const struct suspect *s,
	int *fits, struct err *err)
{
	unsigned char *mine = w->frame, *next;
	struct sum is = stored(mine + 16), be;
	int rc;

	*fits = 0;
	if (i + 1 >= w->frames)
		return 0;
	mine[s->byte] ^= s->mask;
	be = stored(mine + 16);
	mine[s->byte] ^= s->mask;
	next = xmalloc(WAL_FRAME + w->page);
	rc = db_wal_read(w, place(w, i + 1), next, WAL_FRAME + w->page, err);
	w->frame = next;
	if (rc == 0)
		*fits = db_wal_whole(w, is) ? 1 : db_wal_whole(w, be) ? -1 : 0;
	w->frame = mine;
	free(next);
	return rc;
}

/* All bits that may be the wrong one, by all that this log says. */
static int find_bits(struct wal *w, int64_t i, struct sum seed,
	struct suspect *v, size_t *n, struct err *err)
{
	size_t own = find_in_sum(w, seed, v);
	int fits = 0;

	if (own && next_fits(w, i, v, &fits, err) < 0)
		return -1;
	if (fits == 1)
		own = 0;
	*n = own;
	if (fits != -1)
		*n += find_in_page(w, seed, v + own);
	*n = drop_impossible(w, v, *n);
	return 0;
}

/* What the page was before frame i: all zero when it is new. */
static int page_before(struct wal *w, int64_t i, uint32_t number,
	unsigned char *page, struct err *err)
{
	unsigned char head[4];

	memset(page, 0, w->page);
	for (int64_t j = i - 1; j >= 0; j--) {
		if (db_wal_read(w, place(w, j), head, 4, err) < 0)
			return -1;
		if (be32(head) == number)
			return db_wal_read(w, place(w, j) + WAL_FRAME, page, w->page,
				err);
	}
	/* Never closed: that would drop SQLite's locks on the same file. */
	if (w->database_fd < 0)
		w->database_fd = open(w->database, O_RDONLY | O_CLOEXEC);
	if (number == 0 || (w->database_fd >= 0 &&
				   pread(w->database_fd, page, w->page,
					   (off_t)(number - 1) *
						   (off_t)w->page) >= 0))
		return 0;
	return err_retry(err, "%s cannot be read: %s", w->database,
		strerror(errno));
}

static size_t distance(const unsigned char *x, const unsigned char *y, size_t n)
{
	size_t bits = 0;

	for (size_t i = 0; i < n; i++)
		bits += (size_t)__builtin_popcount((unsigned)(x[i] ^ y[i]));
	return bits;
}

/* Of several bits, the one by which the frame is most like what its page was
 * before: most of a page stays as it is. NULL when two are alike; *unwritten
 * when the page is a bit from that: a torn end, whose page was not written. */
static int choose_bit(struct wal *w, int64_t i, const struct suspect *v,
	size_t n, const struct suspect **chosen, bool *unwritten,
	struct err *err)
{
	unsigned char *before = xmalloc(w->page);
	size_t best = SIZE_MAX;
	int rc = 0;

	*chosen = NULL;
	for (size_t k = 0; k < n && rc == 0; k++) {
		size_t far;

		w->frame[v[k].byte] ^= v[k].mask;
		rc = page_before(w, i, be32(w->frame), before, err);
		far = distance(w->frame + WAL_FRAME, before, w->page);
		w->frame[v[k].byte] ^= v[k].mask;
		if (far == best)
			*chosen = NULL;
		if (far < best) {
			best = far;
			*chosen = &v[k];
		}
	}
	*unwritten = best == 1;
	free(before);
	return rc;
}

/* Does this header, of this log, end a transaction? It has the database's size
 * in pages then. A wrong bit of the salts is no reason to say that it does not. */
static bool ends_transaction(const struct wal *w, const unsigned char *head)
{
	return salt_bits(w, head) <= 1 && be32(head + 4) != 0 &&
		be32(head + 4) <= most_pages(w);
}

/*
 * 1: frame i, wrong by one of these bits, may be of a transaction that was
 * acknowledged; 0: the frame that would end it is not there, so it was never
 * synced, and nobody was told of it; -1.
 *
 * No more can be known. With its last frame there, a transaction whose write
 * was torn where old and new differ by one bit, and one that was synced and
 * lost that bit later, are the same bytes.
 */
static int maybe_synced(struct wal *w, int64_t i, const struct suspect *v,
	size_t n, struct err *err)
{
	unsigned char head[WAL_FRAME];
	bool found = ends_transaction(w, w->frame);

	for (size_t k = 0; k < n && !found; k++) {
		w->frame[v[k].byte] ^= v[k].mask;
		found = ends_transaction(w, w->frame);
		w->frame[v[k].byte] ^= v[k].mask;
	}
	for (int64_t j = i + 1; j < w->frames && !found; j++) {
		if (db_wal_read(w, place(w, j), head, WAL_FRAME, err) < 0)
			return -1;
		found = ends_transaction(w, head);
	}
	return found;
}

/* 1: a bit of the frame is turned, *at; 0: it is not one bit; -1. */
static int turn_bit(struct wal *w, int64_t i, struct sum seed,
	unsigned char **at, struct err *err)
{
	struct suspect *v = xmalloc((SUSPECTS_MAX + 1) * sizeof(*v));
	const struct suspect *chosen = v;
	bool unwritten = false;
	size_t n = 0;
	int rc = find_bits(w, i, seed, v, &n, err);

	if (rc == 0 && n > 1)
		rc = choose_bit(w, i, v, n, &chosen, &unwritten, err);
	if (rc == 0 && n && chosen) {
		*at = &w->frame[chosen->byte];
		**at ^= chosen->mask;
		rc = 1;
	} else if (rc == 0 && n && !unwritten) {
		rc = maybe_synced(w, i, v, n, err);
		if (rc > 0)
			rc = db_wal_refuse(w, i, err);
	}
	free(v);
	return rc;
}

/* The one bit by which the salts are not the log's, put right if all else is:
 * the sum is not over them. */
static unsigned char *turn_salt(struct wal *w, struct sum seed)
{
	if (!same(sum_of(w, seed), stored(w->frame + 16)))
		return NULL;
	for (size_t i = 8; i < 16; i++)
		if (w->frame[i] != w->header[8 + i]) {
			w->frame[i] = w->header[8 + i];
			return &w->frame[i];
		}
	return NULL;
}

/* Salts that differ in more than a bit are those of an older log in the same
 * file. 1: mended. */
int db_wal_bits_mend(struct wal *w, int64_t i, struct sum seed,
	struct err *err)
{
	unsigned char *at = NULL;

	if (salt_bits(w, w->frame) == 1)
		at = turn_salt(w, seed);
	else if (salt_bits(w, w->frame) == 0 &&
		turn_bit(w, i, seed, &at, err) < 0)
		return -1;
	if (!at)
		return 0;
	return db_wal_mend(w, place(w, i) + (at - w->frame), at, err) < 0 ? -1 : 1;
}
