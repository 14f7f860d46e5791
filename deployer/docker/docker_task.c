#include "deployer/docker/docker_task.h"

#include "deployer/docker/docker_pulls.h"
#include "deployer/docker/docker_ref.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"

void docker_task_lap(struct docker_task *t, const char *phase)
{
	int64_t now = clock_mono();

	driver_phase(t->run, phase, now - t->lap);
	t->lap = now;
}

void docker_task_progress(struct docker_task *t, const char *text)
{
	if (t->run->progress != NULL)
		t->run->progress(t->run, text);
}

int docker_task_begin(struct docker_task *t, struct driver_result *res)
{
	struct strbuf target = {0};
	struct err err = {0};

	if (docker_note_load(&t->note, t->run->journal, t->run->job->id,
		    &err) != 0) {
		driver_result_err(res, DRIVER_FAILED, &err);
		return -1;
	}
	t->note.engine = t->run->engine->name;
	free(t->note.reference);
	t->note.reference = xstrdup(t->reference);
	conf_trigger_target(t->run->trigger, &target);
	free(t->note.target);
	t->note.target = strbuf_detach(&target);
	if (docker_note_is_returned(&t->note)) {
		driver_result_set(res, DRIVER_ROLLED_BACK, "%s", t->note.reason);
		return -1;
	}
	return 0;
}

static bool cancelled(void *ctx)
{
	return driver_cancelled(ctx);
}

static void progress(void *ctx, const char *text)
{
	struct driver_run *run = ctx;

	if (run->progress != NULL)
		run->progress(run, text);
}

/* The image by repository@digest; NULL with err->code 404 when not here. */
static struct json *inspect_pinned(struct docker_task *t, struct err *err)
{
	char *ref = *t->note.to != '\0'
		? xprintf("%s@%s", t->repository, t->note.to)
		: xstrdup(t->reference);
	struct json *image = docker_image_inspect(t->api, ref, err);

	free(ref);
	return image;
}

int docker_task_login(
	struct docker_task *t, struct registry_auth *login, struct err *err)
{
	struct docker_ref ref;

	docker_ref_split(str_from(t->repository), &ref);
	return registry_auth_find(
		t->run->engine->docker_config, ref.registry, login, err);
}

static int pull(struct docker_task *t, struct err *err)
{
	struct registry_auth login;
	const struct docker_pull p = {
		.repository = t->repository,
		.tag = *t->note.to != '\0' ? t->note.to
					   : t->run->job->event.tag,
		.platform = t->platform,
		.login = &login,
		.cancelled = cancelled,
		.progress = progress,
		.ctx = t->run,
		.stall_ms = t->run->engine->pull_stall,
		.summary = t->pulled,
	};
	char digest[DRIVER_DIGEST_MAX];
	int rc = docker_task_login(t, &login, err);

	docker_task_progress(t, "pulling");
	if (rc == 0)
		rc = docker_pulls_do(t->api, &p, digest, err);
	registry_auth_release(&login);
	if (rc != 0)
		return -1;
	if (*t->note.to == '\0')
		memcpy(t->note.to, digest, sizeof(digest));
	return 0;
}

int docker_task_fetch(struct docker_task *t, const struct json *old_image,
	struct err *err)
{
	struct strbuf platform = {0};
	struct err e = {0};

	if (t->image != NULL)
		return 0;
	docker_image_platform(
		old_image, docker_api_platform(t->api), &platform);
	free(t->platform);
	t->platform = xstrdup(strbuf_cstr(&platform));
	strbuf_release(&platform);
	docker_note_digest(t->note.to, t->run->job->event.digest);
	docker_task_lap(t, "inspect");
	/* What a digest names cannot change: here is as good as there. */
	if (*t->note.to != '\0')
		t->image = inspect_pinned(t, &e);
	if (t->image == NULL && docker_api_unreachable(&e)) {
		if (err != NULL)
			*err = e;
		return -1;
	}
	if (t->image == NULL) {
		if (pull(t, err) != 0)
			return -1;
		t->image = inspect_pinned(t, err);
	}
	docker_task_lap(t, "pull");
	if (t->image == NULL)
		return err_prefix(err, "the image %s was pulled, but the engine "
			"does not have it", t->reference);
	if (json_str(json_get(t->image, "Id")) == NULL)
		return err_fail(err, "the engine's answer about image %s lacks "
			"its Id", t->reference);
	if (*t->note.to == '\0')
		docker_note_digest(t->note.to,
			docker_image_digest(t->image, t->repository));
	return 0;
}

int docker_task_tag(struct docker_task *t, struct err *err)
{
	const struct json *tag = json_first(json_get(t->image, "RepoTags"));

	if (docker_ref_is_digest(t->run->job->event.tag))
		return 0;
	for (; tag; tag = json_next(tag))
		if (json_str(tag) != NULL &&
			strcmp(json_str(tag), t->reference) == 0)
			return 0;
	return docker_image_tag(t->api, json_str(json_get(t->image, "Id")),
		t->repository, t->run->job->event.tag, err);
}
