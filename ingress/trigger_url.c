#include "ingress/trigger_url.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/enc.h"
#include "proto/base/mem.h"

#define ACTION "redeploy"
#define KEY_FILE "trigger.key"
#define KEY_BYTES 32
#define KEY_MIN 32	/* characters of a configured one */
#define TEXT_MAX 2048	/* bytes of a triggerUrl that are looked at */
#define SLOTS 2		/* keys that are always tried */

struct trigger_url {
	const struct conf *conf;
	struct secret kept;	     /* of the state folder */
	const struct opt_secrets *keys; /* the configured ones, or: */
	struct opt_secrets one;
};

/* ---- the key ------------------------------------------------------------- */

/* Links a new key to its name unless there is one already, so that two who
 * start at once agree. As root it gets the folder's owner, since that is who
 * the daemon runs as. */
static int make_key(const char *dir, const char *path, struct err *err)
{
	unsigned char bytes[KEY_BYTES];
	char hex[2 * KEY_BYTES + 2];
	char *temp = xprintf("%s/" KEY_FILE ".XXXXXX", dir);
	struct stat owner;
	int fd, rc = 0;

	enc_random(bytes, sizeof(bytes));
	enc_hex(bytes, sizeof(bytes), hex);
	hex[2 * KEY_BYTES] = '\n';
	fd = mkostemp(temp, O_CLOEXEC); /* mode 0600 */
	if (fd < 0 ||
		write(fd, hex, 2 * KEY_BYTES + 1) != 2 * KEY_BYTES + 1 ||
		(geteuid() == 0 && stat(dir, &owner) == 0 &&
			fchown(fd, owner.st_uid, owner.st_gid) < 0) ||
		fsync(fd) < 0 || (link(temp, path) < 0 && errno != EEXIST))
		rc = err_set(err, ERR_FAIL, errno, "cannot keep the key of "
			"trigger URLs in %s: %s", dir, strerror(errno));
	if (fd >= 0) {
		close(fd);
		unlink(temp);
	}
	fd = rc ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	enc_wipe(bytes, sizeof(bytes));
	enc_wipe(hex, sizeof(hex));
	free(temp);
	return rc;
}

static int keep_key(struct secret *key, const char *dir, struct err *err)
{
	char *path = xprintf("%s/" KEY_FILE, dir);
	int rc = 0;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		rc = make_key(dir, path, err);
	if (!rc)
		rc = secret_read(key, path, err);
	if (!rc && key->n < KEY_MIN)
		rc = err_fail(err, "%s is no key of trigger URLs; remove it to "
			"have a new one", path);
	free(path);
	return rc;
}

struct trigger_url *trigger_url_new(const struct conf *conf, struct err *err)
{
	struct trigger_url *u = xcalloc(1, sizeof(*u));

	u->conf = conf;
	u->keys = &conf->ingress.trigger_key;
	if (u->keys->n > 0)
		return u;
	u->one = (struct opt_secrets){&u->kept, 1};
	u->keys = &u->one;
	if (keep_key(&u->kept, conf->ingress.state, err) == 0)
		return u;
	trigger_url_free(u);
	return NULL;
}

void trigger_url_free(struct trigger_url *u)
{
	if (!u)
		return;
	secret_release(&u->kept);
	free(u);
}

/* ---- making -------------------------------------------------------------- */

bool trigger_url_text(const struct conf_trigger *t, struct strbuf *out)
{
	struct strbuf target = {0};
	struct str application;

	if (t->url)
		return false;
	conf_trigger_target(t, &target); /* "container web" */
	application = strbuf_str(&target);
	application = str_cut(application, str_find(application, ' ') + 1,
		application.n);
	strbuf_addf(out, "%s|", t->engine ? t->engine : "");
	strbuf_add_str(out, application);
	strbuf_addf(out, "|" ACTION "|%s|", t->name);
	strbuf_release(&target);
	return true;
}

static void seal(const struct secret *key, struct str text,
	char out[ENC_SHA256_HEX])
{
	unsigned char mac[ENC_SHA256_LEN];

	enc_hmac_sha256(key->p, key->n, text.p, text.n, mac);
	enc_hex(mac, sizeof(mac), out);
}

/* What comes before the path: as configured, or this machine's name. */
static void add_base(const struct conf_ingress *c, struct strbuf *out)
{
	const char *port = c->http ? strrchr(c->http, ':') : NULL;
	struct str host = str_cut(str_from(c->http ? c->http : ""), 0,
		port ? (size_t)(port - c->http) : 0);
	char name[256] = "localhost";

	if (c->url) {
		struct str base = str_from(c->url);

		while (str_ends(base, STR("/")))
			base.n--;
		strbuf_add_str(out, base);
		return;
	}
	gethostname(name, sizeof(name) - 1);
	if (host.n == 0 || str_is(host, "0.0.0.0") || str_is(host, "*") ||
		str_is(host, "[::]"))
		host = str_from(name);
	strbuf_add_cstr(out, c->tls.cert ? "https://" : "http://");
	strbuf_add_str(out, host);
	strbuf_add_cstr(out, port ? port : "");
}

