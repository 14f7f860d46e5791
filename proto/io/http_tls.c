#include "proto/io/http_tls.h"

#include <pthread.h>
#include <stdatomic.h>

#include "proto/base/clock.h"
#include "proto/base/enc.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/str.h"
#include "proto/io/http_tls_material.h"
#include "proto/io/watch.h"

#define SETTLE_MS 300
#define NAME_LEN 512
/* A handshake uses what is in force without a reference to it, so that is
 * freed a while after it was replaced only: longer than any handshake may
 * take (http_watch.h ends it before). */
#define HANDSHAKE_MS 60000

struct http_tls {
	char *cert, *key, *client_ca;
	struct watch *watch;
	atomic_bool ask;
	pthread_mutex_t lock;
	struct http_tls_material *now; /* the newest; guarded by lock */
};

const char http_tls_priorities[] =
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

int http_tls_check(const struct http_tls_files *files, struct err *err)
{
	struct http_tls_material *m = http_tls_material_read(files, err);

	if (!m)
		return -1;
	http_tls_material_free(m);
	return 0;
}

/* ---- what is in force ---------------------------------------------------- */

static struct http_tls_material *get(struct http_tls *t)
{
	struct http_tls_material *m;

	pthread_mutex_lock(&t->lock);
	m = t->now;
	m->refs++;
	pthread_mutex_unlock(&t->lock);
	return m;
}

static void put(struct http_tls *t, struct http_tls_material *m)
{
	pthread_mutex_lock(&t->lock);
	m->refs--;
	pthread_mutex_unlock(&t->lock);
}

/* Puts m in force, and frees what nobody can use any more. */
static void replace(struct http_tls *t, struct http_tls_material *m)
{
	int64_t now = clock_mono();
	struct http_tls_material **link = &m->next;

	pthread_mutex_lock(&t->lock);
	t->now->replaced = now;
	m->next = t->now;
	t->now = m;
	while (*link) {
		struct http_tls_material *old = *link;

		if (old->refs || now - old->replaced < HANDSHAKE_MS) {
			link = &old->next;
			continue;
		}
		*link = old->next;
		http_tls_material_free(old);
	}
	pthread_mutex_unlock(&t->lock);
}

/* ---- files --------------------------------------------------------------- */

static void watch_all(struct http_tls *t)
{
	if (!t->watch)
		return;
	watch_clear(t->watch);
	watch_file(t->watch, t->cert);
	watch_file(t->watch, t->key);
	if (t->client_ca)
		watch_file(t->watch, t->client_ca);
}

static void reload(void *ctx)
{
	struct http_tls *t = ctx;
	struct http_tls_files files = {t->cert, t->key, t->client_ca};
	struct err err = {0};
	struct http_tls_material *m;

	watch_all(t);
	m = http_tls_material_read(&files, &err);
	if (m && m->expires < clock_wall() && t->now->expires > m->expires) {
		http_tls_material_free(m);
		m = NULL;
		err_fail(&err, "the certificate in %s has expired", t->cert);
	}
	if (!m) {
		log_error(NULL, "TLS goes on with the certificate it has: %s",
			err.text);
		return;
	}
	replace(t, m);
	log_info(NULL, "TLS: the certificate of %s was read again", t->cert);
}

void http_tls_reload(struct http_tls *t)
{
	reload(t);
}

/* ---- life ---------------------------------------------------------------- */

struct http_tls *http_tls_open(struct loop *loop,
	const struct http_tls_files *files, struct err *err)
{
	struct http_tls_material *m = http_tls_material_read(files, err);
	struct err why = {0};
	struct http_tls *t;

	if (!m)
		return NULL;
	if (m->expires < clock_wall())
		log_warn(NULL, "TLS: the certificate in %s has expired",
			files->cert);
	t = xcalloc(1, sizeof(*t));
	t->cert = xstrdup(files->cert);
	t->key = xstrdup(files->key);
	t->client_ca = xstrdup_null(files->client_ca);
	atomic_init(&t->ask, files->client_ca != NULL);
	pthread_mutex_init(&t->lock, NULL);
	t->now = m;
	if (!loop)
		return t;
	t->watch = watch_new(loop, SETTLE_MS, reload, t, &why);
	if (!t->watch)
		log_warn(NULL, "%s: a changed certificate is taken on SIGHUP "
			"only", why.text);
	watch_all(t);
	return t;
}

void http_tls_close(struct http_tls *t)
{
	if (!t)
		return;
	watch_free(t->watch);
	while (t->now) {
		struct http_tls_material *m = t->now;

		t->now = m->next;
		http_tls_material_free(m);
	}
	pthread_mutex_destroy(&t->lock);
	free(t->cert);
	free(t->key);
	free(t->client_ca);
	free(t);
}

void http_tls_ask(struct http_tls *t, bool ask)
{
	atomic_store(&t->ask, ask || t->client_ca);
}

/* ---- sessions ------------------------------------------------------------ */

/* GnuTLS asks for the certificate of a session; borrowed until the end of the
 * handshake (see struct http_tls_material). */
