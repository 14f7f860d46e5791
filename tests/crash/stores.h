/*
 * A store of one daemon, opened by that daemon's own code, for stores.c: the
 * spool of ingress, the queue of a deployer, the access log. One program for
 * each, because daemons' objects do not link together.
 */
#ifndef TESTS_CRASH_STORES_H
#define TESTS_CRASH_STORES_H

#include "proto/base/err.h"
#include "proto/base/mem.h"

struct kind {
	/* As at the daemon's start; NULL with err when it would not start. */
	void *(*open)(const char *dir, struct err *err);
	void (*close)(void *store);
	/* Item i; 0 when the daemon would acknowledge it now. */
	int (*put)(void *store, int i, struct err *err);
	/* Everything that is there: what (pending, done, damaged, final…) and
	 * whose. 0 or -1. */
	int (*list)(void *store,
		void (*found)(void *ctx, const char *what, const char *id),
		void *ctx, struct err *err);
};

extern const struct kind kind; /* of this program */

#define STORES_ID "01890000-0000-7000-8000-%012x" /* item i's event */

/* stores_files.c */
#define STORES_AGED 60 /* items of a store that stores_prepare() makes */

struct stores_file {
	char *name, *bytes;
	size_t n;
};

/* An empty folder. */
void stores_clear(const char *dir);
/* A store with STORES_AGED items that is not closed, half of them in the log:
 * how many files it has, at most four; free with stores_free(). */
size_t stores_prepare(const char *dir, struct stores_file *files);
void stores_free(struct stores_file *files, size_t n);
/* Nothing but these. */
void stores_lay(const char *dir, const struct stores_file *files, size_t n);

#endif
