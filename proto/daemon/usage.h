/*
 * What this process is and uses, as metrics: version, start, processor time,
 * memory, open descriptors. From getrusage(2) and /proc/self.
 */
#ifndef PROTO_DAEMON_USAGE_H
#define PROTO_DAEMON_USAGE_H

/* Looks and sets them; from one thread. */
void usage_update(void);

#endif
