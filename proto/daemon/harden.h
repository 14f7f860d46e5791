/*
 * What a daemon gives up for good before it starts anything: core dumps and
 * looks into its memory, gains of rights, and the system calls that no daemon
 * makes but an intruder would: other programs, other processes' memory, kernel
 * modules, mounts, namespaces, memory that is written and run. By seccomp; the
 * kernel ends a process that tries. Once, before any thread.
 */
#ifndef PROTO_DAEMON_HARDEN_H
#define PROTO_DAEMON_HARDEN_H

#include "proto/base/base.h"

/* runs_programs: this daemon starts some (credential helpers), which then
 * live under the same rules. */
void harden(bool runs_programs);

#endif
