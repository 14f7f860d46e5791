#include "deployer/docker/docker_compose.h"

#include <unistd.h>

#include "deployer/docker/docker_compose_up.h"
#include "deployer/docker/docker_evidence.h"
#include "deployer/docker/docker_gate.h"
#include "deployer/docker/docker_pick.h"
#include "deployer/docker/docker_prepare.h"
#include "deployer/docker/docker_restart.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define LABEL "com.docker.compose."

/* ---- the project --------------------------------------------------- */

static const char *label(const struct json *container, const char *key)
{
	const char *value = json_str(json_get(
		json_path(container, "Config.Labels"), key));

	return value != NULL && *value != '\0' ? value : NULL;
}

/* The label's list of files. Compose 1 writes them as they were given. */
static void take_paths(const struct json *container, const char *key,
	const char *folder, struct docker_compose_paths *paths)
{
	struct str rest = str_from(label(container, key)), file;

	while (str_split(&rest, ',', &file))
		if (file.n > 0)
			VEC_PUSH(paths, file.p[0] == '/'
				? xmemdup0(file.p, file.n)
				: xprintf("%s/%.*s", folder != NULL ? folder : "",
					  (int)file.n, file.p));
}

int docker_compose_from_labels(const struct json *container,
	struct docker_compose *c, struct err *err)
{
	*c = (struct docker_compose){
		.project = xstrdup_null(label(container, LABEL "project")),
		.service = xstrdup_null(label(container, LABEL "service")),
		.folder = xstrdup_null(
			label(container, LABEL "project.working_dir")),
	};
	take_paths(container, LABEL "project.config_files", c->folder,
		&c->files);
	take_paths(container, LABEL "project.environment_file", c->folder,
		&c->env_files);
	if (c->project != NULL && c->service != NULL && c->folder != NULL &&
		c->files.n > 0)
		return 0;
	docker_compose_release(c);
	return err_fail(err, "its labels do not say where its files are");
}

/* A container has its image's labels too: who made that may not say which
 * files of this machine are run. */
static int check_source(struct docker_task *t, const struct json *container,
	struct err *err)
{
	static const char *const keys[] = {LABEL "project.config_files",
		LABEL "project.working_dir", LABEL "project.environment_file"};
	const char *id = json_str(json_get(container, "Image")), *theirs;
	struct json *image = docker_image_inspect(
		t->api, id != NULL ? id : "", err);
	int rc = image != NULL ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(keys); i++) {
		theirs = label(image, keys[i]);
		if (theirs != NULL && label(container, keys[i]) != NULL &&
			strcmp(theirs, label(container, keys[i])) == 0)
			rc = err_fail(err, "it is its image that says where "
				"its files are (label %s)", keys[i]);
	}
	json_free(image);
	return rc;
}

static void release_paths(struct docker_compose_paths *paths)
{
	for (size_t i = 0; i < paths->n; i++)
		free(paths->v[i]);
	VEC_RELEASE(paths);
}

void docker_compose_release(struct docker_compose *c)
{
	free(c->project);
	free(c->service);
	free(c->folder);
	release_paths(&c->files);
	release_paths(&c->env_files);
	*c = (struct docker_compose){0};
}

static int check_paths(const struct docker_compose_paths *paths,
	struct err *err)
{
	for (size_t i = 0; i < paths->n; i++)
		if (access(paths->v[i], R_OK) != 0)
			return err_fail(err, "%s cannot be read here",
				paths->v[i]);
	return 0;
}

/* ---- a deploy --------------------------------------------------- */

/* Each of the service's containers runs the image, and well. fresh: they were
 * made just now. */
static int check(struct docker_task *t, const char *image, bool fresh,
	char **evidence, struct err *err)
{
	const struct conf_trigger *trigger = t->run->trigger;
	const struct docker_gate g = {.image = image, .fresh = fresh,
		.grace_ms = trigger->grace,
		.health_ms = trigger->health_timeout};
	struct json *list =
		docker_pick_list(t->api, &trigger->deploy, err);
	const char *id;
	int rc = list != NULL ? 0 : -1;

	if (rc == 0)
		docker_pick_sort(list);
	if (rc == 0 && json_len(list) == 0)
		rc = err_fail(err, "Compose left no container of the service");
	for (const struct json *c = json_first(list); rc == 0 && c;
		c = json_next(c)) {
		id = json_str(json_get(c, "Id"));
		rc = docker_gate_wait(t->api, id, &g, err);
		if (rc != 0 && evidence != NULL && *evidence == NULL)
			*evidence = docker_evidence_take(t->api, id);
	}
	json_free(list);
	return rc;
}

static void go_back(struct docker_task *t, const struct docker_compose *c,
	const char *old, const struct err *why, struct driver_result *res)
{
	struct err e = {0};

	docker_task_progress(t, "going back to the old image");
	if (docker_image_tag(t->api, old, t->repository,
		    t->run->job->event.tag, &e) == 0 &&
		docker_compose_up(t->api, c, &e) == 0 &&
		check(t, old, true, NULL, &e) == 0) {
		/* Without a verdict on the image nothing is remembered of it,
		 * and the next try begins anew. */
		if (why->code == DOCKER_GATE_NO_VERDICT) {
			driver_result_err(res, DRIVER_FAILED, why);
			if (docker_note_forget(&t->note, &e) != 0)
				log_warn(t->note.job, "%s", e.text);
		} else {
			driver_result_set(res, DRIVER_ROLLED_BACK,
				"%.360s; Compose made service %.100s from its "
				"former image again", why->text, c->service);
		}
	} else {
		driver_result_set(res, DRIVER_FAILED,
			"%.150s; and going back by Compose failed: %.150s. By "
			"hand: docker tag %.19s %.100s and docker compose up "
			"-d", why->text, e.text, old, t->reference);
	}
	docker_task_lap(t, "rollback");
}

