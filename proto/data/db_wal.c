#include "proto/data/db_wal.h"

#include "proto/base/log.h"
#include "proto/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER 32
#define FRAME 24 /* a frame's header; a page follows */
#define MAGIC 0x377f0682u /* its last bit: sums are over big-endian words */
#define PAGE_MIN 512u
#define PAGE_MAX 65536u

struct sum {
	uint32_t a, b;
};

struct wal {
	char *path;
	const char *database;
	int fd, database_fd; /* the second: -1 until it is asked for */
	unsigned char header[HEADER];
	unsigned char *frame; /* FRAME + page */
	size_t page;
	int64_t frames; /* whole ones in the file */
	int mended;
};

/* ---- bytes -------------------------------------------------------------------- */

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3];
}

static uint32_t le32(const unsigned char *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 |
		(uint32_t)p[1] << 8 | p[0];
}

static struct sum add(struct sum s, bool big, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		s.a += (big ? be32(p + i) : le32(p + i)) + s.b;
		s.b += (big ? be32(p + i + 4) : le32(p + i + 4)) + s.a;
	}
	return s;
}

static struct sum stored(const unsigned char *p)
{
	return (struct sum){be32(p), be32(p + 4)};
}

static bool same(struct sum x, struct sum y)
{
	return x.a == y.a && x.b == y.b;
}

static bool is_big(const struct wal *w)
{
	return w->header[3] & 1;
}

static int64_t place(const struct wal *w, int64_t i)
{
	return HEADER + i * (int64_t)(FRAME + w->page);
}

static int read_at(const struct wal *w, int64_t at, unsigned char *p, size_t n,
	struct err *err)
{
	if (pread(w->fd, p, n, at) == (ssize_t)n)
		return 0;
	return err_retry(err, "%s cannot be read: %s", w->path,
		strerror(errno));
}

/* The right byte is on the disk before SQLite trusts what follows it. */
static int mend(struct wal *w, int64_t at, const unsigned char *byte,
	struct err *err)
{
	if (pwrite(w->fd, byte, 1, at) != 1 || fdatasync(w->fd) < 0)
		return err_retry(err, "%s cannot be mended: %s", w->path,
			strerror(errno));
	w->mended++;
	log_error(NULL, "%s: a bit of byte %lld had turned over and was put "
		"right; the disk or the memory of this machine is failing",
		w->path, (long long)at);
	return 0;
}

/* ---- the header ---------------------------------------------------------------- */

static bool header_whole(const struct wal *w)
{
	const unsigned char *h = w->header;
	uint32_t page = be32(h + 8);

	return (be32(h) | 1) == (MAGIC | 1) && page >= PAGE_MIN &&
		page <= PAGE_MAX && (page & (page - 1)) == 0 &&
		same(add((struct sum){0, 0}, h[3] & 1, h, 24), stored(h + 24));
}

/* 1: whole or mended; 0: torn, or none of SQLite's. */
static int check_header(struct wal *w, struct err *err)
{
	if (header_whole(w))
		return 1;
	for (size_t bit = 0; bit < (size_t)HEADER * 8; bit++) {
		unsigned char *byte = &w->header[bit / 8];

		*byte ^= (unsigned char)(1 << bit % 8);
		if (header_whole(w))
			return mend(w, (int64_t)(bit / 8), byte, err) < 0 ? -1
									  : 1;
		*byte ^= (unsigned char)(1 << bit % 8);
	}
	return 0;
}

/* ---- frames -------------------------------------------------------------------- */

static bool frame_whole(const struct wal *w, struct sum seed)
{
	const unsigned char *f = w->frame;

	if (memcmp(f + 8, w->header + 16, 8) != 0)
		return false;
	seed = add(seed, is_big(w), f, 8);
	seed = add(seed, is_big(w), f + FRAME, w->page);
	return same(seed, stored(f + 16));
}

