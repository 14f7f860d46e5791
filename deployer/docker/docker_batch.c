#include "deployer/docker/docker_batch.h"

#include "deployer/docker/docker_rollback.h"
#include "deployer/docker/docker_stop.h"

bool docker_batch_has_dependents(const struct docker_note *n)
{
	for (size_t i = 0; i < n->batch.n; i++)
		if (n->batch.v[i].role != NULL)
			return true;
	return false;
}

/* The targets that are done, the one under way, what depends on them. */
static size_t in_order(const struct docker_note *n,
	const struct docker_swap **order)
{
	size_t count = 0;

	for (size_t i = 0; i < n->batch.n; i++)
		if (n->batch.v[i].role == NULL)
			order[count++] = &n->batch.v[i];
	if (n->now.name != NULL)
		order[count++] = &n->now;
	for (size_t i = 0; i < n->batch.n; i++)
		if (n->batch.v[i].role != NULL)
			order[count++] = &n->batch.v[i];
	return count;
}

int docker_batch_undo(struct docker_api *api, const struct docker_note *n,
	int64_t patience_ms, const struct docker_swap **stuck, struct err *err)
{
	const struct docker_swap **order =
		xcalloc(n->batch.n + 1, sizeof(const struct docker_swap *));
	size_t count = in_order(n, order);
	int rc = 0;

	/* A new one that uses another's network ends before that does. */
	for (size_t i = count; count > 1 && i-- > 0;)
		if (order[i]->new_id != NULL)
			(void)docker_stop(api, order[i]->new_id,
				order[i]->signal, NULL);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		*stuck = order[i];
		rc = docker_rollback_run(
			api, order[i], n, patience_ms, err);
	}
	free(order);
	return rc;
}

int docker_batch_commit(struct docker_api *api, struct docker_note *n,
	struct err *err)
{
	if (docker_note_save(n, DOCKER_STEP_COMMIT, err) != 0)
		return -1;
	/* What uses another's network goes before that does. */
	for (size_t i = n->batch.n; i-- > 0;)
		if (docker_swap_ensure_gone(
			    api, n->batch.v[i].old_id, false, err) != 0)
			return -1;
	return docker_note_end_batch(n, err);
}

int docker_batch_stop_dependents(struct docker_api *api,
	const struct docker_note *n, struct err *err)
{
	const struct docker_swap *s;

	for (size_t i = n->batch.n; i-- > 0;) {
		s = &n->batch.v[i];
		if (s->role == NULL)
			continue;
		if (docker_stop(api, s->old_id, s->signal, err) != 0 ||
			docker_stop_retire(api, s->old_id, err) != 0)
			return err_prefix(err, "container %s, which depends on "
				"the target, cannot be stopped", s->name);
	}
	return 0;
}
