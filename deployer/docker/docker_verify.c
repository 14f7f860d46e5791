#include "deployer/docker/docker_verify.h"

#include "deployer/registry/verify.h"
#include "proto/base/mem.h"

#define ASK_MS 30000

/* Statuses are the registry's own here, unlike a pull's. */
static int failed(const char *reference, const struct registry_auth *login,
	struct err *low, struct err *err)
{
	struct strbuf hint = {0};
	enum err_class cls = docker_image_pull_class(low->text);

	if (docker_api_unreachable(low)) {
		*err = *low;
		return -1;
	}
	if (low->code == 401 || low->code == 403)
		cls = ERR_FAIL;
	docker_image_hint(login, low->code == 401 ? "unauthorized" : low->text,
		&hint);
	err_set(err, cls, low->code,
		"the registry could not be asked what %s is: %s%s",
		reference, low->text, strbuf_cstr(&hint));
	strbuf_release(&hint);
	return -1;
}

/* GET /distribution/NAME/json */
int docker_verify_digest(struct docker_task *t, const char *reference,
	char digest[DRIVER_DIGEST_MAX], struct err *err)
{
	struct registry_auth login;
	struct strbuf auth = {0};
	struct json *answer = NULL;
	char *path = xprintf("/distribution/%s/json", reference);
	struct docker_request req = {
		.method = "GET",
		.path = path,
		.total_ms = ASK_MS,
		.answer = &answer,
	};
	struct err low = {0};
	const char *told;
	int rc = docker_task_login(t, &login, err);

	if (rc == 0) {
		registry_auth_header(&login, &auth);
		req.auth = strbuf_cstr(&auth);
		if (docker_api_do(t->api, &req, &low) != 0)
			rc = failed(reference, &login, &low, err);
	}
	told = json_str(json_path(answer, "Descriptor.digest"));
	if (rc == 0 && (told == NULL || strlen(told) >= DRIVER_DIGEST_MAX))
		rc = err_fail(err, "the engine's answer about %s lacks its "
			"digest", reference);
	if (rc == 0)
		docker_note_digest(digest, told);
	registry_auth_release(&login);
	registry_auth_wipe(&auth);
	json_free(answer);
	free(path);
	return rc;
}

int docker_verify(struct docker_task *t, struct driver_result *res)
{
	const struct event *e = &t->run->job->event;
	char digest[DRIVER_DIGEST_MAX];
	struct err err = {0};
	char text[sizeof(res->reason)];
	int rc;

	if (!verify_needed(t->run->source, e) || t->note.found ||
		t->run->force)
		return 0;
	if (verify_known(t->run->source, t->run->trigger, e, &err) != 0) {
		driver_result_err(res, DRIVER_REFUSED, &err);
		return -1;
	}
	docker_task_progress(t, "asking the registry");
	rc = docker_verify_digest(t, t->reference, digest, &err);
	docker_task_lap(t, "verify");
	if (rc != 0) {
		driver_result_err(res, docker_api_unreachable(&err)
				? DRIVER_WAITING
				: DRIVER_FAILED, &err);
	} else if (!verify_same(e, digest)) {
		verify_stale(e, digest, text, sizeof(text));
		driver_result_set(res, DRIVER_STALE, "%s", text);
		docker_note_digest(t->note.to, e->digest);
		rc = -1;
	} else {
		docker_note_digest(t->note.to, digest);
	}
	return rc;
}