static int refuse(const struct wal *w, int64_t i, struct err *err)
{
	return err_fail(err, "%s is damaged in frame %lld of %lld: nothing was "
		"changed; restore it, or delete it to go on without what it "
		"alone has", w->path, (long long)i + 1, (long long)w->frames);
}

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
	return p == 0 ? w->frame : w->frame + FRAME + (p - 1) * 8;
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
	miss = add(miss, big, w->frame + FRAME, w->page);
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
		if (read_at(w, place(w, j), head, 4, err) < 0)
			return -1;
		if (be32(head) == number)
			return read_at(w, place(w, j) + FRAME, page, w->page,
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
 * before: most of a page stays as it is. NULL when two are alike. */
static int choose_bit(struct wal *w, int64_t i, const struct suspect *v,
	size_t n, const struct suspect **chosen, struct err *err)
{
	unsigned char *before = xmalloc(w->page);
	size_t best = SIZE_MAX;
	int rc = 0;

	*chosen = NULL;
	for (size_t k = 0; k < n && rc == 0; k++) {
		size_t far;

		w->frame[v[k].byte] ^= v[k].mask;
		rc = page_before(w, i, be32(w->frame), before, err);
		far = distance(w->frame + FRAME, before, w->page);
		w->frame[v[k].byte] ^= v[k].mask;
		if (far == best)
			*chosen = NULL;
		if (far < best) {
			best = far;
			*chosen = &v[k];
		}
	}
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
	int rc = 0;

	if (n > 1)
		rc = choose_bit(w, i, v, n, &chosen, err);
	if (rc == 0 && n && chosen) {
		*at = &w->frame[chosen->byte];
		**at ^= chosen->mask;
		rc = 1;
	} else if (rc == 0 && n) {
		rc = refuse(w, i, err);
	}
	free(v);
	return rc;
}

/* One bit of the frame's salts or of its sum itself, tried in turn. */
static unsigned char *try_bits(struct wal *w, struct sum seed)
{
	for (size_t bit = 8 * 8; bit < FRAME * 8; bit++) {
		unsigned char *at = &w->frame[bit / 8];

		*at ^= (unsigned char)(1 << bit % 8);
		if (frame_whole(w, seed))
			return at;
		*at ^= (unsigned char)(1 << bit % 8);
	}
	return NULL;
}

/* Salts that differ in more than a bit are those of an older log in the same
 * file. 1: mended. */
static int mend_frame(struct wal *w, int64_t i, struct sum seed,
	struct err *err)
{
	unsigned char *at = NULL;

	if (salt_bits(w) <= 1)
		at = try_bits(w, seed);
	if (!at && salt_bits(w) == 0 && turn_bit(w, i, seed, &at, err) < 0)
		return -1;
	if (!at)
		return 0;
	return mend(w, place(w, i) + (at - w->frame), at, err) < 0 ? -1 : 1;
}

/* Frame i is wrong. Frames of this log that go on after a commit behind it
 * are a later transaction: then i was synced, and was right once. */
static int torn_or_damaged(struct wal *w, int64_t i, struct err *err)
{
	struct sum seed = stored(w->frame + 16);
	bool committed = false;

	for (int64_t j = i + 1; j < w->frames; j++) {
		if (read_at(w, place(w, j), w->frame, FRAME + w->page, err) < 0)
			return -1;
		if (frame_whole(w, seed)) {
			if (committed)
				return refuse(w, i, err);
			committed = be32(w->frame + 4) != 0;
		}
		seed = stored(w->frame + 16);
	}
	return 0;
}

static int check_frames(struct wal *w, struct err *err)
{
	struct sum seed = stored(w->header + 24);

	for (int64_t i = 0; i < w->frames; i++) {
		int rc;

		if (read_at(w, place(w, i), w->frame, FRAME + w->page, err) < 0)
			return -1;
		rc = frame_whole(w, seed) ? 1 : mend_frame(w, i, seed, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			return torn_or_damaged(w, i, err);
		seed = stored(w->frame + 16);
	}
	return 0;
}

/* ---- whole --------------------------------------------------------------------- */

static int check(struct wal *w, struct err *err)
{
	struct stat st;
	int rc;

	if (fstat(w->fd, &st) < 0)
		return err_retry(err, "%s: %s", w->path, strerror(errno));
	if (st.st_size < HEADER)
		return 0;
	if (read_at(w, 0, w->header, HEADER, err) < 0)
		return -1;
	rc = check_header(w, err);
	if (rc <= 0)
		return rc;
	w->page = be32(w->header + 8);
	w->frames = (st.st_size - HEADER) / (int64_t)(FRAME + w->page);
	w->frame = xmalloc(FRAME + w->page);
	return check_frames(w, err);
}

int db_wal_check(const char *path, struct err *err)
{
	struct wal w = {.path = xprintf("%s-wal", path), .database = path,
		.database_fd = -1};
	int rc = 0;

	w.fd = open(w.path, O_RDWR | O_CLOEXEC);
	if (w.fd >= 0)
		rc = check(&w, err);
	else if (errno != ENOENT)
		rc = err_retry(err, "%s cannot be opened: %s", w.path,
			strerror(errno));
	if (w.fd >= 0)
		close(w.fd);
	free(w.frame);
	free(w.path);
	return rc;
}
