#include "deployer/docker/docker_image.h"

#include <strings.h>

#include "deployer/docker/docker_progress.h"
#include "deployer/docker/docker_ref.h"
#include "proto/base/clock.h"
#include "proto/base/fail.h"
#include "proto/base/mem.h"

#define TELL_MS 1000

struct json *docker_image_inspect(struct docker_api *api, const char *ref,
	struct err *err)
{
	struct json *answer = NULL;
	char *path;

	if (docker_api_negotiate(api, err) != 0)
		return NULL;
	path = xprintf("/images/%s/json%s", ref,
		docker_api_minor(api) >= 48 ? "?manifests=1" : "");
	docker_api_call(api, "GET", path, NULL, &answer, err);
	free(path);
	return answer;
}

int docker_image_tag(struct docker_api *api, const char *id,
	const char *repository, const char *tag, struct err *err)
{
	struct strbuf path = {0};
	int rc;

	strbuf_addf(&path, "/images/%s/tag?repo=", id);
	docker_api_encode(&path, str_from(repository));
	strbuf_add_cstr(&path, "&tag=");
	docker_api_encode(&path, str_from(tag));
	rc = docker_api_call(api, "POST", strbuf_cstr(&path), NULL, NULL, err);
	strbuf_release(&path);
	return rc;
}

const char *docker_image_name(const struct json *image,
	const char *repository)
{
	const struct json *d = json_first(json_get(image, "RepoDigests"));
	const char *any = NULL, *text;

	for (; d; d = json_next(d)) {
		text = json_str(d);
		if (text == NULL || strchr(text, '@') == NULL)
			continue;
		if (docker_ref_same_repository(
			    str_from(text), str_from(repository)))
			return text;
		any = text;
	}
	return any;
}

const char *docker_image_digest(const struct json *image,
	const char *repository)
{
	const char *name = docker_image_name(image, repository);

	return name != NULL ? strchr(name, '@') + 1
			    : json_str(json_path(image, "Descriptor.digest"));
}

void docker_image_platform(const struct json *image, const char *engine,
	struct strbuf *out)
{
	const char *os = json_str(json_get(image, "Os"));
	const char *arch = json_str(json_get(image, "Architecture"));
	const char *variant = json_str(json_get(image, "Variant"));

	if (os == NULL || arch == NULL || *os == '\0' || *arch == '\0')
		return;
	strbuf_addf(out, "%s/%s", os, arch);
	if (strcmp(strbuf_cstr(out), engine) == 0)
		strbuf_truncate(out, 0);
	else if (variant != NULL && *variant != '\0')
		strbuf_addf(out, "/%s", variant);
}

/* ---- pull ------------------------------------------------------------------- */

/* Does the text say that the registry wants another login? */
static bool is_login(const char *text)
{
	static const char *const words[] = {
		"unauthorized", "denied", "no basic auth", " 403", " 401",
		"authentication required"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasestr(text, words[i]) != NULL)
			return true;
	return false;
}

enum err_class docker_image_pull_class(const char *text)
{
	static const char *const final[] = {"no matching manifest",
		"no match for platform", "invalid reference"};

	/* A limit on the rate may come with any of the words below. */
	if (strcasestr(text, "toomanyrequests") != NULL ||
		strcasestr(text, "429 Too Many") != NULL)
		return ERR_RETRY;
	if (is_login(text))
		return ERR_FAIL;
	for (size_t i = 0; i < ARRAY_LEN(final); i++)
		if (strcasestr(text, final[i]) != NULL)
			return ERR_FAIL;
	/* "not found" too: a registry may announce a push before it shows it. */
	return ERR_RETRY;
}

struct pulling {
	struct docker_progress progress;
	const struct docker_pull *pull;
	const char *stop; /* why we ended it */
	bool seen;	  /* the failure point */
	int64_t told;	  /* clock_mono() of the last progress */
};

static void tell(struct pulling *p)
{
	char text[96] = "pulling: ";
	size_t n = strlen(text);
	int64_t now = clock_mono();

	if (p->pull->progress == NULL || now < p->told + TELL_MS)
		return;
	docker_progress_text(&p->progress, text + n, sizeof(text) - n);
	if (text[n] == '\0')
		return;
	p->told = now;
	p->pull->progress(p->pull->ctx, text);
}

