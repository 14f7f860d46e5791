/*
 * What the files of a TLS server say at one time: certificate, key, and who
 * vouches for clients. Read whole or not at all. For http_tls.c, which keeps
 * the ones in force; the two share GnuTLS's headers.
 */
#ifndef PROTO_IO_HTTP_TLS_MATERIAL_H
#define PROTO_IO_HTTP_TLS_MATERIAL_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "proto/io/http_tls.h"

#define HTTP_TLS_CHAIN_MAX 8

struct http_tls_material {
	gnutls_pcert_st certs[HTTP_TLS_CHAIN_MAX];
	unsigned n_certs;
	gnutls_privkey_t key;
	gnutls_x509_trust_list_t trust; /* NULL: nobody vouches */
	int64_t expires;		/* wall ms */
	/* http_tls.c's: */
	struct http_tls_material *next; /* replaced before this one */
	unsigned refs;
	int64_t replaced; /* mono ms */
};

/* NULL with a sentence that names the file. */
struct http_tls_material *http_tls_material_read(
	const struct http_tls_files *files, struct err *err);
void http_tls_material_free(struct http_tls_material *m);

#endif
