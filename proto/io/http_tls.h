/*
 * TLS for http_server.c: 1.2 and 1.3, with a certificate that is read again
 * when its file or its key's changes, and what a client's certificate proves.
 * A new certificate serves new connections; one that is no good is logged once
 * and changes nothing. Over GnuTLS, the library that libmicrohttpd speaks TLS
 * with; its headers are in http_tls_material.h only.
 */
#ifndef PROTO_IO_HTTP_TLS_H
#define PROTO_IO_HTTP_TLS_H

#include "proto/base/err.h"
#include "proto/base/str.h"
#include "proto/io/loop.h"

struct http_tls;

/* Files in PEM: the certificate and those between it and the root, its key,
 * and the authorities that vouch for clients (NULL: none do). */
struct http_tls_files {
	const char *cert, *key, *client_ca;
};

/* What is wrong with the files: 0, or -1 with a sentence that names one. */
int http_tls_check(const struct http_tls_files *files, struct err *err);

/* The public key of the certificate, as http_call.tls_pin has it. */
#define HTTP_TLS_PIN_LEN 64
int http_tls_pin(const char *cert, char pin[HTTP_TLS_PIN_LEN], struct err *err);

/* Copies files, and watches them on the loop (NULL: reads them once). NULL
 * with err when they are no good; one that has expired is, with a warning. */
struct http_tls *http_tls_open(struct loop *loop,
	const struct http_tls_files *files, struct err *err);
/* After the server that uses it has stopped. NULL is fine. */
void http_tls_close(struct http_tls *t);
/* Reads the files again now (SIGHUP). Loop thread. */
void http_tls_reload(struct http_tls *t);
/* Are clients asked for a certificate? They need not have one. At first only
 * when there is a client_ca. Any thread. */
void http_tls_ask(struct http_tls *t, bool ask);

/* ---- for http_server.c and http_peer.c only -------------------------------- */

struct gnutls_session_int;

/* Ciphers and versions, as MHD_OPTION_HTTPS_PRIORITIES takes them; and what
 * MHD_OPTION_HTTPS_CERT_CALLBACK2 takes. */
extern const char http_tls_priorities[];
extern void (*const http_tls_certificate)(void);

/* What a session knows of its server. shaken: its handshake is done. It may
 * be told so again; on a thread of the server. */
struct http_tls_session {
	struct http_tls *tls;
	void (*shaken)(void *ctx);
	void *ctx;
};

/* Of a new session, before its handshake; *s outlives it. */
void http_tls_begin(struct http_tls_session *s,
	struct gnutls_session_int *session);
/*
 * What the client's certificate proves, by fn: first "sha256:HEX" of the
 * certificate itself, then, if client_ca vouches for it, each of its names:
 * the subject's common name, DNS names, e-mail addresses and URIs. Nothing
 * for a client without one, and for one that is not valid at this time.
 */
void http_tls_identify(struct http_tls *t, struct gnutls_session_int *session,
	void (*fn)(void *ctx, struct str name), void *ctx);

#endif
