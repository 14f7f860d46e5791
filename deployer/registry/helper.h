/*
 * Runs a program of the machine's owner and reads what it prints: no shell, no
 * descriptor but its own three, a limit on time and output. It and all it
 * started in its process group are killed at the limit.
 */
#ifndef DEPLOYER_HELPER_H
#define DEPLOYER_HELPER_H

#include "proto/base/err.h"
#include "proto/base/strbuf.h"

struct helper {
	const char *const *argv; /* looked up in PATH; NULL at the end */
	struct str input;	 /* written to its standard input */
	int64_t limit_ms;
	size_t max; /* bytes of output */
};

/* 0 when it ran: *status is its exit status (128 + a signal's number), out
 * what it printed on standard output; standard error is ours. -1: it could not
 * be started (err->code is the errno), or was killed at a limit (ETIME,
 * EMSGSIZE). */
int helper_run(const struct helper *h, struct strbuf *out, int *status,
	struct err *err);

#endif
