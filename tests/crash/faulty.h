/*
 * The calls by which files are read and changed, made to fail: linked into a
 * program (stores.c), or preloaded into a running daemon, whose test says
 * through shared memory what fails from now on (faulty_preload.c).
 */
#ifndef TESTS_CRASH_FAULTY_H
#define TESTS_CRASH_FAULTY_H

#include <stdbool.h>
#include <stdint.h>

enum faulty_call {
	FAULTY_WRITE = 1,
	FAULTY_SYNC = 2,
	FAULTY_TRUNCATE = 4,
	FAULTY_OPEN = 8,
	FAULTY_READ = 16,
	FAULTY_UNLINK = 32,
	FAULTY_RENAME = 64,
	FAULTY_SHORT = 128, /* a read gets half of what is there, no error */
	FAULTY_TORN = 256,  /* a write writes half, then fails */
};

/* test_disk.py lays it out as "=IiqqqQ". */
struct faulty {
	uint32_t calls; /* enum faulty_call; 0: nothing fails */
	int32_t error;	/* errno */
	int64_t at;	/* the first one that fails, from 1 */
	int64_t upto;	/* the last one */
	int64_t seen;	/* such calls since it was armed */
	uint64_t hits;	/* those that failed */
};

/* Files below dir only. The state stays the caller's. */
void faulty_use(struct faulty *state, const char *dir);

#endif
