#include "deployer/swarm/swarm_evidence.h"

#include "deployer/docker/docker_logs.h"
#include "deployer/swarm/swarm_wait.h"
#include "proto/base/mem.h"

#define LINES 100
/* In JSON a byte may take six; a row has 64 KiB for all. */
#define LOG_MAX ((size_t)7000)

static void copy(struct json *to, const char *key, const struct json *value)
{
	if (!json_is_null(value))
		json_set(to, key, json_copy(value));
}

/* Of the service's UpdateStatus, the task (or NULL) and its last lines (empty:
 * none). */
static struct json *evidence_of(const struct json *status,
	const struct json *task, struct str log)
{
	static const char *const kept[] = {"State", "Err", "Message",
		"Timestamp"};
	struct json *out = json_new_object(), *u, *t;

	if (!json_is_null(status)) {
		u = json_new_object();
		copy(u, "State", json_get(status, "State"));
		copy(u, "Message", json_get(status, "Message"));
		json_set(out, "update", u);
	}
	if (task != NULL) {
		t = json_new_object();
		copy(t, "ID", json_get(task, "ID"));
		copy(t, "Slot", json_get(task, "Slot"));
		copy(t, "NodeID", json_get(task, "NodeID"));
		for (size_t i = 0; i < ARRAY_LEN(kept); i++)
			copy(t, kept[i], json_get(
				json_get(task, "Status"), kept[i]));
		copy(t, "ExitCode", json_path(
			task, "Status.ContainerStatus.ExitCode"));
		json_set(out, "task", t);
	}
	if (log.n > 0)
		json_set(out, "log", json_new_strn(str_cut(log,
			log.n > LOG_MAX ? log.n - LOG_MAX : 0, log.n)));
	return out;
}

char *swarm_evidence_take(struct docker_api *api, const struct json *service,
	const char *digest, char *why, size_t n)
{
	const char *id = json_str(json_get(service, "ID"));
	struct json *all = swarm_service_tasks(api, id, SWARM_TASKS_ALL, NULL);
	const struct json *task = swarm_wait_culprit(all, digest);
	struct strbuf log = {0}, text = {0};
	struct json *j;

	*why = '\0';
	if (task != NULL) {
		swarm_wait_describe(task,
			json_str(json_path(service, "Spec.Name")), why, n);
		(void)docker_logs_get(api, DOCKER_LOGS_TASK,
			json_str(json_get(task, "ID")),
			json_bool(json_path(task, "Spec.ContainerSpec.TTY")),
			LINES, &log, NULL);
	}
	j = evidence_of(json_get(service, "UpdateStatus"), task,
		strbuf_str(&log));
	json_write(j, &text);
	json_free(j);
	json_free(all);
	strbuf_release(&log);
	return strbuf_detach(&text);
}
