/*
 * Why a TLS connection was refused, in one of a few kinds. Pure. The numbers
 * are OpenSSL's, which libcurl passes on (X509_V_ERR_*, part of its ABI:
 * openssl/x509_vfy.h); of another library's none is known, and the kind is
 * HTTP_FAIL_TLS.
 */
#ifndef PROTO_IO_HTTP_HANDSHAKE_H
#define PROTO_IO_HTTP_HANDSHAKE_H

#include "proto/io/http_client.h"

/* verify is the result of the certificate's check, 0 for none; detail is
 * libcurl's sentence. */
enum http_failure http_handshake_failure(long verify, const char *detail);
/* What is wrong, to go on "PEER ..."; NULL for HTTP_FAIL_TLS. */
const char *http_handshake_reason(enum http_failure f);

#endif
