/*
 * Versions that jobs tell (JOB.version), for `newer_only`: `semver 1.4.0-rc.1`,
 * or `groups 1/4/12`, compared part by part, digits as numbers of any length.
 * Pure.
 */
#ifndef DEPLOYER_VERSION_H
#define DEPLOYER_VERSION_H

#include "proto/base/str.h"

/* *order is below zero, zero or above, as a is before, with or after b. -1
 * when they cannot be compared: of two kinds, or one is no version. */
int version_compare(const char *a, const char *b, int *order) MUST_CHECK;

#endif
