/*
 * SQLite's write-ahead log, looked at before SQLite opens it. SQLite takes the
 * first frame whose checksum is wrong for the end of the log and forgets what
 * follows without a word: right for the torn end that a power loss leaves,
 * wrong when an older bit has turned over. So:
 *
 *   - one wrong bit is found by the checksum and put right, and told. The
 *     sum is weak: several bits may fit. Whether it is one of the sum itself,
 *     the next frame knows, which begins with it; else the bit that leaves the
 *     page most like it was is taken, so what must not change unseen has a
 *     checksum of its own above this; where none is likelier, it is refused,
 *     unless it was never synced: the page is as it was before, or the frame
 *     that would end its transaction is not there;
 *   - a wrong frame with a later transaction behind it cannot be a torn end
 *     (each is synced before the next begins): refused, nothing is changed;
 *   - anything else is a torn end, and left to SQLite.
 *
 * Format: "The SQLite Database File Format", section 4, the WAL-index aside.
 */
#ifndef PROTO_DATA_DB_WAL_H
#define PROTO_DATA_DB_WAL_H

#include "proto/base/err.h"

/* path: of the database. 0: SQLite may open it; -1 with a sentence. */
int db_wal_check(const char *path, struct err *err);

#endif
