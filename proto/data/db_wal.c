#include "proto/data/db_wal.h"

#include "proto/data/db_wal_inside.h"

#include "proto/base/log.h"
#include "proto/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x377f0682u /* its last bit: sums are over big-endian words */
#define FORMAT 3007000u
#define PAGE_MIN 512u
#define PAGE_MAX 65536u

int db_wal_read(const struct wal *w, int64_t at, unsigned char *p, size_t n,
	struct err *err)
{
	if (pread(w->fd, p, n, at) == (ssize_t)n)
		return 0;
	return err_retry(err, "%s cannot be read: %s", w->path,
		strerror(errno));
}

/* The right byte is on the disk before SQLite trusts what follows it. */
int db_wal_mend(struct wal *w, int64_t at, const unsigned char *byte,
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

	return (be32(h) | 1) == (MAGIC | 1) && be32(h + 4) == FORMAT &&
		page >= PAGE_MIN && page <= PAGE_MAX && (page & (page - 1)) == 0 &&
		same(add((struct sum){0, 0}, h[3] & 1, h, 24), stored(h + 24));
}

/* The first frame has the header's salts and begins with its sum. */
static bool first_frame_follows(struct wal *w)
{
	size_t n = WAL_FRAME + (w->page = be32(w->header + 8));
	bool follows;

	w->frame = xmalloc(n);
	follows = pread(w->fd, w->frame, n, WAL_HEADER) == (ssize_t)n &&
		db_wal_whole(w, stored(w->header + 24));
	free(w->frame);
	w->frame = NULL;
	return follows;
}

/* 1: whole or mended; 0: torn, or none of SQLite's. Of several bits that fit
 * the sum the first frame knows which it is. */
static int check_header(struct wal *w, struct err *err)
{
	size_t fits = 0, at = 0;

	if (header_whole(w))
		return 1;
	for (size_t bit = 0; bit < (size_t)WAL_HEADER * 8; bit++) {
		unsigned char *byte = &w->header[bit / 8], was = *byte;

		*byte ^= (unsigned char)(1 << bit % 8);
		if (header_whole(w) && (fits == 0 || first_frame_follows(w))) {
			fits++;
			at = bit;
		}
		*byte = was;
	}
	if (fits == 0)
		return 0;
	w->header[at / 8] ^= (unsigned char)(1 << at % 8);
	return db_wal_mend(w, (int64_t)(at / 8), &w->header[at / 8], err) < 0 ?
		-1 : 1;
}

/* ---- frames -------------------------------------------------------------------- */

bool db_wal_whole(const struct wal *w, struct sum seed)
{
	const unsigned char *f = w->frame;

	if (memcmp(f + 8, w->header + 16, 8) != 0)
		return false;
	seed = add(seed, is_big(w), f, 8);
	seed = add(seed, is_big(w), f + WAL_FRAME, w->page);
	return same(seed, stored(f + 16));
}

int db_wal_refuse(const struct wal *w, int64_t i, struct err *err)
{
	return err_fail(err, "%s is damaged in frame %lld of %lld: nothing was "
		"changed; restore it, or go on without what it has from there "
		"on: truncate -s %lld '%s'", w->path, (long long)i + 1,
		(long long)w->frames, (long long)place(w, i), w->path);
}

/* Frame i is wrong. Frames of this log that go on after a commit behind it
 * are a later transaction: then i was synced, and was right once. */
static int torn_or_damaged(struct wal *w, int64_t i, struct err *err)
{
	struct sum seed = stored(w->frame + 16);
	bool committed = false;

	for (int64_t j = i + 1; j < w->frames; j++) {
		if (db_wal_read(w, place(w, j), w->frame, WAL_FRAME + w->page, err) < 0)
			return -1;
		if (db_wal_whole(w, seed)) {
			if (committed)
				return db_wal_refuse(w, i, err);
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

		if (db_wal_read(w, place(w, i), w->frame, WAL_FRAME + w->page, err) < 0)
			return -1;
		rc = db_wal_whole(w, seed) ? 1 : db_wal_bits_mend(w, i, seed, err);
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
	if (st.st_size < WAL_HEADER)
		return 0;
	if (db_wal_read(w, 0, w->header, WAL_HEADER, err) < 0)
		return -1;
	rc = check_header(w, err);
	if (rc <= 0)
		return rc;
	w->page = be32(w->header + 8);
	w->frames = (st.st_size - WAL_HEADER) / (int64_t)(WAL_FRAME + w->page);
	w->frame = xmalloc(WAL_FRAME + w->page);
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
