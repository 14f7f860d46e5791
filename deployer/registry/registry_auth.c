#include "deployer/registry/registry_auth.h"

#include <errno.h>
#include <unistd.h>

#include "deployer/registry/helper.h"
#include "proto/base/enc.h"
#include "proto/base/mem.h"
#include "proto/data/conf.h"
#include "proto/data/json.h"

#define HELPER "docker-credential-"
#define HELPER_MS 10000
#define ANSWER_MAX ((size_t)64 << 10)
#define FILE_MAX ((size_t)1 << 20)

void registry_auth_wipe(struct strbuf *sb)
{
	if (sb->buf != NULL)
		enc_wipe(sb->buf, sb->cap);
	strbuf_release(sb);
}

void registry_auth_release(struct registry_auth *auth)
{
	free(auth->server);
	free(auth->user);
	free(auth->from);
	secret_release(&auth->secret);
	*auth = (struct registry_auth){0};
}

/* ---- hosts ------------------------------------------------------------------ */

/* "https://HOST/v1/" to HOST. */
static struct str host_of(struct str key)
{
	static const struct str schemes[] = {
		{"https://", 8}, {"http://", 7}};

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (str_starts(key, schemes[i]))
			key = str_cut(key, schemes[i].n, key.n);
	return str_cut(key, 0, str_find(key, '/'));
}

static bool same_host(const char *key, struct str host)
{
	struct str k = host_of(str_from(key));

	return str_eq(k, host) || (conf_host_is_hub(k) &&
					  conf_host_is_hub(host));
}

/* The member of that key, else the first of that host. */
static struct json *of_host(const struct json *object, struct str host)
{
	struct json *j = json_first(object), *found = NULL;

	for (; j; j = json_next(j)) {
		if (str_is(host, json_key(j)))
			return j;
		if (found == NULL && same_host(json_key(j), host))
			found = j;
	}
	return found;
}

static char *server_of(struct str host)
{
	return conf_host_is_hub(host) ? xstrdup(REGISTRY_HUB_KEY)
				      : xmemdup0(host.p, host.n);
}

/* ---- config.json ------------------------------------------------------------ */

/* "auth" is USER:PASSWORD in base64; the engine ignores it, so it is read. */
static int read_pair(const char *text, struct registry_auth *auth,
	struct err *err)
{
	struct strbuf pair = {0};
	struct str s;
	size_t colon;
	int rc = enc_unbase64(str_from(text), &pair);

	s = strbuf_str(&pair);
	while (s.n > 0 && s.p[s.n - 1] == '\0')
		s.n--;
	colon = str_find(s, ':');
	if (rc != 0 || colon == s.n) {
		rc = err_fail(err, "its `auth` is not USER:PASSWORD in base64");
	} else {
		auth->user = xmemdup0(s.p, colon);
		secret_set(&auth->secret, str_cut(s, colon + 1, s.n));
	}
	registry_auth_wipe(&pair);
	return rc;
}

static int read_entry(const struct json *entry, struct registry_auth *auth,
	struct err *err)
{
	const char *token = json_str(json_get(entry, "identitytoken"));
	const char *user = json_str(json_get(entry, "username"));
	const char *word = json_str(json_get(entry, "password"));
	const char *pair = json_str(json_get(entry, "auth"));

	if (token != NULL && *token != '\0') {
		auth->token = true;
		secret_set(&auth->secret, str_from(token));
	} else if (pair != NULL && *pair != '\0') {
		return read_pair(pair, auth, err);
	} else if (user != NULL && word != NULL) {
		auth->user = xstrdup(user);
		secret_set(&auth->secret, str_from(word));
	}
	return 0; /* {}: what `docker login` leaves beside a credsStore */
}

static bool is_helper_name(const char *name)
{
	return *name != '\0' &&
		name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789._-")] == '\0';
}

int registry_auth_read(struct str text, struct str host, char **helper,
	struct registry_auth *auth, struct err *err)
{
	struct json *j = json_parse(text, NULL, err);
	const struct json *entry;
	const char *name;
	int rc = 0;

	*helper = NULL;
	if (j == NULL)
		return -1;
	name = json_str(of_host(json_get(j, "credHelpers"), host));
	if (name == NULL)
		name = json_str(json_get(j, "credsStore"));
	entry = of_host(json_get(j, "auths"), host);
	if (name != NULL && *name != '\0') {
		if (is_helper_name(name))
			*helper = xstrdup(name);
		else
			rc = err_fail(err, "the helper's name has other than "
				"letters, digits, dots, dashes, underscores");
	} else if (entry != NULL) {
		rc = read_entry(entry, auth, err);
	}
	if (auth->secret.p != NULL)
		auth->server = server_of(host);
	json_free(j);
	return rc;
}

