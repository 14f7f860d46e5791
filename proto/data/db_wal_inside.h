/*
 * The inside of db_wal.h: one log as it is looked through, for db_wal.c, which
 * goes from frame to frame, and db_wal_bits.c, which mends one.
 */
#ifndef PROTO_DATA_DB_WAL_INSIDE_H
#define PROTO_DATA_DB_WAL_INSIDE_H

#include "proto/base/err.h"

#define WAL_HEADER 32
#define WAL_FRAME 24 /* a frame's header; a page follows */

struct sum {
	uint32_t a, b;
};

struct wal {
	char *path;
	const char *database;
	int fd, database_fd; /* the second: -1 until it is asked for */
	unsigned char header[WAL_HEADER];
	unsigned char *frame; /* WAL_FRAME + page */
	size_t page;
	int64_t frames; /* whole ones in the file */
	int mended;
};

static inline uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3];
}

static inline uint32_t le32(const unsigned char *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 |
		(uint32_t)p[1] << 8 | p[0];
}

static inline struct sum add(struct sum s, bool big, const unsigned char *p,
	size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		s.a += (big ? be32(p + i) : le32(p + i)) + s.b;
		s.b += (big ? be32(p + i + 4) : le32(p + i + 4)) + s.a;
	}
	return s;
}

static inline struct sum stored(const unsigned char *p)
{
	return (struct sum){be32(p), be32(p + 4)};
}

static inline bool same(struct sum x, struct sum y)
{
	return x.a == y.a && x.b == y.b;
}

static inline bool is_big(const struct wal *w)
{
	return w->header[3] & 1;
}

static inline int64_t place(const struct wal *w, int64_t i)
{
	return WAL_HEADER + i * (int64_t)(WAL_FRAME + w->page);
}

int db_wal_read(const struct wal *w, int64_t at, unsigned char *p, size_t n,
	struct err *err) MUST_CHECK;
/* The right byte is on the disk before SQLite trusts what follows it. */
int db_wal_mend(struct wal *w, int64_t at, const unsigned char *byte,
	struct err *err) MUST_CHECK;
/* Is what w->frame holds as it was written? seed: the sum before it. */
bool db_wal_whole(const struct wal *w, struct sum seed);
/* Frame i cannot be put right: -1 with the sentence. */
int db_wal_refuse(const struct wal *w, int64_t i, struct err *err);

/* Frame i is wrong, and in w->frame. 1: by one bit, and mended; 0: not by one
 * bit, or it is of an older log in the same file; -1. */
int db_wal_bits_mend(struct wal *w, int64_t i, struct sum seed, struct err *err)
	MUST_CHECK;

#endif
