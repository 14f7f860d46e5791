#include "deployer/swarm/swarm_plan.h"

#include <inttypes.h>

#include "deployer/swarm/swarm_deploy.h"
#include "deployer/swarm/swarm_spec.h"
#include "deployer/swarm/swarm_wait.h"

static void print_steps(const struct swarm_rollout *r)
{
	const struct json *spec = json_get(r->service, "Spec");
	const struct json *how = json_get(spec, "UpdateConfig");
	const char *order = json_str(json_get(how, "Order"));
	int64_t wanted = swarm_wait_wanted(spec);
	int64_t at_once = json_i64(json_get(how, "Parallelism"), 1);
	int64_t own = r->t->run->trigger->health_timeout;
	bool by_swarm = strcmp(swarm_wait_on_failure(spec), "rollback") == 0;
	char tasks[32] = "one task on each node";

	if (wanted >= 0)
		snprintf(tasks, sizeof(tasks), "%" PRId64 " task%s", wanted,
			wanted == 1 ? "" : "s");
	printf("steps, by the service's own UpdateConfig\n"
	       "  Swarm replaces %s, ", tasks);
	if (at_once > 0)
		printf("%" PRId64 " at once, ", at_once);
	else
		printf("all at once, ");
	printf("%s\n  wait for it, at most %" PRId64 " s\n",
		order != NULL && *order != '\0' ? order : "stop-first",
		(own > 0 ? own : swarm_wait_deadline(spec)) / 1000);
	printf("  if it fails: %s\n", by_swarm
			? "Swarm goes back (FailureAction rollback)"
			: "back to the Spec of before");
}

int swarm_plan(struct docker_task *t)
{
	const char *name = t->run->trigger->deploy.service;
	struct swarm_rollout r = {.t = t, .name = name};
	struct driver_result res = {0};
	int rc = swarm_deploy_prepare(&r, &res);

	if (rc != 0) {
		printf("service %s: %s: %s\n", name,
			driver_status_words[res.status], res.reason);
	} else {
		printf("service %s\n  %s\n  -> %s@%s\n", name,
			swarm_spec_image(json_get(r.service, "Spec")),
			t->reference, t->note.to);
		print_steps(&r);
	}
	swarm_rollout_release(&r);
	return rc != 0;
}
