/*
 * How a process is doing: named conditions with a sentence while they do not
 * hold. Kept by daemon.c, which writes it with the process's metrics to
 * RUN/INSTANCE.status for the `health` command, and hands it on for the
 * loggers. Not thread-safe.
 */
#ifndef PROTO_DAEMON_STATUS_H
#define PROTO_DAEMON_STATUS_H

#include "proto/msg/control.h"

struct status;

struct status *status_new(const char *role, const char *instance);
void status_free(struct status *s);
/* A sentence replaces an older one of the same condition; NULL: it holds. */
void status_set(struct status *s, const char *what, const char *sentence);
/* Fills a zeroed *m; release with field_release(&status_table, m). */
void status_snapshot(struct status *s, int64_t now, struct msg_status *m);

/* RUN/INSTANCE.status, replaced in one step. */
int status_write(const char *run, const struct msg_status *m, struct err *err);
/* The process ends well: nobody is to take its last word for alive. */
void status_remove(const char *run, const char *instance);
/* Prints what the file says of the instance; the exit code: 0 alive and
 * ready, 1 not. now: UTC ms. */
int status_report(const char *run, const char *instance, int64_t now);

#endif
