/*
 * Has a file changed? Over inotify, on the loop. A file is watched by its name
 * in its folder, so renames onto it and links that turn elsewhere are seen as
 * well as writes. A change is told once nothing more has come for a while, and
 * not while somebody has the file open for writing and still writes.
 */
#ifndef PROTO_IO_WATCH_H
#define PROTO_IO_WATCH_H

#include "proto/io/loop.h"

struct watch;

/* fn on the loop after each change, settle_ms after its last sign. NULL with
 * err when the kernel has no watch left. */
struct watch *watch_new(struct loop *l, int64_t settle_ms,
	void (*fn)(void *ctx), void *ctx, struct err *err);
void watch_free(struct watch *w); /* NULL is fine */

/* Forgets what was watched. */
void watch_clear(struct watch *w);
/* Entries of the folder: those of this name, or all when name is NULL. A
 * folder that is not there is not watched. */
void watch_add(struct watch *w, const char *folder, const char *name);
/* A file: by its name, by that of what its links lead to now, and beside each
 * by "..data", the link that a Kubernetes volume turns. */
void watch_file(struct watch *w, const char *path);

#endif
