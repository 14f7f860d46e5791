#include "deployer/swarm/swarm_wait.h"

#include <inttypes.h>

#include "deployer/swarm/swarm_spec.h"

/* So long UpdateStatus may be absent though something is to be replaced. */
#define SETTLE_MS 5000
#define PULL_MS (INT64_C(10) * 60 * 1000)
#define LIMIT_MAX (INT64_C(24) * 60 * 60 * 1000)
#define NS_PER_MS INT64_C(1000000)

static bool is(const struct json *j, const char *want)
{
	return json_str(j) != NULL && strcmp(json_str(j), want) == 0;
}

/* ---- tasks ------------------------------------------------------------------ */

static bool runs(const struct json *task)
{
	return is(json_path(task, "Status.State"), "running") &&
		is(json_get(task, "DesiredState"), "running");
}

static bool failed(const struct json *task)
{
	const struct json *state = json_path(task, "Status.State");

	return is(state, "failed") || is(state, "rejected");
}

int64_t swarm_wait_running(const struct json *current)
{
	int64_t n = 0;

	for (const struct json *t = json_first(current); t; t = json_next(t))
		n += runs(t);
	return n;
}

int64_t swarm_wait_wanted(const struct json *spec)
{
	if (json_path(spec, "Mode.Global") != NULL)
		return -1;
	return json_i64(json_path(spec, "Mode.Replicated.Replicas"), 1);
}

static bool any_failed(const struct json *current)
{
	for (const struct json *t = json_first(current); t; t = json_next(t))
		if (failed(t))
			return true;
	return false;
}

/* Its tasks may end by themselves, and are then not made anew. */
static bool may_finish(const struct json *spec)
{
	const struct json *condition = json_path(
		spec, "TaskTemplate.RestartPolicy.Condition");

	return is(condition, "none") || is(condition, "on-failure");
}

/* As many as are wanted run, and have for so long. Of a global service: each
 * that is to run. */
static bool all_are_up(const struct swarm_look *l, int64_t ms)
{
	const struct json *spec = json_get(l->service, "Spec");
	int64_t wanted = swarm_wait_wanted(spec), up = 0;

	for (const struct json *t = json_first(l->current); t; t = json_next(t)) {
		if (runs(t) && (ms == 0 || swarm_since_up(l->since, t) >= ms))
			up++;
		else if (may_finish(spec) &&
			is(json_path(t, "Status.State"), "complete"))
			up++;
		else if (wanted < 0 && is(json_get(t, "DesiredState"), "running"))
			return false;
	}
	return up >= wanted;
}

/* Where none has failed, Swarm has watched them long enough. */
static bool stay_up(const struct swarm_look *l)
{
	return all_are_up(l, any_failed(l->current) ? l->grace_ms : 0);
}

/* Is there no task left that was made by another Spec? */
static bool all_are_current(const struct swarm_look *l)
{
	const struct json *t = json_first(l->now), *c;

	for (; t; t = json_next(t)) {
		c = json_first(l->current);
		while (c != NULL && !json_equal(json_get(c, "ID"),
				json_get(t, "ID")))
			c = json_next(c);
		if (c == NULL)
			return false;
	}
	return true;
}

/* ---- the verdict ------------------------------------------------------------ */

static const struct json *status(const struct json *service)
{
	const struct json *state = json_path(service, "UpdateStatus.State");

	/* Older engines say "" where newer ones leave it out. */
	return json_str(state) != NULL && *json_str(state) != '\0' ? state
								   : NULL;
}

bool swarm_wait_needs_tasks(const struct json *service)
{
	const struct json *state = status(service);

	return state == NULL || is(state, "completed");
}

/* No status: nothing to replace, or not begun. */
static enum swarm_state without_status(const struct swarm_look *l)
{
	int64_t wanted = swarm_wait_wanted(json_get(l->service, "Spec"));

	if (wanted == 0)
		return SWARM_DONE;
	if (l->waited_ms < SETTLE_MS || !all_are_current(l))
		return SWARM_GOES_ON;
	return stay_up(l) ? SWARM_DONE : SWARM_GOES_ON;
}

enum swarm_state swarm_wait_judge(const struct swarm_look *l)
{
	const struct json *state = status(l->service);
	bool ours = swarm_spec_has(json_get(l->service, "Spec"), l->digest);

	if (is(state, "rollback_started"))
		return SWARM_RETURNS;
	if (is(state, "rollback_completed"))
		return SWARM_RETURNED;
	if (is(state, "rollback_paused"))
		return SWARM_LOST;
	if (!ours)
		return SWARM_OVERTAKEN;
	if (state == NULL)
		return without_status(l);
	if (is(state, "paused"))
		return SWARM_STUCK;
	if (!is(state, "completed"))
		return SWARM_GOES_ON;
	return stay_up(l) ? SWARM_DONE : SWARM_GOES_ON;
}

