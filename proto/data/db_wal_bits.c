/* Which bit of a frame is wrong? The sum tells, or lets choose. */
#include "proto/data/db_wal_inside.h"

#include "proto/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* How many bits of the salts are not the log's. */
static int salt_bits(const struct wal *w)
{
	int n = 0;

	for (size_t i = 0; i < 8; i++)
		n += __builtin_popcount(
			(unsigned)(w->frame[8 + i] ^ w->header[16 + i]));
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

/* All bits of the page and the frame's first words by which the sum would be
 * right: one for a low bit of a word, several for a high one. */
static size_t find_bits(struct wal *w, struct sum seed, struct suspect *out)
{
	struct sum miss, x = {1, 1}, y = {0, 1};
	bool big = is_big(w);
	size_t n = 0;

	miss = add(seed, big, w->frame, 8);
	miss = add(miss, big, w->frame + WAL_FRAME, w->page);
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

/* 1: a bit of the frame is turned, *at; 0: it is not one bit; -1. */
static int turn_bit(struct wal *w, int64_t i, struct sum seed,
	unsigned char **at, struct err *err)
{
	struct suspect *v = xmalloc(SUSPECTS_MAX * sizeof(*v));
	size_t n = find_bits(w, seed, v);
	const struct suspect *chosen = v;
	bool unwritten = false;
	int rc = 0;

	if (n > 1)
		rc = choose_bit(w, i, v, n, &chosen, &unwritten, err);
	if (rc == 0 && n && chosen) {
		*at = &w->frame[chosen->byte];
		**at ^= chosen->mask;
		rc = 1;
	} else if (rc == 0 && n && !unwritten) {
		rc = db_wal_refuse(w, i, err);
	}
	free(v);
	return rc;
}

/* One bit of the frame's salts or of its sum itself, tried in turn. */
static unsigned char *try_bits(struct wal *w, struct sum seed)
{
	for (size_t bit = 8 * 8; bit < WAL_FRAME * 8; bit++) {
		unsigned char *at = &w->frame[bit / 8];

		*at ^= (unsigned char)(1 << bit % 8);
		if (db_wal_whole(w, seed))
			return at;
		*at ^= (unsigned char)(1 << bit % 8);
	}
	return NULL;
}

/* Salts that differ in more than a bit are those of an older log in the same
 * file. 1: mended. */
int db_wal_bits_mend(struct wal *w, int64_t i, struct sum seed,
	struct err *err)
{
	unsigned char *at = NULL;

	if (salt_bits(w) <= 1)
		at = try_bits(w, seed);
	if (!at && salt_bits(w) == 0 && turn_bit(w, i, seed, &at, err) < 0)
		return -1;
	if (!at)
		return 0;
	return db_wal_mend(w, place(w, i) + (at - w->frame), at, err) < 0 ? -1 : 1;
}