int trigger_url_make(const struct trigger_url *u, const struct conf_trigger *t,
	struct strbuf *out, struct err *err)
{
	struct strbuf text = {0}, base64 = {0};
	char code[ENC_SHA256_HEX];

	if (!trigger_url_text(t, &text))
		return err_fail(err, "trigger %s posts to a URL; only one that "
			"redeploys has a trigger URL of its own", t->name);
	seal(&u->keys->v[0], strbuf_str(&text), code);
	enc_base64(text.buf, text.len, &base64);
	add_base(&u->conf->ingress, out);
	strbuf_add_cstr(out, "/hook/trigger?triggerUrl=");
	for (size_t i = 0; i < base64.len; i++) {
		char c = base64.buf[i];

		if (c == '+' || c == '/' || c == '=')
			strbuf_addf(out, "%%%02X", (unsigned)c);
		else
			strbuf_add_char(out, c);
	}
	strbuf_addf(out, "&secret=%s", code);
	strbuf_release(&text);
	strbuf_release(&base64);
	return 0;
}

/* ---- checking ------------------------------------------------------------ */

/* Does one of the keys give the code? Stops at none. */
static bool is_sealed(const struct trigger_url *u, struct str text,
	struct str code)
{
	size_t n = u->keys->n > SLOTS ? u->keys->n : SLOTS;
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		char mine[ENC_SHA256_HEX];

		seal(&u->keys->v[i < u->keys->n ? i : 0], text, mine);
		found |= enc_equal(code, str_from(mine));
		enc_wipe(mine, sizeof(mine));
	}
	return found;
}

/* The fourth part: "a|b|redeploy|ID|". */
static struct str id_of(struct str text)
{
	struct str part = {"", 0};

	for (int i = 0; i < 4; i++)
		if (!str_split(&text, '|', &part))
			return (struct str){"", 0};
	return part;
}

/* Of a text that we have sealed, now or earlier. */
static const struct conf_trigger *find(const struct trigger_url *u,
	struct str text, struct err *err)
{
	struct str id = id_of(text);
	char *name = xmemdup0(id.p, id.n);
	const struct conf_trigger *t = conf_trigger(u->conf, name);
	struct strbuf now = {0};

	if (!t || !trigger_url_text(t, &now) ||
		!str_eq(strbuf_str(&now), text)) {
		err_fail(err, "the URL is of a trigger that was removed or has "
			"another target by now; `pullwire-ingress url` prints "
			"the new one");
		t = NULL;
	}
	strbuf_release(&now);
	free(name);
	return t;
}

const struct conf_trigger *trigger_url_check(const struct trigger_url *u,
	const char *trigger_url, const char *secret, struct err *err)
{
	struct strbuf text = {.limit = TEXT_MAX};
	const struct conf_trigger *t = NULL;
	bool is_text, sealed;

	is_text = trigger_url &&
		enc_unbase64(str_from(trigger_url), &text) == 0 &&
		text.len > 0 && !memchr(text.buf, '\0', text.len);
	sealed = is_sealed(u, strbuf_str(&text), str_from(secret ? secret : ""));
	if (!trigger_url || !secret)
		err_fail(err, "there is no triggerUrl= or no secret= in the "
			      "query");
	else if (!is_text || !sealed)
		err_fail(err, "the secret in the query is not the one of the "
			      "triggerUrl");
	else
		t = find(u, strbuf_str(&text), err);
	strbuf_release(&text);
	return t;
}

/* ---- configuration and command ------------------------------------------- */

void trigger_url_check_conf(const struct conf *conf, struct opt_errors *errs)
{
	const struct conf_ingress *c = &conf->ingress;

	for (size_t i = 0; i < c->trigger_key.n; i++)
		if (c->trigger_key.v[i].p && c->trigger_key.v[i].n < KEY_MIN)
			opt_error(errs, c->where.file, c->where.line,
				"trigger_key: a key has at least %d "
				"characters; `openssl rand -hex 32` makes one",
				KEY_MIN);
	if (c->url && strncmp(c->url, "http://", 7) != 0 &&
		strncmp(c->url, "https://", 8) != 0)
		opt_error(errs, c->where.file, c->where.line,
			"url: `%s` is no URL; write https://hooks.example.com",
			c->url);
}

int trigger_url_run(const struct conf *conf, int argc, char **argv)
{
	const struct conf_trigger *t;
	struct trigger_url *u = NULL;
	struct strbuf url = {0};
	struct err err = {0};
	int rc = -1;

	if (argc != 2) {
		fprintf(stderr, "usage: pullwire-ingress url TRIGGER\n");
		return 2;
	}
	t = conf_trigger(conf, argv[1]);
	if (!t)
		err_fail(&err, "no trigger is named %s: `pullwire-matcher "
			"check FILE` lists them", argv[1]);
	else
		u = trigger_url_new(conf, &err);
	if (u)
		rc = trigger_url_make(u, t, &url, &err);
	if (rc < 0)
		fprintf(stderr, "pullwire-ingress: %s\n", err.text);
	else
		printf("%s\n", strbuf_cstr(&url));
	if (url.buf)
		enc_wipe(url.buf, url.len);
	strbuf_release(&url);
	trigger_url_free(u);
	return rc < 0;
}
