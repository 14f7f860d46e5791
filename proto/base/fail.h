/*
 * Named failure points, in builds with FAIL=1 only; elsewhere they compile to
 * nothing. The environment says what happens at one:
 *   PULLWIRE_FAIL=NAME:ACTION[,NAME:ACTION…]
 *   kill    raise SIGKILL here, once (PULLWIRE_FAIL_DIR/NAME.hit marks it)
 *   pause   create PULLWIRE_FAIL_DIR/NAME.hit, then sleep until NAME.go
 *           exists there; once
 *   error   FAIL_POINT() is true: the caller takes its error path
 */
#ifndef PROTO_BASE_FAIL_H
#define PROTO_BASE_FAIL_H

#include "proto/base/base.h"

#ifdef PULLWIRE_FAIL_POINTS
bool fail_point(const char *name);
#define FAIL_POINT(name) fail_point(name)
#else
#define FAIL_POINT(name) false
#endif

#endif
