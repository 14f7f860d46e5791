/*
 * A changed configuration is read again: when its file, a file of triggers.d,
 * a file of a secret or a link on the way to them changes, and on SIGHUP. It is
 * read and checked on a thread of its own, whole; only one without fault is
 * handed on. One with faults changes nothing, and all its faults are logged,
 * once for each state of the files.
 */
#ifndef PROTO_DAEMON_RELOAD_H
#define PROTO_DAEMON_RELOAD_H

#include "proto/data/conf.h"
#include "proto/io/loop.h"

struct reload;

struct reload_spec {
	const char *path;
	const struct conf *running; /* what the process started with */
	void (*check)(const struct conf *conf, struct opt_errors *errs);
	/* Takes it, or says why not: then nothing changed. Borrowed for the
	 * call; conf_ref() keeps it. */
	int (*take)(void *ctx, struct conf *conf, struct err *err);
	void *ctx;
};

/* Without inotify only SIGHUP tells; that is logged. */
struct reload *reload_new(struct loop *l, const struct reload_spec *spec);
void reload_free(struct reload *r); /* NULL is fine */
/* Asked to (SIGHUP): also when nothing seems to have changed. */
void reload_now(struct reload *r);

#endif
