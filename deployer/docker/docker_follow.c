#include "deployer/docker/docker_follow.h"

#include "deployer/docker/docker_batch.h"
#include "deployer/docker/docker_depend.h"
#include "deployer/docker/docker_step.h"

static int add(struct docker_follow *f, struct docker_task *t,
	const struct json *container, struct err *err)
{
	struct docker_replace r = {.t = t};
	struct docker_swap s = {0};
	int rc;

	rc = docker_prepare_dependent(&r, json_copy(container), &s, err);
	if (rc == 0) {
		VEC_PUSH(&t->note.batch, s);
		VEC_PUSH(&f->list, r);
		return 0;
	}
	docker_prepare_release(&r);
	docker_swap_release(&s);
	return err_prefix(err, "container %s depends on the target and cannot "
		"go along", docker_swap_name(container));
}

int docker_follow_prepare(struct docker_follow *f, struct docker_task *t,
	const struct json *targets,
	int (*claim)(void *ctx, const char *name, struct err *err), void *ctx,
	struct err *err)
{
	struct json *found;
	int rc = 0;

	if (f->looked)
		return 0;
	found = docker_depend_find(t->api, targets, err);
	if (found == NULL)
		return -1;
	for (const struct json *c = json_first(found); rc == 0 && c;
		c = json_next(c)) {
		rc = claim(ctx, docker_swap_name(c), err);
		if (rc == 0)
			rc = add(f, t, c, err);
	}
	json_free(found);
	f->looked = rc == 0;
	return rc;
}

int docker_follow_stop(struct docker_follow *f, struct docker_task *t,
	struct err *err)
{
	if (f->asleep || f->list.n == 0)
		return 0;
	f->asleep = true;
	docker_task_progress(t, "stopping what depends on it");
	if (docker_note_save(&t->note, DOCKER_STEP_STOP, err) != 0)
		return -1;
	return docker_batch_stop_dependents(t->api, &t->note, err);
}

/* Old ids to new ones, of all that has been replaced so far. */
static struct json *successors(const struct docker_note *n)
{
	struct json *map = json_new_object();
	const struct docker_swap *s;

	for (size_t i = 0; i < n->batch.n; i++) {
		s = &n->batch.v[i];
		if (s->new_id != NULL)
			json_set_str(map, s->old_id, s->new_id);
	}
	return map;
}

static int replace_one(struct docker_replace *r, struct err *err)
{
	struct json *map = successors(&r->t->note);
	bool starts = strcmp(r->swap->was, "stopped") != 0;
	int rc = docker_prepare_body(r, map, err);

	json_free(map);
	r->stopped = true;
	if (rc == 0)
		rc = docker_step_create(r, err);
	if (rc == 0)
		rc = docker_step_rename(r, err);
	if (rc == 0 && starts)
		rc = docker_step_start(r, err);
	if (rc == 0 && starts)
		rc = docker_step_gate(r, err);
	return rc;
}

int docker_follow_replace(struct docker_follow *f, struct docker_task *t,
	struct err *err)
{
	struct docker_replace *r;

	for (size_t i = 0; i < f->list.n; i++) {
		r = &f->list.v[i];
		r->swap = docker_note_kept(&t->note, docker_swap_name(r->old));
		if (replace_one(r, err) != 0)
			return err_prefix(err, "%s, which depends on the target",
				r->swap->name);
	}
	return 0;
}

void docker_follow_release(struct docker_follow *f)
{
	for (size_t i = 0; i < f->list.n; i++)
		docker_prepare_release(&f->list.v[i]);
	VEC_RELEASE(&f->list);
}