/* Its files, say: no fault of the image's, if nothing was touched. */
static void compose_failed(struct docker_task *t,
	const struct docker_compose *c, const char *old,
	const struct err *why, struct driver_result *res)
{
	struct err e = {0};

	if (docker_image_tag(t->api, old, t->repository,
		    t->run->job->event.tag, &e) == 0 &&
		check(t, old, true, NULL, &e) == 0)
		driver_result_set(res, DRIVER_FAILED,
			"service %s is as it was: %s", c->service, why->text);
	else
		go_back(t, c, old, why, res);
}

static void replace(struct docker_task *t, const struct docker_compose *c,
	const char *old, struct driver_result *res)
{
	const char *image = json_str(json_get(t->image, "Id"));
	struct err err = {0};
	int rc;

	/* Before the tag is another's: it may be all that the old image is
	 * known by. */
	free(t->note.from_image);
	t->note.from_image = xstrdup_null(old);
	if (docker_task_tag(t, &err) != 0 ||
		docker_note_save(&t->note, DOCKER_STEP_START, &err) != 0) {
		driver_result_err(res, DRIVER_FAILED, &err);
		return;
	}
	docker_task_progress(t, "running Compose");
	if (docker_compose_up(t->api, c, &err) != 0) {
		docker_task_lap(t, "start");
		compose_failed(t, c, old, &err, res);
		return;
	}
	docker_task_lap(t, "start");
	if (check(t, image, true, &t->note.evidence, &err) == 0) {
		docker_task_lap(t, "gate");
		rc = docker_restart_dependents(t, &err);
		driver_result_set(res, DRIVER_DEPLOYED,
			"service %s runs %s, by Compose and its files%s%.200s",
			c->service, t->reference, rc != 0 ? "; " : "",
			rc != 0 ? err.text : "");
		return;
	}
	docker_task_lap(t, "gate");
	if (docker_api_unreachable(&err))
		driver_result_err(res, DRIVER_WAITING, &err);
	else
		go_back(t, c, old, &err, res);
}

/* The id of the image to go back to, or NULL. By its digest, if it was not
 * Compose that the job began with; containerd's store forgets that with the
 * last tag. */
static char *former_image(const struct docker_task *t)
{
	char *name, *id;
	struct json *image;

	if (t->note.from_image != NULL)
		return xstrdup(t->note.from_image);
	name = xprintf("%s@%s", t->repository, t->note.from);
	image = docker_image_inspect(t->api, name, NULL);
	id = xstrdup_null(json_str(json_get(image, "Id")));
	json_free(image);
	free(name);
	return id;
}

/* An earlier process ended while Compose was at work, or at the gate. */
static void go_on(struct docker_task *t, const struct docker_compose *c,
	struct driver_result *res)
{
	char *old = former_image(t);
	struct err err = {0};

	if (check(t, json_str(json_get(t->image, "Id")), false,
		    &t->note.evidence, &err) == 0)
		driver_result_set(res, DRIVER_DEPLOYED,
			"service %s runs %s, by Compose and its files; "
			"finished after a restart of the deployer", c->service,
			t->reference);
	else if (docker_api_unreachable(&err))
		driver_result_err(res, DRIVER_WAITING, &err);
	else if (old == NULL)
		driver_result_err(res, DRIVER_FAILED, &err);
	else
		go_back(t, c, old, &err, res);
	free(old);
}

/* Then one that does not run may have been stopped by Compose, or have ended
 * at the gate; nobody else would start it. */
static bool was_cut_off(const struct docker_note *note)
{
	return note->found && docker_note_is_at(note, DOCKER_STEP_START);
}

/* Refused, unchanged and the like; 0: the first that is to be replaced. */
static int look(struct docker_task *t, const struct json *list,
	struct docker_replace *r, struct driver_result *res)
{
	for (const struct json *c = json_first(list); c; c = json_next(c)) {
		*r = (struct docker_replace){.t = t,
			.swap = &t->note.now,
			.by_compose = true};
		if (docker_prepare(r, json_str(json_get(c, "Id")), res) == 0) {
			docker_swap_release(r->swap);
			return 0;
		}
		docker_prepare_release(r);
		if (res->status != DRIVER_UNCHANGED)
			return -1;
	}
	return -1;
}

int docker_compose_find(struct docker_task *t, const struct json *list,
	struct docker_compose *c, struct err *why)
{
	struct json *first = docker_container_inspect(t->api,
		json_str(json_get(json_first(list), "Id")), why);
	int rc = first != NULL ? docker_compose_from_labels(first, c, why) : -1;

	if (rc == 0) {
		if (check_source(t, first, why) != 0)
			rc = -1;
		else if (strncmp(docker_api_endpoint(t->api), "unix:", 5) != 0)
			rc = err_fail(why, "Compose is run for engines on a "
				"unix socket only");
		else if (check_paths(&c->files, why) != 0 ||
			check_paths(&c->env_files, why) != 0)
			rc = -1;
		if (rc != 0)
			docker_compose_release(c);
	}
	json_free(first);
	return rc;
}

bool docker_compose_deploy(struct docker_task *t, const struct json *list,
	struct driver_result *res, struct err *why)
{
	struct docker_replace r = {0};
	struct docker_compose c;

	if (docker_compose_find(t, list, &c, why) != 0)
		return false;
	t->mends |= was_cut_off(&t->note);
	if (look(t, list, &r, res) == 0) {
		replace(t, &c, json_str(json_get(r.old, "Image")), res);
		docker_prepare_release(&r);
	} else if (t->note.found && res->status == DRIVER_UNCHANGED) {
		go_on(t, &c, res);
	}
	docker_compose_release(&c);
	return true;
}
