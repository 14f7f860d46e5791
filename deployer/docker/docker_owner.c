#include "deployer/docker/docker_owner.h"

#include <inttypes.h>
#include <unistd.h>

#include "deployer/docker/docker_self.h"
#include "deployer/docker/docker_settle.h"
#include "proto/base/mem.h"

#define CONTAINER STR("container ")
#define STATE_FIELD 3 /* of /proc/PID/stat, and when it started */
#define START_FIELD 22
#define PART_MAX 128

/* The first line of a small file, "" when it cannot be read. */
static void first_line(const char *path, char *out, int n)
{
	FILE *f = fopen(path, "re");

	if (f == NULL || fgets(out, n, f) == NULL)
		*out = '\0';
	out[strcspn(out, "\n")] = '\0';
	if (f != NULL)
		fclose(f);
}

/* When the process started, as proc(5) counts; -1: it is not, or is over. */
static int64_t started(int64_t pid)
{
	char path[64], stat[1024];
	struct str rest, field = {0};
	int64_t start = -1;
	char *end;

	snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
	first_line(path, stat, sizeof(stat));
	end = strrchr(stat, ')'); /* its name may have anything in it */
	if (end == NULL || end[1] != ' ')
		return -1;
	rest = str_from(end + 2);
	for (int i = STATE_FIELD; i <= START_FIELD; i++) {
		if (!str_split(&rest, ' ', &field))
			return -1;
		if (i == STATE_FIELD && field.n == 1 && field.p[0] == 'Z')
			return -1;
	}
	return str_to_i64(field, &start) == 0 ? start : -1;
}

/* "process BOOT NAMESPACE PID START": what makes a pid mean one process. */
static char *process(int64_t pid)
{
	char boot[PART_MAX], space[PART_MAX];
	ssize_t n = readlink("/proc/self/ns/pid", space, sizeof(space) - 1);

	space[n > 0 ? n : 0] = '\0';
	first_line("/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
	return xprintf("process %s %s %" PRId64 " %" PRId64, boot, space, pid,
		started(pid));
}

char *docker_owner_self(void)
{
	char id[DOCKER_ID_LEN];

	docker_self_id(id);
	return id[0] != '\0' ? xprintf("container %s", id) : process(getpid());
}

static int container_runs(struct docker_api *api, const char *id,
	struct err *err)
{
	struct json *c = NULL;
	int rc = docker_settle_look(api, id, &c, err);

	if (rc == 0 && json_bool(json_path(c, "State.Running")))
		rc = 1;
	json_free(c);
	return rc;
}

/* The pid that such a text names; -1: it is none. */
static int64_t pid_of(const char *owner)
{
	struct str rest = str_from(owner), part = {0};
	int64_t pid;

	for (int i = 0; i < 4; i++)
		if (!str_split(&rest, ' ', &part))
			return -1;
	return str_to_i64(part, &pid) == 0 && pid > 0 ? pid : -1;
}

int docker_owner_is_other(struct docker_api *api, const char *owner,
	struct err *err)
{
	char *self = docker_owner_self(), *now = NULL;
	int rc = 0;

	if (owner == NULL || strcmp(owner, self) == 0) {
		rc = 0;
	} else if (str_starts(str_from(owner), CONTAINER)) {
		rc = container_runs(api, owner + CONTAINER.n, err);
	} else if (pid_of(owner) > 0) {
		now = process(pid_of(owner));
		rc = strcmp(owner, now) == 0;
	}
	free(now);
	free(self);
	return rc;
}
