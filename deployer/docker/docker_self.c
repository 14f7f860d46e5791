#include "deployer/docker/docker_self.h"

#include <pthread.h>

#include "proto/base/enc.h"
#include "proto/base/mem.h"
#include "proto/base/vec.h"

#define CONTAINERS STR("/containers/")
#define ROOT_FIELD 3
#define POINT_FIELD 4

/* …/containers/<64 hex>/hostname */
static bool id_in_path(struct str path, char id[DOCKER_ID_LEN])
{
	unsigned char raw[32];
	struct str hex;

	for (; path.n > CONTAINERS.n; path = str_cut(path, 1, path.n)) {
		hex = str_cut(path, CONTAINERS.n, CONTAINERS.n + 64);
		if (!str_starts(path, CONTAINERS) ||
			enc_unhex(hex, raw, sizeof(raw)) != 0)
			continue;
		memcpy(id, hex.p, hex.n);
		id[hex.n] = '\0';
		return true;
	}
	return false;
}

void docker_self_id_in(struct str mountinfo, char id[DOCKER_ID_LEN])
{
	struct str line, field, root, point;
	size_t i;

	/*
	 * The engine mounts files of its own at /etc/hosts and others. On the
	 * host itself the containers' shm mounts have such paths as well, but
	 * as the mount point.
	 */
	while (str_split(&mountinfo, '\n', &line)) {
		root = point = (struct str){0};
		for (i = 0; i <= POINT_FIELD && str_split(&line, ' ', &field); i++)
			if (i == ROOT_FIELD)
				root = field;
			else if (i == POINT_FIELD)
				point = field;
		if (str_starts(point, STR("/etc/")) && id_in_path(root, id))
			return;
	}
	id[0] = '\0';
}

void docker_self_id(char id[DOCKER_ID_LEN])
{
	struct strbuf text = {0};
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char part[4096];
	size_t n;

	while (f != NULL && (n = fread(part, 1, sizeof(part), f)) > 0)
		strbuf_add(&text, part, n);
	if (f != NULL)
		fclose(f);
	docker_self_id_in(strbuf_str(&text), id);
	strbuf_release(&text);
}

/* ---- claims ------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static VEC(char *) claims; /* under the lock; owned */

/* Index of the claim, or claims.n. */
static size_t find(const char *claim)
{
	size_t i = 0;

	while (i < claims.n && strcmp(claims.v[i], claim) != 0)
		i++;
	return i;
}

bool docker_self_claim(const char *endpoint, const char *name)
{
	char *claim = xprintf("%s %s", endpoint, name);
	bool free_yet;

	pthread_mutex_lock(&lock);
	free_yet = find(claim) == claims.n;
	if (free_yet)
		VEC_PUSH(&claims, claim);
	pthread_mutex_unlock(&lock);
	if (!free_yet)
		free(claim);
	return free_yet;
}

void docker_self_release(const char *endpoint, const char *name)
{
	char *claim = xprintf("%s %s", endpoint, name);
	size_t i;

	pthread_mutex_lock(&lock);
	i = find(claim);
	if (i < claims.n) {
		free(claims.v[i]);
		VEC_REMOVE_SWAP(&claims, i);
	}
	if (claims.n == 0)
		VEC_RELEASE(&claims);
	pthread_mutex_unlock(&lock);
	free(claim);
}
