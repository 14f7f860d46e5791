/*
 * Named failure points, in builds with FAIL=1 only; elsewhere they compile to
 * nothing. The environment says what happens at one:
 *   PULLWIRE_FAIL=NAME:ACTION[,NAME:ACTION…]
 *   kill    raise SIGKILL here, once (PULLWIRE_FAIL_DIR/NAME.hit marks it)
 *   pause   create PULLWIRE_FAIL_DIR/NAME.hit, then sleep until NAME.go
 *           exists there; once
 *   error   FAIL_POINT() is true: the caller takes its error path
 *   die     raise SIGKILL here, each time
 * FAIL_POINT_OF(NAME, WHAT) is a point of each WHAT: NAME.WHAT.
 */
#ifndef PROTO_BASE_FAIL_H
#define PROTO_BASE_FAIL_H

#include "proto/base/base.h"

#ifdef PULLWIRE_FAIL_POINTS
bool fail_point(const char *name);
bool fail_point_of(const char *name, const char *what);
#define FAIL_POINT(name) fail_point(name)
#define FAIL_POINT_OF(name, what) fail_point_of(name, what)
#else
#define FAIL_POINT(name) false
#define FAIL_POINT_OF(name, what) false
#endif

#endif
