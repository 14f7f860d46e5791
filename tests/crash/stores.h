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

/* faulty.c: the calls by which a file is changed, made to fail. */
struct fault {
	const char *call; /* write sync truncate open */
	int error;        /* errno */
	long at;          /* which call of this kind, from 1 */
	bool lasts;       /* and all after it */
};

/* Files below dir only; NULL: no more. */
void faulty_arm(const struct fault *f, const char *dir);
bool faulty_hit(void);

#endif
