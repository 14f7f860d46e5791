#include "deployer/docker/docker_note.h"

#include "deployer/docker/docker_memory.h"
#include "proto/base/fail.h"
#include "proto/base/mem.h"

void docker_note_digest(char out[DRIVER_DIGEST_MAX], const char *digest)
{
	if (digest != NULL && strlen(digest) < DRIVER_DIGEST_MAX)
		memcpy(out, digest, strlen(digest) + 1);
}

int docker_note_parse(struct docker_note *n, struct journal *journal,
	const char *job, const char *text, struct err *err)
{
	static const struct json_limits limits = {.nodes = 1000000};
	struct json *root = NULL;
	const struct json *now;

	*n = (struct docker_note){.journal = journal, .job = job};
	n->done = json_new_array();
	if (text == NULL)
		return 0;
	root = json_parse(str_from(text), &limits, err);
	if (root == NULL)
		return err_prefix(err, "journal entry of job %s", job);
	n->found = true;
	n->step = xstrdup_null(json_str(json_get(root, "step")));
	n->reason = xstrdup_null(json_str(json_get(root, "reason")));
	n->reference = xstrdup_null(json_str(json_get(root, "reference")));
	n->from_reference =
		xstrdup_null(json_str(json_get(root, "from_reference")));
	n->from_image = xstrdup_null(json_str(json_get(root, "from_image")));
	n->target = xstrdup_null(json_str(json_get(root, "target")));
	n->evidence = xstrdup_null(json_str(json_get(root, "evidence")));
	n->total = json_i64(json_get(root, "total"), 0);
	n->service = xstrdup_null(json_str(json_get(root, "service")));
	n->version = json_i64(json_get(root, "version"), 0);
	n->mark = json_i64(json_get(root, "mark"), -1);
	docker_note_digest(n->from, json_str(json_get(root, "from")));
	docker_note_digest(n->to, json_str(json_get(root, "to")));
	if (json_kind(json_get(root, "done")) == JSON_ARRAY) {
		json_free(n->done);
		n->done = json_detach(root, "done");
	}
	now = json_get(root, "now");
	if (!json_is_null(now) && docker_swap_from_json(now, &n->now) != 0) {
		json_free(root);
		return err_fail(err, "journal entry of job %s is incomplete",
			job);
	}
	for (const struct json *b = json_first(json_get(root, "batch")); b;
		b = json_next(b)) {
		struct docker_swap s;

		if (docker_swap_from_json(b, &s) == 0)
			VEC_PUSH(&n->batch, s);
	}
	json_free(root);
	return 0;
}

int docker_note_load(struct docker_note *n, struct journal *journal,
	const char *job, struct err *err)
{
	char *text = NULL;
	int rc;

	*n = (struct docker_note){0};
	if (journal->get(journal, job, &text, err) != 0)
		return -1;
	rc = docker_note_parse(n, journal, job, text, err);
	free(text);
	return rc;
}

static int journal_failed(struct err *err)
{
	if (err != NULL)
		err->code = DOCKER_NOTE_FAILED;
	return err_prefix(err, "the journal cannot be written");
}

