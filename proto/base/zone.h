/*
 * Time zones: which offset a place has at an instant, from the system's TZif
 * files (RFC 8536, versions 1 to 4; /usr/share/zoneinfo, Debian's tzdata) and
 * the POSIX rule that ends them. Nothing of the process is asked or changed:
 * not TZ, not tzset(). A zone is immutable; any thread. Leap seconds are left
 * out, as the system's clock does.
 */
#ifndef PROTO_BASE_ZONE_H
#define PROTO_BASE_ZONE_H

#include "proto/base/err.h"
#include "proto/base/str.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"

struct zone; /* opaque */

/* "Europe/Berlin", from a file of that name in folder. NULL with err. */
struct zone *zone_load(const char *folder, const char *name, struct err *err)
	MUST_CHECK;
/* The bytes of a TZif file. NULL with err. */
struct zone *zone_parse(struct str bytes, struct err *err) MUST_CHECK;
void zone_free(struct zone *z); /* NULL is fine */

/* Seconds east of UTC at this instant (seconds since the epoch, UTC). */
int64_t zone_offset(const struct zone *z, int64_t utc);

/*
 * The instant at which clocks there show this local time (seconds, as if the
 * place were in UTC). A time that they skip is the instant of the skip; of one
 * that they show twice it is the first, or with late the second instant.
 */
int64_t zone_instant(const struct zone *z, int64_t local, bool late);

#endif
