#include "deployer/docker/docker_prepare.h"

#include "deployer/docker/docker_fit.h"
#include "deployer/docker/docker_memory.h"
#include "deployer/docker/docker_order.h"
#include "deployer/docker/docker_owner.h"
#include "deployer/docker/docker_pick.h"
#include "deployer/docker/docker_platform.h"
#include "deployer/docker/docker_ref.h"
#include "deployer/docker/docker_written.h"
#include "proto/base/mem.h"

static int check_networks(struct docker_replace *r, struct err *err)
{
	const struct json *n =
		json_first(json_path(r->old, "NetworkSettings.Networks"));
	struct err e = {0};

	for (; n; n = json_next(n)) {
		if (docker_container_network_exists(
			    r->t->api, json_key(n), &e))
			continue;
		if (e.code == 404)
			return err_fail(err, "network %s of container %s is "
				"gone; create it and push again", json_key(n),
				docker_swap_name(r->old));
		*err = e;
		return -1;
	}
	return 0;
}

/* The containers that it takes volumes from, those that are still there. */
static int find_sources(struct docker_replace *r, struct err *err)
{
	const struct json *v =
		json_first(json_path(r->old, "HostConfig.VolumesFrom"));
	struct err e = {0};

	r->sources = json_new_object();
	for (; v; v = json_next(v)) {
		struct str name = str_from(json_str(v));
		char *key = xmemdup0(name.p, str_find(name, ':'));
		struct json *c = docker_container_inspect(r->t->api, key, &e);

		if (c != NULL)
			json_set(r->sources, key, c);
		free(key);
		if (c == NULL && e.code != 404) {
			*err = e;
			return -1;
		}
	}
	return 0;
}

/* The engine's own host name, which containers on its network report. */
static int find_engine_name(struct docker_replace *r, struct err *err)
{
	const char *mode =
		json_str(json_path(r->old, "HostConfig.NetworkMode"));

	if (mode == NULL || strcmp(mode, "host") != 0)
		return 0;
	return docker_api_call(r->t->api, "GET", "/info", NULL, &r->info, err);
}

static struct docker_spec_input input_of(const struct docker_replace *r)
{
	return (struct docker_spec_input){
		.old = r->old,
		.old_image = r->old_image,
		.new_image = r->image,
		.reference = r->reference,
		.api = docker_api_minor(r->t->api),
		.engine_name = json_str(json_get(r->info, "Name")),
		.sources = r->sources,
		.keep_env = r->t->run->trigger->deploy.keep_env.v,
		.n_keep_env = r->t->run->trigger->deploy.keep_env.n,
	};
}

/* What makes the old one again where its engine removes it: by the id of its
 * image, for the tag may mean another one by then. */
static int save_rebirth(struct docker_replace *r, struct err *err)
{
	struct docker_spec_input in = input_of(r);
	struct docker_spec spec;
	struct json *j = json_new_object();

	in.new_image = r->old_image;
	in.reference = json_str(json_get(r->old, "Image"));
	if (docker_spec_build(&in, &spec, err) != 0) {
		json_free(j);
		return -1;
	}
	json_set(j, "body", spec.body);
	json_set(j, "connect", spec.connect);
	json_set_str(j, "platform", r->platform);
	r->swap->rebirth = j;
	return 0;
}

static void describe(const struct docker_replace *r, const char *was,
	struct docker_swap *s)
{
	struct strbuf policy = {0};
	char did[DOCKER_DID_LEN];

	docker_swap_release(s);
	json_write(json_path(r->old, "HostConfig.RestartPolicy"), &policy);
	s->did = xstrdup(docker_swap_did(r->t->run->job->id, did));
	s->owner = docker_owner_self();
	s->name = xstrdup(docker_swap_name(r->old));
	s->old_id = xstrdup_null(json_str(json_get(r->old, "Id")));
	s->was = xstrdup(was);
	s->policy = policy.len > 0 ? strbuf_detach(&policy) : xstrdup("{}");
	s->image = xstrdup_null(json_str(json_get(r->image, "Id")));
	s->order = xstrdup(DOCKER_ORDER_STOP_FIRST);
	strbuf_release(&policy);
}

int docker_prepare_body(struct docker_replace *r,
	const struct json *successors, struct err *err)
{
	struct docker_spec_input in = input_of(r);
	struct json *labels = docker_swap_labels(r->swap);
	int rc;

	docker_spec_release(&r->spec);
	in.labels = labels;
	in.successors = successors;
	rc = docker_spec_build(&in, &r->spec, err);
	json_free(labels);
	return rc;
}

