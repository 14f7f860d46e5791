/*
 * What a receiver verifies a notification by: Standard Webhooks 1.0,
 * "Signature scheme". Secrets are `whsec_` and 24 to 64 bytes in base64; each
 * of a trigger's secrets gives one signature, so that they can be exchanged.
 * Also the fixed headers that a trigger adds: a header that would change how
 * the request is read, or that is ours, is refused. Pure.
 */
#ifndef DEPLOYER_SIGNATURE_H
#define DEPLOYER_SIGNATURE_H

#include "proto/data/conf.h"

#define SIGNATURE_KEY_BYTES 32 /* of a new secret */

/* Faults of the triggers' `secret` and `headers` to errs; conf may have
 * others. */
void signature_check_conf(const struct conf *conf, struct opt_errors *errs);

/* "v1,BASE64 v1,BASE64" over ID.SECONDS.BODY, one for each secret that is
 * well-formed. */
void signature_add(const struct opt_secrets *secrets, const char *id,
	int64_t seconds, struct str body, struct strbuf *out);

/* Is "Name: value" a header that a trigger may add? 0 or -1. */
int signature_check_header(const char *line, struct err *err);

/* The `secret` command: prints a new one. */
int signature_new(const struct conf *conf, int argc, char **argv);

#endif