enum swarm_state swarm_wait_judge_back(const struct swarm_look *l)
{
	const struct json *state = status(l->service);

	if (swarm_spec_has(json_get(l->service, "Spec"), l->digest))
		return SWARM_GOES_ON;
	if (is(state, "rollback_completed") || is(state, "completed"))
		return SWARM_RETURNED;
	if (is(state, "rollback_paused") || is(state, "paused"))
		return SWARM_LOST;
	if (state == NULL && without_status(l) == SWARM_DONE)
		return SWARM_RETURNED;
	return SWARM_GOES_ON;
}

/* ---- limits ----------------------------------------------------------------- */

const char *swarm_wait_on_failure(const struct json *spec)
{
	const char *action = json_str(
		json_path(spec, "UpdateConfig.FailureAction"));

	return action != NULL && *action != '\0' ? action : "pause";
}

/* What an API takes of nonsense must not overflow here. */
static int64_t ms_at(const struct json *j, const char *path, int64_t fallback)
{
	int64_t ns = json_i64(json_path(j, path), 0);
	int64_t ms = ns > 0 ? ns / NS_PER_MS : fallback;

	return ms < LIMIT_MAX ? ms : LIMIT_MAX;
}

static int64_t at_most(int64_t n, int64_t max)
{
	return n < max ? n : max;
}

int64_t swarm_wait_deadline(const struct json *spec)
{
	const struct json *c = json_path(spec, "TaskTemplate.ContainerSpec");
	const struct json *health = json_get(c, "Healthcheck");
	int64_t wanted = swarm_wait_wanted(spec), rounds;
	int64_t at_once = json_i64(json_path(spec, "UpdateConfig.Parallelism"), 1);
	int64_t retries = json_i64(json_get(health, "Retries"), 0);
	int64_t probes = 1 + (retries > 0 ? at_most(retries, 1000) : 3);
	int64_t round = ms_at(spec, "UpdateConfig.Delay", 0) +
		ms_at(spec, "UpdateConfig.Monitor", 5000) +
		ms_at(c, "StopGracePeriod", 10000) +
		ms_at(health, "StartPeriod", 0) +
		probes * (ms_at(health, "Interval", 30000) +
			ms_at(health, "Timeout", 30000));

	if (wanted < 0)
		wanted = 10; /* nodes; nobody tells how many */
	rounds = at_once > 0 ? (wanted - 1) / at_once + 1 : 1;
	return at_most(PULL_MS + (wanted > 0 ? at_most(rounds, 10000) : 1) *
			round, LIMIT_MAX);
}

/* ---- why -------------------------------------------------------------------- */

/* What tells more comes first: an error, then an end that nobody wanted. */
static int rank(const struct json *task)
{
	const struct json *state = json_path(task, "Status.State");
	const char *err = json_str(json_path(task, "Status.Err"));

	if (failed(task))
		return 3;
	if (err != NULL && *err != '\0')
		return 2;
	return is(state, "complete") || is(state, "orphaned") ? 1 : 0;
}

const struct json *swarm_wait_culprit(const struct json *all,
	const char *digest)
{
	const struct json *best = NULL;
	const char *at, *best_at = "";

	for (const struct json *t = json_first(all); t; t = json_next(t)) {
		const char *image = json_str(
			json_path(t, "Spec.ContainerSpec.Image"));

		at = json_str(json_path(t, "Status.Timestamp"));
		if (image == NULL || at == NULL || rank(t) == 0 ||
			strstr(image, digest) == NULL)
			continue;
		if (best == NULL || rank(t) > rank(best) ||
			(rank(t) == rank(best) && strcmp(at, best_at) > 0)) {
			best = t;
			best_at = at;
		}
	}
	return best;
}

void swarm_wait_describe(const struct json *task, const char *service,
	char *out, size_t n)
{
	const char *state = json_str(json_path(task, "Status.State"));
	const char *err = json_str(json_path(task, "Status.Err"));
	const char *message = json_str(json_path(task, "Status.Message"));
	int64_t slot = json_i64(json_get(task, "Slot"), 0);
	char where[24] = "";

	if (slot > 0)
		snprintf(where, sizeof(where), ".%" PRId64, slot);
	snprintf(out, n, "task %s%s is %s: %.200s", service, where,
		state != NULL ? state : "in no known state",
		err != NULL && *err != '\0' ? err
			: message != NULL   ? message
					    : "it said nothing");
}