/* All that the engine tells about what the container stands on. */
static int gather(struct docker_replace *r, struct err *err)
{
	r->auto_remove =
		json_bool(json_path(r->old, "HostConfig.AutoRemove"));
	return check_networks(r, err) != 0 || find_sources(r, err) != 0 ||
			find_engine_name(r, err) != 0
		? -1
		: 0;
}

static int build(struct docker_replace *r, const char *was, struct err *err)
{
	if (gather(r, err) != 0)
		return -1;
	r->image = r->t->image;
	r->reference = r->t->reference;
	r->platform = r->t->platform;
	describe(r, was, r->swap);
	r->swap->signal =
		xstrdup_null(r->t->run->trigger->deploy.stop_signal);
	r->swap->memory = docker_memory_next(r->memory, r->old, r->old_image,
		r->image, r->t->note.from);
	if (r->auto_remove && save_rebirth(r, err) != 0)
		return -1;
	return docker_prepare_body(r, NULL, err);
}

/* Equal ids, or the same platform's manifest under another index. */
static bool runs_already(const struct docker_replace *r)
{
	const char *now = json_str(json_get(r->old, "Image"));
	const char *want = json_str(json_get(r->t->image, "Id"));
	const char *manifest = json_str(
		json_path(r->old, "ImageManifestDescriptor.digest"));
	const char *wanted = docker_spec_manifest(r->t->image);

	return (now != NULL && strcmp(now, want) == 0) ||
		(manifest != NULL && wanted != NULL &&
			strcmp(manifest, wanted) == 0);
}

/* The defaults of an image that was deleted, as we noted them; or none, where
 * all that the container has is to be kept. */
static struct json *image_from_memory(const struct docker_replace *r,
	const char *id)
{
	const struct json *image = json_get(r->memory, "image");
	const char *known = json_str(json_get(image, "Id"));
	struct json *none;

	if (id != NULL && known != NULL && strcmp(id, known) == 0)
		return json_copy(image);
	if (id == NULL ||
		r->t->run->trigger->deploy.missing_image != MISSING_KEEP_ALL)
		return NULL;
	none = json_new_object();
	json_set_str(none, "Id", id);
	json_set(none, "Config", json_new_object());
	return none;
}

/* What it runs, for a way back. Of an image's id the name is the digest that
 * the engine knows it by. */
static void note_from(struct docker_replace *r)
{
	struct docker_note *note = &r->t->note;
	const char *ref = json_str(json_path(r->old, "Config.Image"));
	const char *name = docker_image_name(
		r->old_image, r->t->repository);

	if (ref != NULL && name != NULL && docker_ref_is_id(str_from(ref)))
		ref = name;
	note->from_reference = xstrdup_null(ref);
	docker_note_digest(note->from, docker_image_digest(
		r->old_image, r->t->repository));
}

static int look_at_old_image(struct docker_replace *r, struct err *err)
{
	const char *id = json_str(json_get(r->old, "Image"));
	struct err e = {0};

	r->old_image = docker_image_inspect(
		r->t->api, id != NULL ? id : "", &e);
	r->memory = docker_memory_container(r->t->run->journal,
		r->t->run->engine->name, docker_swap_name(r->old));
	if (r->old_image == NULL && e.code == 404)
		r->old_image = image_from_memory(r, id);
	if (r->old_image == NULL && e.code == 404)
		return err_fail(err,
			"the image of container %s is gone from the engine, so "
			"its defaults cannot be told from its settings; create "
			"the container anew, or set `missing_image: keep_all`, "
			"and push again", docker_swap_name(r->old));
	if (r->old_image == NULL) {
		*err = e;
		return -1;
	}
	if (r->t->note.from_reference == NULL)
		note_from(r);
	return 0;
}

static int fits(const struct docker_replace *r, struct err *err)
{
	const struct docker_fit fit = {
		.trigger = r->t->run->trigger,
		.reference = r->t->reference,
		.container = r->old,
		.image = r->old_image,
	};

	return docker_fit_check(&fit, err);
}

static bool failed_before(const struct docker_replace *r,
	struct driver_result *res)
{
	const struct driver_run *run = r->t->run;
	bool known;
	char *why;

