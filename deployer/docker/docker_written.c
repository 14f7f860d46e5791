#include "deployer/docker/docker_written.h"

#include <inttypes.h>

#include "deployer/docker/docker_swap.h"
#include "proto/base/log.h"
#include "proto/base/vec.h"

#define SECRETS STR("/run/secrets/")
enum { MODIFIED, ADDED };
/* Of Go's os.FileMode: folder, link, device, pipe, socket, other device,
 * irregular. */
#define NO_FILE ((int64_t)0x8f280000)
#define ROUNDED_MS 500 /* to the nearest second */
/* A first start may wait so long for what it depends on. */
#define FIRST_MS (10 * 60 * 1000)
/* An `up` of a stopped one writes them again, just before its start. */
#define AGAIN_MS 10000

bool docker_written_is_possible(const struct json *container)
{
	return json_get(json_path(container, "Config.Labels"),
		       "com.docker.compose.project") != NULL;
}

static bool covers(const char *mount, const char *path)
{
	struct str at = str_from(mount), p = str_from(path);

	return at.n > 0 && str_starts(p, at) &&
		(p.n == at.n || p.p[at.n] == '/');
}

/* The place of a mount is an empty file of the container's own, too. A tmpfs of
 * `--tmpfs` is not among the mounts that the engine tells. */
static bool is_mounted(const struct json *container, const char *path)
{
	const struct json *m = json_first(json_get(container, "Mounts"));

	for (; m; m = json_next(m))
		if (covers(json_str(json_get(m, "Destination")), path))
			return true;
	m = json_first(json_path(container, "HostConfig.Tmpfs"));
	for (; m; m = json_next(m))
		if (covers(json_key(m), path))
			return true;
	return false;
}

/* ---- which files to look at ------------------------------------------ */

struct place {
	const char *path;
	size_t depth;
};

static int rank(char c)
{
	return c == '\0' ? 0 : c == '/' ? 1 : (unsigned char)c + 1;
}

/* A folder comes right before what is in it. */
static int by_path(const void *a, const void *b)
{
	const char *p = ((const struct place *)a)->path;
	const char *q = ((const struct place *)b)->path;

	while (*p != '\0' && *p == *q)
		p++, q++;
	return rank(*p) - rank(*q);
}

static int by_depth(const void *a, const void *b)
{
	const struct place *p = a, *q = b;

	if (p->depth != q->depth)
		return p->depth < q->depth ? -1 : 1;
	return strcmp(p->path, q->path);
}

static bool is_in(const char *folder, const char *path)
{
	size_t n = strlen(folder);

	return strncmp(folder, path, n) == 0 && path[n] == '/';
}

struct json *docker_written_candidates(const struct json *container,
	const struct json *changes, size_t max, size_t *more)
{
	VEC(struct place) all = {0};
	struct json *list = json_new_array();
	size_t n = 0;

	for (const struct json *c = json_first(changes); c; c = json_next(c)) {
		struct place p = {json_str(json_get(c, "Path")), 0};
		int64_t kind = json_i64(json_get(c, "Kind"), -1);

		if (p.path == NULL || (kind != ADDED && kind != MODIFIED))
			continue;
		for (const char *s = p.path; *s != '\0'; s++)
			p.depth += *s == '/';
		VEC_PUSH(&all, p);
	}
	if (all.n > 0)
		qsort(all.v, all.n, sizeof(*all.v), by_path);
	for (size_t i = 0; i < all.n; i++)
		if ((i + 1 == all.n ||
			    !is_in(all.v[i].path, all.v[i + 1].path)) &&
			!is_mounted(container, all.v[i].path))
			all.v[n++] = all.v[i];
	if (n > 0)
		qsort(all.v, n, sizeof(*all.v), by_depth);
	for (size_t i = 0; i < n && i < max; i++)
		json_push(list, json_new_str(all.v[i].path));
	*more = n > max ? n - max : 0;
	VEC_RELEASE(&all);
	return list;
}

struct json *docker_written_secrets(const struct json *container,
	const struct json *changes, size_t max)
{
	struct json *added = json_new_array(), *list;
	size_t more;

	for (const struct json *c = json_first(changes); c; c = json_next(c)) {
		const char *path = json_str(json_get(c, "Path"));

		if (path != NULL && json_i64(json_get(c, "Kind"), 0) == ADDED &&
			str_starts(str_from(path), SECRETS))
			json_push(added, json_copy(c));
	}
	list = docker_written_candidates(container, added, max, &more);
	json_free(added);
	return list;
}

/* ---- what one of them is -------------------------------------------------- */

/* 0: at *ms, a whole second and nothing finer. */
static int whole_second(const struct json *stat, int64_t *ms)
{
	struct str text = str_from(json_str(json_get(stat, "mtime")));

	return str_find(text, '.') == text.n ? str_to_time(text, ms) : -1;
}

