/*
 * What is asked of the access log: filters, an order and a page. From URL
 * parameters or a command line; no SQL, no HTTP. Strings are copied; release
 * when done.
 */
#ifndef LOGGER_QUERY_H
#define LOGGER_QUERY_H

#include "proto/base/err.h"
#include "proto/base/str.h"
#include "proto/msg/record.h"

#define QUERY_LIMIT_DEFAULT 50
#define QUERY_LIMIT_MAX 500

/* A row's place: its time, and among rows of one time its place in the order
 * of storing, from 1. Rows keep their place; seq 0 is none. */
struct query_cursor {
	int64_t time, seq;
};

enum query_order {
	QUERY_NEWEST_FIRST, /* the newest rows older than the cursor */
	QUERY_OLDEST_FIRST, /* the same rows, turned round */
	QUERY_FROM_OLDEST,  /* the oldest rows newer than the cursor */
	QUERY_AS_STORED,    /* the first rows stored after cursor.seq, whatever
			       their time: to follow the log */
};

struct query {
	char *trigger, *repository, *tag, *status, *event; /* NULL: any */
	int64_t since, until; /* UTC ms, since <= time < until; 0: open */
	int64_t limit;        /* rows at most */
	struct query_cursor after;
	enum query_order order;
};

void query_init(struct query *q);
/* One parameter; now (UTC ms) is what "since=2h" counts back from. -1 names
 * the parameter and says what it takes; unknown ones are refused. */
int query_set(struct query *q, const char *key, const char *value,
	int64_t now, struct err *err);
/* Would the row be an answer? Filters and times; not cursor and limit. */
bool query_matches(const struct query *q, const struct record *r);
void query_release(struct query *q);

#define QUERY_CURSOR_LEN 48
/* The text that "after" takes; returns buf. */
char *query_cursor(const struct query_cursor *at, char buf[QUERY_CURSOR_LEN]);

#endif