	if (run->force || run->trigger->deploy.force)
		return false;
	why = docker_memory_failed(run->journal, run->engine->name,
		r->t->note.target, r->t->note.to);
	if (why != NULL)
		driver_result_set(res, DRIVER_REFUSED, "%s", why);
	known = why != NULL;
	free(why);
	return known;
}

static void before_anything(struct docker_replace *r, const struct err *err,
	struct driver_result *res)
{
	docker_swap_release(r->swap);
	if (docker_api_unreachable(err))
		driver_result_err(res, DRIVER_WAITING, err);
	else if (driver_cancelled(r->t->run))
		driver_result_err(res, DRIVER_CANCELLED, err);
	else
		driver_result_err(res, DRIVER_FAILED, err);
}

int docker_prepare(struct docker_replace *r, const char *id,
	struct driver_result *res)
{
	struct docker_task *t = r->t;
	const struct conf_deploy *deploy = &t->run->trigger->deploy;
	struct err err = {0};
	const char *was;

	r->old = docker_container_inspect(t->api, id, &err);
	if (r->old == NULL && err.code == 404)
		err_retry(&err, "the container vanished just now");
	if (r->old != NULL && docker_pick_judge(r->old, t->mends
					? STOPPED_START
					: deploy->stopped,
				      deploy->self_update, &was, &err) != 0) {
		driver_result_err(res, DRIVER_REFUSED, &err);
		return -1;
	}
	if (r->old == NULL || look_at_old_image(r, &err) != 0) {
		before_anything(r, &err, res);
		return -1;
	}
	if (fits(r, &err) != 0) {
		driver_result_err(res, DRIVER_REFUSED, &err);
		return -1;
	}
	if (docker_task_fetch(t, r->old_image, &err) != 0) {
		before_anything(r, &err, res);
		return -1;
	}
	if (docker_platform_fits(t->image, t->run->trigger, &err) != 0) {
		driver_result_err(res, DRIVER_REFUSED, &err);
		return -1;
	}
	if (runs_already(r) && !deploy->force && !t->run->force) {
		driver_result_set(res, DRIVER_UNCHANGED,
			"%s runs that image already", docker_swap_name(r->old));
		return -1;
	}
	if (failed_before(r, res))
		return -1;
	if (!r->by_compose && docker_written_check(t->api, r->old, &err) != 0) {
		driver_result_err(res,
			docker_api_unreachable(&err) ? DRIVER_WAITING
						     : DRIVER_REFUSED,
			&err);
		return -1;
	}
	if (build(r, was, &err) != 0) {
		before_anything(r, &err, res);
		return -1;
	}
	return 0;
}

/* The name by which it was created, while that still means its image. */
static char *own_reference(const struct docker_replace *r)
{
	const char *id = json_str(json_get(r->old, "Image"));
	const char *name = json_str(json_path(r->old, "Config.Image"));
	struct json *image = name != NULL
		? docker_image_inspect(r->t->api, name, NULL)
		: NULL;
	const char *now = json_str(json_get(image, "Id"));
	bool same = now != NULL && id != NULL && strcmp(now, id) == 0;
	char *reference = xstrdup_null(same ? name : id);

	json_free(image);
	return reference;
}

int docker_prepare_dependent(struct docker_replace *r, struct json *old,
	struct docker_swap *s, struct err *err)
{
	struct strbuf platform = {0};
	const char *was;

	r->old = old;
	if (docker_pick_judge(old, STOPPED_RECREATE, false, &was, err) != 0 ||
		docker_written_check(r->t->api, old, err) != 0)
		return -1;
	r->old_image = docker_image_inspect(r->t->api,
		json_str(json_get(old, "Image")), err);
	if (r->old_image == NULL || gather(r, err) != 0)
		return -1;
	if (r->auto_remove)
		return err_fail(err, "container %s was run with --rm and would "
			"be gone for good", docker_swap_name(old));
	docker_image_platform(
		r->old_image, docker_api_platform(r->t->api), &platform);
	r->image = r->old_image;
	r->reference = r->own_reference = own_reference(r);
	r->platform = r->own_platform = platform.len > 0
		? strbuf_detach(&platform)
		: xstrdup("");
	strbuf_release(&platform);
	describe(r, was, s);
	s->role = xstrdup("dependent");
	return 0;
}

void docker_prepare_release(struct docker_replace *r)
{
	json_free(r->old);
	json_free(r->old_image);
	json_free(r->sources);
	json_free(r->info);
	json_free(r->memory);
	docker_spec_release(&r->spec);
	free(r->own_reference);
	free(r->own_platform);
}
