/*
 * What pg.c and pg_connect.c share. Only file with libpq-fe.h, for these two.
 */
#ifndef PROTO_DATA_PG_INSIDE_H
#define PROTO_DATA_PG_INSIDE_H

#include "proto/data/pg.h"

#include <libpq-fe.h>

#include "proto/base/mem.h"
#include "proto/base/vec.h"

#define PG_LOOK_MS 200 /* between two looks whether the process ends */

struct pg {
	PGconn *c;
	bool lost;
	int64_t limit;    /* ms: of a statement; 0: none */
	int64_t deadline; /* mono ms, of the one under way */
	const atomic_bool *ending;
	VEC(const char *) prepared; /* names: literals */
};

/* -1 with what libpq says of the result, or of the connection (NULL). */
int pg_fault(struct pg *p, const PGresult *result, struct err *err);
bool pg_is_ending(const atomic_bool *ending); /* NULL: never */

#endif
