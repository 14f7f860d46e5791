/*
 * PostgreSQL behind the few things we need: a connection that notices when
 * its peer is gone, statements with their rows one by one, and a transaction
 * sent as one pipeline, which costs one round trip.
 *
 * A connection is used by one thread at a time. After an error, ask pg_lost():
 * a lost one is good for nothing but pg_close(). No error shows a password:
 * neither one of the URL nor one given beside it.
 */
#ifndef PROTO_DATA_PG_H
#define PROTO_DATA_PG_H

#include <stdatomic.h>

#include "proto/base/err.h"
#include "proto/base/secret.h"

struct pg;

struct pg_config {
	const char *url; /* postgresql://USER:PASSWORD@HOST/DATABASE?… */
	const struct secret *password; /* goes before the URL's; NULL: none */
	bool readonly;
	/* Of a statement, by the server; one that says nothing for 3 s more is
	 * given up. 0: none. */
	int64_t limit_ms;
	/* Once true, no answer is waited for longer than 3 s, where there is a
	 * limit, and no connection at all; NULL: never. It outlives the
	 * connection. */
	const atomic_bool *ending;
	int64_t connect_ms; /* to connect, all addresses together; 0: no limit */
};

/* Is it a URL as libpq reads them? */
bool pg_url_valid(const char *url);
/* NULL with err, ERR_RETRY when the server is away or refuses us now, ERR_FAIL
 * when it is not one that we can use. Takes 5 s for each address at most; a
 * connection that is given up before goes on trying on a thread of its own,
 * and is closed by it. */
struct pg *pg_open(const struct pg_config *c, struct err *err);
void pg_close(struct pg *p); /* NULL is fine */
bool pg_lost(const struct pg *p);

/* Statements without parameters and rows, perhaps several. */
int pg_exec(struct pg *p, const char *sql, struct err *err) MUST_CHECK;

/* A row; borrowed for the call. Texts; NULL is null. */
struct pg_row;
const char *pg_str(const struct pg_row *r, int column);
int64_t pg_i64(const struct pg_row *r, int column); /* 0 for null */
bool pg_bool(const struct pg_row *r, int column);
/* Nonzero ends the query. */
typedef int pg_row_fn(void *ctx, const struct pg_row *r);

struct pg_statement {
	const char *sql; /* parameters are $1, $2, … */
	const char *name; /* prepared once under this name; NULL: not */
	const char *const *params; /* texts; NULL: null */
	int n_params;
	pg_row_fn *row; /* NULL: its rows are not looked at */
	void *ctx;
};

/* How many rows were given, or -1. */
int pg_query(struct pg *p, const struct pg_statement *s, struct err *err)
	MUST_CHECK;
/* All of them between BEGIN and COMMIT, in one round trip. 0: committed; -1:
 * not, or it is not known; the connection is lost then. */
int pg_transact(struct pg *p, const struct pg_statement *s, size_t n,
	struct err *err) MUST_CHECK;

#endif
