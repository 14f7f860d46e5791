/*
 * What every main needs: options, the configuration, -n, signals, readiness,
 * drain and exit codes. A main hands its table to daemon_main() and only
 * assembles.
 *
 *   pullwire-X [-c FILE] [-n] [-h] [-V] [COMMAND [ARG…]]
 *
 * Exit codes: 0 done; 1 the environment does not let it run; 2 the command
 * line or the configuration is wrong (each fault on stderr, nothing started).
 * SIGTERM and SIGINT drain for at most 9 s, then exit 0; a second one ends it.
 */
#ifndef PROTO_DAEMON_DAEMON_H
#define PROTO_DAEMON_DAEMON_H

#include "proto/data/conf.h"
#include "proto/io/loop.h"

struct daemon;

/* Of the configuration, what a command needs. */
enum daemon_conf {
	CONF_NONE,
	CONF_STANDING, /* conf_load_standing(): to look at a running daemon */
	CONF_WHOLE,
};

struct daemon_command {
	const char *name;
	const char *usage; /* "check FILE" */
	const char *help;
	enum daemon_conf needs; /* loaded before run */
	/* conf is NULL unless needed. Returns the exit code. */
	int (*run)(const struct conf *conf, int argc, char **argv);
	bool explains; /* says itself what `-h` asks; conf is NULL then */
};

struct daemon_spec {
	const char *role; /* "ingress" */
	const char *about; /* one line for -h */
	const struct daemon_command *commands;
	size_t n_commands;
	bool runs_programs; /* as a daemon (harden.h) */
	/* What only this daemon can check of the configuration; adds errors.
	 * Also sees one with faults (conf_load_checked). */
	void (*check)(const struct conf *conf, struct opt_errors *errs);
	/* Starts everything; the state is handed to the other two. NULL with
	 * err ends the program with 1. */
	void *(*start)(struct daemon *d, const struct conf *conf,
		struct err *err);
	/* A changed configuration without faults, checked as at the start
	 * (reload.h): take it, or say why not and go on as before. Borrowed
	 * for the call; conf_ref() keeps it. NULL: this daemon reads its
	 * configuration once. The one of start stays valid until stop. */
	int (*reload)(void *state, struct conf *conf, struct err *err);
	/* Stop taking work; call daemon_drained() when nothing is left. */
	void (*drain)(void *state);
	void (*stop)(void *state); /* the mirror of start */
};

int daemon_main(const struct daemon_spec *spec, int argc, char **argv);

/* For start: the loop, and the name of this process among its role:
 * PULLWIRE_INSTANCE, else ROLE@HOSTNAME. */
struct loop *daemon_loop(struct daemon *d);
const char *daemon_instance(const struct daemon *d);
void daemon_drained(struct daemon *d);

/*
 * Readiness: named conditions, each with a sentence while it does not hold.
 * Written to RUN/INSTANCE.status every second, which the `health` command
 * of each program reads (exit 0 or 1), and handed to on_status for the
 * loggers.
 */
void daemon_not_ready(struct daemon *d, const char *what, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
void daemon_ready(struct daemon *d, const char *what);
struct msg_status;
void daemon_on_status(struct daemon *d,
	void (*fn)(void *ctx, const struct msg_status *status), void *ctx);

/* Called on SIGHUP, before the configuration is read again: what else is to
 * be read anew. One only. */
void daemon_on_hangup(struct daemon *d, void (*fn)(void *ctx), void *ctx);

#endif
