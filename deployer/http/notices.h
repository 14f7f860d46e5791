/*
 * Notices from the store to who posts them: the deployers of
 * deployer.notices, over a link of our own, or our own queue when lane http is
 * ours. Each is deleted once it is on disk there. What a crash leaves is sent
 * again; it is the same job, so it is done once. One that nobody takes and
 * whose receiver has left the configuration is dropped, logged and counted,
 * when it is a day old: the configuration may come back.
 */
#ifndef DEPLOYER_NOTICES_H
#define DEPLOYER_NOTICES_H

#include "deployer/deployer.h"

struct notices;

/* NULL with err. After the intake. */
struct notices *notices_open(struct deployer *d, struct err *err);
void notices_close(struct notices *n); /* NULL is fine */
/* There may be new ones. NULL is fine. */
void notices_pump(struct notices *n);
/* Every second: looks at some of those that there were at the last
 * notices_prune(), which is called every hour. NULL is fine. */
void notices_tick(struct notices *n);
void notices_prune(struct notices *n, int64_t now); /* UTC ms */

#endif