static bool is_file(const struct json *stat)
{
	return (json_i64(json_get(stat, "mode"), NO_FILE) & NO_FILE) == 0;
}

bool docker_written_is_secret(const struct json *stat)
{
	int64_t at;

	return is_file(stat) && whole_second(stat, &at) == 0;
}

bool docker_written_is_copy(const struct json *container,
	const struct json *stat)
{
	struct str created = str_from(json_str(json_get(container, "Created")));
	struct str started =
		str_from(json_str(json_path(container, "State.StartedAt")));
	int64_t from, to = INT64_MAX, at;

	if (!is_file(stat) || whole_second(stat, &at) != 0 ||
		str_to_time(created, &from) != 0)
		return false;
	if (docker_swap_started(container) && str_to_time(started, &to) != 0)
		return false;
	/* What runs can write for itself from its start on. */
	if (at < from - ROUNDED_MS || (to < INT64_MAX && at > to + ROUNDED_MS))
		return false;
	return at <= from + FIRST_MS ||
		(to < INT64_MAX && at >= to - AGAIN_MS);
}

bool docker_written_is_fine(const struct json *stat)
{
	int64_t at;

	return json_str(json_get(stat, "mtime")) != NULL &&
		whole_second(stat, &at) != 0;
}

/* ---- asked of the engine -------------------------------------------------- */

static bool is_fine_in(struct docker_api *api, const char *id,
	const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash > path
		? xmemdup0(path, (size_t)(slash - path))
		: xstrdup("/");
	struct json *stat = docker_container_stat(api, id, folder, NULL);
	bool fine = docker_written_is_fine(stat);

	json_free(stat);
	free(folder);
	return fine;
}

/* The first secret that is a copy: the caller frees it; NULL: none, or err. */
static char *find_secret(struct docker_api *api, const struct json *container,
	const struct json *changes, struct err *err)
{
	const char *id = json_str(json_get(container, "Id"));
	struct json *list = docker_written_secrets(
		container, changes, DOCKER_WRITTEN_MAX);
	char *found = NULL;

	for (const struct json *p = json_first(list); p && found == NULL;
		p = json_next(p)) {
		struct json *stat =
			docker_container_stat(api, id, json_str(p), err);

		if (stat == NULL && docker_api_unreachable(err))
			break;
		if (docker_written_is_secret(stat))
			found = xstrdup(json_str(p));
		json_free(stat);
	}
	json_free(list);
	return found;
}

/* The same of configs, which may be anywhere. */
static char *find_copy(struct docker_api *api, const struct json *container,
	const struct json *changes, struct err *err)
{
	const char *id = json_str(json_get(container, "Id"));
	struct json *list, *stat;
	const struct json *p;
	char *found = NULL;
	struct err e = {0};
	size_t more;

	list = docker_written_candidates(
		container, changes, DOCKER_WRITTEN_MAX, &more);
	for (p = json_first(list); p && found == NULL; p = json_next(p)) {
		stat = docker_container_stat(api, id, json_str(p), &e);
		if (stat == NULL && docker_api_unreachable(&e)) {
			*err = e;
			break;
		}
		if (docker_written_is_copy(container, stat) &&
			is_fine_in(api, id, json_str(p)))
			found = xstrdup(json_str(p));
		json_free(stat);
	}
	json_free(list);
	if (found == NULL && p == NULL && more > 0)
		log_info(docker_swap_name(container), "%zu of its own files "
			"were not looked at for ones that Compose wrote", more);
	return found;
}

static int refuse(const struct json *container, const char *path,
	const char *kind, struct err *err)
{
	return err_fail(err, "%.120s of container %.80s is a %s that Compose "
		"wrote into it, which a successor would be without; set "
		"`compose_files: true`, so that Compose replaces the "
		"container, and push again", path, docker_swap_name(container),
		kind);
}

int docker_written_check(struct docker_api *api,
	const struct json *container, struct err *err)
{
	const char *id = json_str(json_get(container, "Id"));
	struct err e = {0};
	struct json *changes;
	char *secret, *copy = NULL;
	int rc = 0;

	if (id == NULL || !docker_written_is_possible(container))
		return 0;
	changes = docker_container_changes(api, id, NULL);
	secret = find_secret(api, container, changes, &e);
	if (secret == NULL && !docker_api_unreachable(&e))
		copy = find_copy(api, container, changes, &e);
	if (secret != NULL)
		rc = refuse(container, secret, "secret", err);
	else if (copy != NULL)
		rc = refuse(container, copy, "config", err);
	else if (docker_api_unreachable(&e)) {
		*err = e;
		rc = -1;
	}
	free(secret);
	free(copy);
	json_free(changes);
	return rc;
}
