/*
 * The links' key pairs (CURVE, ZeroMQ RFC 26), one for each role: a folder
 * with ROLE.key (the secret, mode 0600) and ROLE.pub, each one line of Z85
 * (RFC 32). A machine needs the secrets of the roles that run on it and the
 * public keys of all.
 */
#ifndef PROTO_IO_KEYS_H
#define PROTO_IO_KEYS_H

#include "proto/base/err.h"

#define KEYS_TEXT 41 /* Z85 of 32 bytes, with the NUL */

/* "ingress", "matcher", "deployer", "logger", NULL */
extern const char *const keys_roles[];

/* Makes what is missing in folder (and the folder), never changes a key that
 * is there. 0 or -1. */
int keys_generate(const char *folder, struct err *err);
/* ROLE.pub; 0 or -1 with the file named. */
int keys_public(const char *folder, const char *role, char key[KEYS_TEXT],
	struct err *err);
/* ROLE.key, and the public key that belongs to it. The caller wipes secret. */
int keys_secret(const char *folder, const char *role, char secret[KEYS_TEXT],
	char public[KEYS_TEXT], struct err *err);

#endif