static int on_data(void *ctx, struct str data)
{
	struct pulling *p = ctx;

	if (docker_progress_feed(&p->progress, data) != 0) {
		p->stop = "the engine's progress report has an endless line";
		return -1;
	}
	if (p->progress.objects > 0 && !p->seen) {
		p->seen = true;
		if (FAIL_POINT("deployer.mid_pull")) {
			p->stop = "failure point deployer.mid_pull";
			return -1;
		}
	}
	tell(p);
	if (p->pull->cancelled != NULL && p->pull->cancelled(p->pull->ctx)) {
		p->stop = "the pull was cancelled";
		return -1;
	}
	return 0;
}

void docker_image_hint(const struct registry_auth *login, const char *text,
	struct strbuf *out)
{
	const char *from = login != NULL && login->from != NULL
		? login->from
		: "a config.json of the deployer's";

	if (strcasestr(text, "no space left") != NULL)
		strbuf_add_cstr(out, " (the engine's disk is full: `docker "
			"system df` says of what; `cleanup: true` removes "
			"images that were replaced)");
	else if (strstr(text, "server gave HTTP response to HTTPS client") != NULL ||
		strstr(text, "does not look like a TLS handshake") != NULL)
		strbuf_add_cstr(out, " (add the registry to the engine's "
			"insecure-registries, or give it TLS)");
	else if (is_login(text) && login != NULL && login->server != NULL)
		strbuf_addf(out, " (the registry does not take the login that "
			"%s has for it: `docker login` again)", from);
	else if (is_login(text))
		strbuf_addf(out, " (there is no login for it in %s: `docker "
			"login`, or set docker_config)", from);
}

static int pull_failed(const struct pulling *p, const char *text, int code,
	struct err *err)
{
	const struct docker_pull *pull = p->pull;
	bool digest = strchr(pull->tag, ':') != NULL;
	struct strbuf hint = {0};
	char far[80];

	docker_image_hint(pull->login, text, &hint);
	docker_progress_text(&p->progress, far, sizeof(far));
	if (*far != '\0')
		strbuf_addf(&hint, " (after %s)", far);
	err_set(err, docker_image_pull_class(text), code,
		"pull of %s%s%s failed: %s%s", pull->repository,
		digest ? "@" : ":", pull->tag, text, strbuf_cstr(&hint));
	strbuf_release(&hint);
	return -1;
}

/* No answer, or not all of it: the engine's end, or only this stream's? */
static int broken(struct docker_api *api, const struct pulling *p,
	struct err *err)
{
	char text[120];

	if (docker_api_ping(api, err) != 0)
		return -1;
	snprintf(text, sizeof(text), "the engine's report of it broke off, or "
		"told nothing new for %lld s",
		(long long)p->pull->stall_ms / 1000);
	return pull_failed(p, text, 200, err);
}

int docker_image_pull(struct docker_api *api, const struct docker_pull *pull,
	char digest[DRIVER_DIGEST_MAX], struct err *err)
{
	struct pulling p = {.pull = pull};
	struct strbuf path = {0}, auth = {0};
	struct docker_request req = {
		.method = "POST",
		.stall_ms = pull->stall_ms,
		.on_data = on_data,
		.ctx = &p,
	};
	struct err low = {0};
	int rc;

	strbuf_add_cstr(&path, "/images/create?fromImage=");
	docker_api_encode(&path, str_from(pull->repository));
	strbuf_add_cstr(&path, "&tag=");
	docker_api_encode(&path, str_from(pull->tag));
	if (*pull->platform != '\0') {
		strbuf_add_cstr(&path, "&platform=");
		docker_api_encode(&path, str_from(pull->platform));
	}
	req.path = strbuf_cstr(&path);
	if (pull->login != NULL)
		registry_auth_header(pull->login, &auth);
	req.auth = strbuf_cstr(&auth);
	rc = docker_api_do(api, &req, &low);
	if (p.progress.error[0] != '\0')
		rc = pull_failed(&p, p.progress.error, 200, err);
	else if (p.stop != NULL)
		rc = err_set(err, ERR_RETRY, 200, "%s", p.stop);
	else if (rc != 0 && !docker_api_unreachable(&low))
		rc = pull_failed(&p, low.text, low.code, err);
	else if (rc != 0)
		rc = broken(api, &p, err);
	memcpy(digest, p.progress.digest, DRIVER_DIGEST_MAX);
	if (pull->summary != NULL)
		docker_progress_text(&p.progress, pull->summary,
			DOCKER_PULL_SUMMARY);
	docker_progress_release(&p.progress);
	strbuf_release(&path);
	registry_auth_wipe(&auth);
	return rc;
}
