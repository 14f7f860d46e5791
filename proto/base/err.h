/*
 * The one error value. A function that can fail for a reason of the world
 * returns 0 or -1 and fills the caller's struct err; the text is a sentence
 * without a final stop, fit for a row of the access log.
 */
#ifndef PROTO_BASE_ERR_H
#define PROTO_BASE_ERR_H

#include "proto/base/base.h"

enum err_class {
	ERR_NONE = 0,
	ERR_RETRY, /* the same call may work later: network, disk, engine down */
	ERR_FAIL,  /* it will not: bad input, refused, not found */
};

struct err {
	enum err_class cls;
	int code; /* HTTP status, errno or 0, as the callee's header says */
	char text[512];
};

/* Fill *err (which may be NULL) and return -1, for `return err_fail(...)`. */
int err_fail(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
int err_retry(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
int err_set(struct err *err, enum err_class cls, int code, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* Puts "context: " before the text; returns -1. */
int err_prefix(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
void err_clear(struct err *err);

#endif