static int certificate(gnutls_session_t session,
	const struct gnutls_cert_retr_st *info UNUSED, gnutls_pcert_st **certs,
	unsigned *n, gnutls_ocsp_data_st **ocsp, unsigned *n_ocsp,
	gnutls_privkey_t *key, unsigned *flags)
{
	const struct http_tls_session *s = gnutls_session_get_ptr(session);
	struct http_tls *t = s->tls;

	pthread_mutex_lock(&t->lock);
	*certs = t->now->certs;
	*n = t->now->n_certs;
	*key = t->now->key;
	pthread_mutex_unlock(&t->lock);
	*ocsp = NULL;
	*n_ocsp = 0;
	*flags = 0;
	return 0;
}

void (*const http_tls_certificate)(void) = (void (*)(void))certificate;

/* The client's Finished ends it, in either version. */
static int on_handshake(gnutls_session_t session, unsigned type UNUSED,
	unsigned when UNUSED, unsigned incoming,
	const gnutls_datum_t *msg UNUSED)
{
	const struct http_tls_session *s = gnutls_session_get_ptr(session);

	if (incoming)
		s->shaken(s->ctx);
	return 0;
}

void http_tls_begin(struct http_tls_session *s,
	struct gnutls_session_int *session)
{
	/* libmicrohttpd uses this pointer for pre-shared keys only. */
	gnutls_session_set_ptr(session, s);
	gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED,
		GNUTLS_HOOK_POST, on_handshake);
	if (atomic_load(&s->tls->ask))
		gnutls_certificate_server_set_request(session,
			GNUTLS_CERT_REQUEST);
}

/* ---- who the client is --------------------------------------------------- */

struct telling {
	void (*fn)(void *ctx, struct str name);
	void *ctx;
};

/* A name that looks like a fingerprint, or holds bytes that no name has, is
 * nobody's. */
static void tell_name(const struct telling *to, const char *p, size_t n)
{
	struct str name = {p, n};

	for (size_t i = 0; i < n; i++)
		if (p[i] < ' ' || p[i] > '~')
			return;
	if (n > 0 && !str_starts(name, STR("sha256:")))
		to->fn(to->ctx, name);
}

static void tell_names(gnutls_x509_crt_t cert, const struct telling *to)
{
	char name[NAME_LEN];
	size_t n = sizeof(name);
	int type = 0;

	if (gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0,
		    0, name, &n) == 0)
		tell_name(to, name, n);
	for (unsigned i = 0; type != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
		i++) {
		n = sizeof(name);
		type = gnutls_x509_crt_get_subject_alt_name(cert, i, name, &n,
			NULL);
		if (type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_URI ||
			type == GNUTLS_SAN_RFC822NAME)
			tell_name(to, name, n);
		else if (type < 0 && type != GNUTLS_E_SHORT_MEMORY_BUFFER)
			break;
	}
}

/* Does an authority of client_ca vouch for it as a client's? */
static bool is_vouched(const struct http_tls_material *m,
	gnutls_x509_crt_t *chain, unsigned n)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT,
	};
	unsigned status = 1;

	return m->trust &&
		gnutls_x509_trust_list_verify_crt2(m->trust, chain, n, &purpose,
			1, 0, &status, NULL) == 0 &&
		status == 0;
}

static bool is_current(gnutls_x509_crt_t cert)
{
	time_t now = (time_t)(clock_wall() / 1000);

	return gnutls_x509_crt_get_activation_time(cert) <= now &&
		gnutls_x509_crt_get_expiration_time(cert) >= now;
}

static void tell_fingerprint(const gnutls_datum_t *der,
	const struct telling *to)
{
	static const char word[] = "sha256:";
	char text[sizeof(word) + 2 * 32];
	unsigned char hash[32];
	size_t n = sizeof(hash);

	if (gnutls_fingerprint(GNUTLS_DIG_SHA256, der, hash, &n) < 0)
		return;
	memcpy(text, word, sizeof(word));
	enc_hex(hash, n, text + sizeof(word) - 1);
	to->fn(to->ctx, str_from(text));
}

void http_tls_identify(struct http_tls *t, struct gnutls_session_int *session,
	void (*fn)(void *ctx, struct str name), void *ctx)
{
	unsigned n = 0, read = 0;
	const gnutls_datum_t *der = gnutls_certificate_get_peers(session, &n);
	gnutls_x509_crt_t chain[HTTP_TLS_CHAIN_MAX];
	struct http_tls_material *m;

	while (der && read < n && read < HTTP_TLS_CHAIN_MAX) {
		gnutls_x509_crt_init(&chain[read]);
		if (gnutls_x509_crt_import(chain[read], &der[read],
			    GNUTLS_X509_FMT_DER) < 0) {
			gnutls_x509_crt_deinit(chain[read]);
			break;
		}
		read++;
	}
	m = get(t);
	if (read > 0 && is_current(chain[0])) {
		struct telling to = {fn, ctx};

		tell_fingerprint(&der[0], &to);
		if (is_vouched(m, chain, read))
			tell_names(chain[0], &to);
	}
	put(t, m);
	while (read > 0)
		gnutls_x509_crt_deinit(chain[--read]);
}
