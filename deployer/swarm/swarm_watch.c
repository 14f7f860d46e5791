#include "deployer/swarm/swarm_watch.h"

#include <inttypes.h>

#include "proto/base/clock.h"

#define POLL_MS 300

static void tell(const struct swarm_rollout *r, const struct json *current,
	enum swarm_state state)
{
	int64_t wanted = swarm_wait_wanted(json_get(r->service, "Spec"));
	int64_t up = swarm_wait_running(current);
	char text[96];

	if (state == SWARM_RETURNS || current == NULL)
		snprintf(text, sizeof(text), "%s", state == SWARM_RETURNS
			? "Swarm goes back" : "Swarm updates the service");
	else if (wanted < 0)
		snprintf(text, sizeof(text), "%" PRId64 " tasks run", up);
	else
		snprintf(text, sizeof(text), "%" PRId64 " of %" PRId64
			" tasks run", up, wanted);
	docker_task_progress(r->t, text);
}

static int judge(struct swarm_rollout *r, swarm_judge_fn *fn, int64_t waited,
	enum swarm_state *state, struct err *err)
{
	const char *id = r->t->note.service;
	struct swarm_look l = {.digest = r->t->note.to, .waited_ms = waited,
		.grace_ms = r->t->run->trigger->grace};
	struct json *current = NULL, *now = NULL;
	bool needs;

	if (swarm_rollout_look(r, err) != 0)
		return -1;
	needs = swarm_wait_needs_tasks(r->service);
	current = swarm_service_tasks(
		r->t->api, id, SWARM_TASKS_CURRENT, err);
	if (current != NULL && needs)
		now = swarm_service_tasks(r->t->api, id, SWARM_TASKS_NOW, err);
	if (current == NULL || (needs && now == NULL)) {
		json_free(current);
		return -1;
	}
	if (r->since == NULL)
		r->since = swarm_since_new();
	swarm_since_see(r->since, current, clock_mono());
	l.since = r->since;
	l.service = r->service;
	l.current = current;
	l.now = now;
	*state = fn(&l);
	tell(r, current, *state);
	json_free(current);
	json_free(now);
	return 0;
}

/* No answer: later. The Swarm's own trouble (no leader, a busy one) may pass;
 * what it refuses for good does not. */
static bool passes(const struct err *err)
{
	return !docker_api_unreachable(err) && err->cls == ERR_RETRY;
}

void swarm_watch_fail(const struct swarm_rollout *r, const struct err *err,
	struct driver_result *res)
{
	if (err->code == 404)
		driver_result_set(res, DRIVER_FAILED, "service %s was removed "
			"while it was updated", r->name);
	else
		swarm_rollout_fail(r, err, res);
}

int swarm_watch(struct swarm_rollout *r, swarm_judge_fn *fn, int64_t limit_ms,
	enum swarm_state *state, struct driver_result *res)
{
	int64_t start = clock_mono(), end = start + limit_ms;
	bool returns = false;
	struct err err;
	int rc;

	for (;;) {
		*state = SWARM_GOES_ON;
		err_clear(&err);
		rc = judge(r, fn, clock_mono() - start, state, &err);
		if (rc != 0 && (!passes(&err) || clock_mono() >= end)) {
			swarm_watch_fail(r, &err, res);
			return -1;
		}
		if (*state == SWARM_RETURNS && !returns) {
			returns = true;
			end = clock_mono() +
				r->t->run->trigger->deploy.rollback_timeout;
		}
		if (*state != SWARM_GOES_ON && *state != SWARM_RETURNS)
			return 0;
		if (clock_mono() >= end)
			return 0;
		if (driver_cancelled(r->t->run)) {
			driver_result_set(res, DRIVER_CANCELLED,
				"service %s is being updated", r->name);
			return -1;
		}
		clock_sleep(POLL_MS);
	}
}
