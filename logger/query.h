/*
 * What is asked of the access log: filters and a page. From URL parameters or
 * a command line; no SQL, no HTTP. Strings are copied; release when done.
 */
#ifndef LOGGER_QUERY_H
#define LOGGER_QUERY_H

#include "proto/base/err.h"
#include "proto/base/str.h"

#define QUERY_LIMIT_DEFAULT 50
#define QUERY_LIMIT_MAX 500

struct query {
	char *trigger, *repository, *tag, *status, *event; /* NULL: any */
	int64_t since, until; /* UTC ms, since inclusive; 0: open */
	int64_t limit;        /* rows of the page */
	int64_t after;  /* newest first: rows older than this cursor; 0: none */
	bool oldest_first; /* then after means: rows newer than the cursor */
};

void query_init(struct query *q);
/* One parameter; now (UTC ms) is what "since=2h" counts back from. -1 names
 * the parameter and says what it takes; unknown ones are refused. */
int query_set(struct query *q, const char *key, const char *value,
	int64_t now, struct err *err);
void query_release(struct query *q);

#endif
