/*
 * Jobs between their delivery and their commit, as the next process finds
 * them: one that kills this one there comes again from its matcher, to kill the
 * next. So each is noted in STATE/arriving before anything is done with it,
 * and counted when a process begins that finds it there. Who is noted may have
 * been beside the one that killed: it is taken alone from then on, and its
 * count is gone when it survives. At ARRIVING_PARK it is to end with a row
 * that says so; where even that kills, it is not touched any more.
 *
 * A note survives the process, not the machine: nothing is fsynced. Where the
 * file cannot be had, which is logged, nobody is counted.
 */
#ifndef DEPLOYER_ARRIVING_H
#define DEPLOYER_ARRIVING_H

#include "proto/base/base.h"

#define ARRIVING_PARK 5u
#define ARRIVING_LEAVE 10u
#define ARRIVING_MAX 1024 /* at once */

struct arriving; /* opaque */

enum arriving_answer {
	ARRIVING_GO,     /* noted; arriving_end() is due */
	ARRIVING_ENDS,   /* noted, too; it is to end with a row */
	ARRIVING_LATER,  /* another one is alone, or it is to be; not noted */
	ARRIVING_LEFT,   /* not touched any more; not noted */
};

/* folder: the state's. now: UTC ms; older notes than a week are dropped. */
struct arriving *arriving_open(const char *folder, int64_t now);
void arriving_close(struct arriving *a); /* NULL is fine; notes stay */
/* now: UTC ms, mono: ms. *deaths: processes that died of it in a row. */
enum arriving_answer arriving_begin(struct arriving *a, const char *id,
	int64_t now, int64_t mono, unsigned *deaths) MUST_CHECK;
/* It is on disk, or given back. */
void arriving_end(struct arriving *a, const char *id);

#endif