int docker_note_save(struct docker_note *n, const char *step, struct err *err)
{
	struct json *root = json_new_object();
	struct strbuf text = {0};
	int rc;

	json_set_str(root, "step", step);
	if (n->reason != NULL)
		json_set_str(root, "reason", n->reason);
	if (n->reference != NULL)
		json_set_str(root, "reference", n->reference);
	if (n->from_reference != NULL)
		json_set_str(root, "from_reference", n->from_reference);
	if (n->from_image != NULL)
		json_set_str(root, "from_image", n->from_image);
	if (n->target != NULL)
		json_set_str(root, "target", n->target);
	if (n->evidence != NULL)
		json_set_str(root, "evidence", n->evidence);
	json_set_str(root, "from", n->from);
	json_set_str(root, "to", n->to);
	json_set_i64(root, "total", n->total);
	if (n->service != NULL) {
		json_set_str(root, "service", n->service);
		json_set_i64(root, "version", n->version);
		json_set_i64(root, "mark", n->mark);
	}
	json_set(root, "done", json_copy(n->done));
	if (n->now.name != NULL)
		json_set(root, "now", docker_swap_to_json(&n->now));
	for (size_t i = 0; i < n->batch.n; i++) {
		if (i == 0)
			json_set(root, "batch", json_new_array());
		json_push(json_get(root, "batch"),
			docker_swap_to_json(&n->batch.v[i]));
	}
	json_write(root, &text);
	json_free(root);
	/* journal.put is the mutation that the tests must catch. */
	rc = FAIL_POINT("journal.put") ? 0 : n->journal->put(
		n->journal, n->job, strbuf_cstr(&text), err);
	strbuf_release(&text);
	if (rc != 0)
		return journal_failed(err);
	if (n->step != step) {
		free(n->step);
		n->step = xstrdup(step);
	}
	return 0;
}

static void remember(const struct docker_note *n, const struct docker_swap *s)
{
	if (n->engine != NULL && s->name != NULL)
		docker_memory_set_container(
			n->journal, n->engine, s->name, s->memory);
}

int docker_note_end(struct docker_note *n, const char *name, bool done,
	struct err *err)
{
	if (done && !docker_note_is_done(n, name)) {
		json_push(n->done, json_new_str(name));
		remember(n, &n->now);
	}
	if (n->now.name != NULL && strcmp(n->now.name, name) == 0)
		docker_swap_release(&n->now);
	return docker_note_save(n, DOCKER_STEP_DONE, err);
}

void docker_note_keep(struct docker_note *n)
{
	VEC_PUSH(&n->batch, n->now);
	n->now = (struct docker_swap){0};
}

struct docker_swap *docker_note_kept(const struct docker_note *n,
	const char *name)
{
	for (size_t i = 0; i < n->batch.n; i++)
		if (strcmp(n->batch.v[i].name, name) == 0)
			return &n->batch.v[i];
	return NULL;
}

void docker_note_drop_batch(struct docker_note *n)
{
	for (size_t i = 0; i < n->batch.n; i++)
		docker_swap_release(&n->batch.v[i]);
	VEC_RELEASE(&n->batch);
	docker_swap_release(&n->now);
}

int docker_note_end_batch(struct docker_note *n, struct err *err)
{
	for (size_t i = 0; i < n->batch.n; i++) {
		remember(n, &n->batch.v[i]);
		if (n->batch.v[i].role == NULL &&
			!docker_note_is_done(n, n->batch.v[i].name))
			json_push(n->done, json_new_str(n->batch.v[i].name));
	}
	docker_note_drop_batch(n);
	return docker_note_save(n, DOCKER_STEP_DONE, err);
}

bool docker_note_is_done(const struct docker_note *n, const char *name)
{
	const struct json *d = json_first(n->done);

	for (; d; d = json_next(d))
		if (json_str(d) != NULL && strcmp(json_str(d), name) == 0)
			return true;
	return false;
}

bool docker_note_is_complete(const struct docker_note *n)
{
	return n->total > 0 && (int64_t)json_len(n->done) >= n->total;
}

bool docker_note_is_at(const struct docker_note *n, const char *step)
{
	return n != NULL && n->step != NULL && strcmp(n->step, step) == 0;
}

bool docker_note_is_returned(const struct docker_note *n)
{
	return n->reason != NULL && docker_note_is_at(n, DOCKER_STEP_RETURNED);
}

int docker_note_forget(struct docker_note *n, struct err *err)
{
	if (n->journal->del(n->journal, n->job, err) != 0)
		return journal_failed(err);
	return 0;
}

void docker_note_release(struct docker_note *n)
{
	free(n->step);
	free(n->reason);
	free(n->stuck);
	free(n->service);
	free(n->reference);
	free(n->from_reference);
	free(n->from_image);
	free(n->target);
	free(n->evidence);
	json_free(n->done);
	docker_note_drop_batch(n);
	*n = (struct docker_note){0};
}
