#include "proto/io/http_tls_material.h"

#include "proto/base/enc.h"
#include "proto/base/mem.h"

void http_tls_material_free(struct http_tls_material *m)
{
	for (unsigned i = 0; i < m->n_certs; i++)
		gnutls_pcert_deinit(&m->certs[i]);
	if (m->key)
		gnutls_privkey_deinit(m->key);
	if (m->trust)
		gnutls_x509_trust_list_deinit(m->trust, 1);
	free(m);
}

static int load(const char *path, gnutls_datum_t *out, struct err *err)
{
	int rc = gnutls_load_file(path, out);

	if (rc < 0)
		return err_fail(err, "%s cannot be read: %s", path,
			gnutls_strerror(rc));
	return 0;
}

static void unload(gnutls_datum_t *d)
{
	if (d->data)
		gnutls_memset(d->data, 0, d->size);
	gnutls_free(d->data);
	d->data = NULL;
}

/* The key's id must be the certificate's. */
static bool is_pair(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key)
{
	unsigned char a[64], b[64];
	size_t na = sizeof(a), nb = sizeof(b);

	return gnutls_x509_crt_get_key_id(cert, GNUTLS_KEYID_USE_SHA256, a,
		       &na) == 0 &&
		gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, b,
			&nb) == 0 &&
		na == nb && memcmp(a, b, na) == 0;
}

static int take_certs(struct http_tls_material *m, const char *path,
	gnutls_x509_crt_t *certs, unsigned n, struct err *err)
{
	if (n > HTTP_TLS_CHAIN_MAX)
		return err_fail(err, "%s has %u certificates; at most %d are "
			"sent", path, n, HTTP_TLS_CHAIN_MAX);
	for (unsigned i = 0; i < n; i++) {
		if (gnutls_pcert_import_x509(&m->certs[i], certs[i], 0) < 0)
			return err_fail(err, "%s has a certificate that cannot "
				"be used", path);
		m->n_certs++;
	}
	m->expires = (int64_t)gnutls_x509_crt_get_expiration_time(certs[0]) *
		1000;
	return 0;
}

int http_tls_pin(const char *path, char pin[HTTP_TLS_PIN_LEN], struct err *err)
{
	unsigned char id[32];
	size_t n = sizeof(id);
	gnutls_datum_t text = {0};
	gnutls_x509_crt_t cert;
	struct strbuf base64 = {0};
	int rc;

	if (load(path, &text, err) < 0)
		return -1;
	gnutls_x509_crt_init(&cert);
	rc = gnutls_x509_crt_import(cert, &text, GNUTLS_X509_FMT_PEM);
	if (rc >= 0)
		rc = gnutls_x509_crt_get_key_id(cert, GNUTLS_KEYID_USE_SHA256,
			id, &n);
	gnutls_x509_crt_deinit(cert);
	unload(&text);
	if (rc < 0)
		return err_fail(err, "%s is no certificate in PEM: %s", path,
			gnutls_strerror(rc));
	enc_base64(id, n, &base64);
	snprintf(pin, HTTP_TLS_PIN_LEN, "sha256//%s", strbuf_cstr(&base64));
	strbuf_release(&base64);
	return 0;
}

static int read_key(struct http_tls_material *m, const char *path,
	gnutls_x509_crt_t cert, const char *cert_path, struct err *err)
{
	gnutls_datum_t text = {0};
	gnutls_x509_privkey_t key = NULL;
	int rc;

	if (load(path, &text, err) < 0)
		return -1;
	gnutls_x509_privkey_init(&key);
	rc = gnutls_x509_privkey_import2(key, &text, GNUTLS_X509_FMT_PEM, NULL,
		GNUTLS_PKCS_PLAIN);
	unload(&text);
	if (rc < 0) {
		gnutls_x509_privkey_deinit(key);
		return err_fail(err, "%s is no private key in PEM without a "
			"password: %s", path, gnutls_strerror(rc));
	}
	if (!is_pair(cert, key)) {
		gnutls_x509_privkey_deinit(key);
		return err_fail(err, "%s is not the key of the certificate in "
			"%s", path, cert_path);
	}
	gnutls_privkey_init(&m->key);
	gnutls_privkey_import_x509(m->key, key,
		GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE);
	return 0;
}

static int read_pair(struct http_tls_material *m, const struct http_tls_files *f,
	struct err *err)
{
	gnutls_datum_t text = {0};
	gnutls_x509_crt_t *certs = NULL;
	unsigned n = 0;
	int rc;

	if (load(f->cert, &text, err) < 0)
		return -1;
	rc = gnutls_x509_crt_list_import2(&certs, &n, &text,
		GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
	unload(&text);
	if (rc < 0)
		return err_fail(err, "%s is no certificate in PEM, followed by "
			"those that lead to its root: %s", f->cert,
			gnutls_strerror(rc));
	rc = take_certs(m, f->cert, certs, n, err);
	if (!rc)
		rc = read_key(m, f->key, certs[0], f->cert, err);
	for (unsigned i = 0; i < n; i++)
		gnutls_x509_crt_deinit(certs[i]);
	gnutls_free(certs);
	return rc;
}

static int read_trust(struct http_tls_material *m, const char *path, struct err *err)
{
	gnutls_datum_t text = {0};
	int n;

	if (!path)
		return 0;
	if (load(path, &text, err) < 0)
		return -1;
	gnutls_x509_trust_list_init(&m->trust, 0);
	n = gnutls_x509_trust_list_add_trust_mem(m->trust, &text, NULL,
		GNUTLS_X509_FMT_PEM, 0, 0);
	unload(&text);
	if (n <= 0)
		return err_fail(err, "%s has no certificate of an authority in "
			"PEM", path);
	return 0;
}

struct http_tls_material *http_tls_material_read(const struct http_tls_files *f,
	struct err *err)
{
	struct http_tls_material *m = xcalloc(1, sizeof(*m));

	if (!read_pair(m, f, err) && !read_trust(m, f->client_ca, err))
		return m;
	http_tls_material_free(m);
	return NULL;
}