/* ---- helpers ---------------------------------------------------------------- */

int registry_auth_answer(struct str text, struct registry_auth *auth,
	struct err *err)
{
	struct json *j = json_parse(text, NULL, NULL);
	const char *user = json_str(json_get(j, "Username"));
	const char *secret = json_str(json_get(j, "Secret"));
	int rc = 0;

	if (user == NULL || secret == NULL) {
		/* What it printed may be a secret: it is not shown. */
		rc = err_fail(err, "it did not print {\"Username\", "
				   "\"Secret\"}");
	} else {
		auth->token = strcmp(user, "<token>") == 0;
		if (!auth->token)
			auth->user = xstrdup(user);
		secret_set(&auth->secret, str_from(secret));
	}
	json_free(j);
	return rc;
}

/* A helper tells an error on its standard output, one line. */
static int refused(struct str text, int status, struct err *err)
{
	char safe[160];

	if (strstr(text.p, "credentials not found") != NULL)
		return 0;
	text = str_cut(text, 0, str_find(text, '\n'));
	if (str_find(text, '{') < text.n)
		text.n = 0;
	return err_fail(err, "it ended with status %d%s%s", status,
		text.n ? ": " : "", str_safe(text, safe, sizeof(safe)));
}

static int ask_helper(const char *name, struct str host,
	struct registry_auth *auth, struct err *err)
{
	char *program = xprintf(HELPER "%s", name), *server = server_of(host);
	char *input = xprintf("%s\n", server);
	const char *const argv[] = {program, "get", NULL};
	const struct helper h = {argv, str_from(input), HELPER_MS, ANSWER_MAX};
	struct strbuf out = {0};
	int status = 0, rc = helper_run(&h, &out, &status, err);

	if (rc != 0 && err != NULL && err->code == ENOENT)
		err_fail(err, "it is not installed");
	if (rc == 0)
		rc = status == 0
			? registry_auth_answer(strbuf_str(&out), auth, err)
			: refused((struct str){strbuf_cstr(&out), out.len},
				status, err);
	if (rc != 0)
		err_prefix(err, "credential helper %s", program);
	else if (auth->secret.p != NULL)
		auth->server = xstrdup(server);
	registry_auth_wipe(&out);
	free(program);
	free(server);
	free(input);
	return rc;
}

/* ---- the whole -------------------------------------------------------------- */

/* The docker CLI's own place; the caller's to free. NULL: no home. */
static char *default_path(void)
{
	const char *dir = getenv("DOCKER_CONFIG"), *home = getenv("HOME");

	if (dir != NULL && *dir != '\0')
		return xprintf("%s/config.json", dir);
	if (home != NULL && *home != '\0')
		return xprintf("%s/.docker/config.json", home);
	return NULL;
}

static int read_file(const char *path, struct strbuf *out, struct err *err)
{
	FILE *f = fopen(path, "re");
	int rc = 0, e = errno;
	char part[4096];
	size_t n;

	if (f == NULL)
		return err_set(err, ERR_FAIL, e, "cannot read %s: %s", path,
			strerror(e));
	out->limit = FILE_MAX;
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		strbuf_add(out, part, n);
	if (ferror(f) || out->failed)
		rc = err_fail(err, "cannot read %s, or it is larger than 1 MiB",
			path);
	enc_wipe(part, sizeof(part));
	fclose(f);
	return rc;
}

int registry_auth_find(const char *config, struct str host,
	struct registry_auth *auth, struct err *err)
{
	char *path = config != NULL ? xstrdup(config) : default_path();
	char *helper = NULL;
	struct strbuf text = {0};
	int rc = 0;

	*auth = (struct registry_auth){.from = path};
	if (path == NULL || (config == NULL && access(path, R_OK) != 0))
		return 0;
	if (read_file(path, &text, err) != 0) {
		rc = -1;
	} else if (registry_auth_read(strbuf_str(&text), host, &helper, auth,
			   err) != 0) {
		rc = err_prefix(err, "%s, for %.*s", path, (int)host.n, host.p);
	} else if (helper != NULL) {
		rc = ask_helper(helper, host, auth, err);
	}
	registry_auth_wipe(&text);
	free(helper);
	return rc;
}

void registry_auth_header(const struct registry_auth *auth, struct strbuf *out)
{
	struct json *j;
	struct strbuf text = {0};

	if (auth->server == NULL)
		return;
	j = json_new_object();
	if (auth->token) {
		json_set_str(j, "identitytoken", auth->secret.p);
	} else {
		json_set_str(j, "username", auth->user);
		json_set_str(j, "password", auth->secret.p);
	}
	json_set_str(j, "serveraddress", auth->server);
	json_write(j, &text);
	enc_base64url(text.buf, text.len, out);
	json_free(j);
	registry_auth_wipe(&text);
}
