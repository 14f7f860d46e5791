#include "deployer/docker/docker_depend.h"

#include "deployer/docker/docker_swap.h"

#define SHORT_ID 12

static bool is_same(const struct json *a, const struct json *b)
{
	const char *x = json_str(json_get(a, "Id"));
	const char *y = json_str(json_get(b, "Id"));

	return x != NULL && y != NULL && strcmp(x, y) == 0;
}

static bool has(const struct json *list, const struct json *container)
{
	for (const struct json *c = json_first(list); c; c = json_next(c))
		if (is_same(c, container))
			return true;
	return false;
}

/* Is the container what is called so? By its name or its id, whole or cut. */
static bool is_called(const struct json *container, struct str name)
{
	struct str id = str_from(json_str(json_get(container, "Id")));

	if (str_starts(name, STR("/")))
		name = str_cut(name, 1, name.n);
	return name.n > 0 &&
		(str_is(name, docker_swap_name(container)) ||
			(name.n >= SHORT_ID && str_starts(id, name)));
}

static bool joins(const struct json *container, const struct json *other)
{
	static const char *const modes[] = {"HostConfig.NetworkMode",
		"HostConfig.PidMode", "HostConfig.IpcMode"};
	const struct str prefix = STR("container:");
	struct str mode;

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		mode = str_from(json_str(json_path(container, modes[i])));
		if (str_starts(mode, prefix) &&
			is_called(other, str_cut(mode, prefix.n, mode.n)))
			return true;
	}
	return false;
}

/* "NAME[:ro]" of VolumesFrom, "/NAME:/SELF/ALIAS" of Links. */
static bool names(const struct json *list, const struct json *other)
{
	struct str text;

	for (const struct json *l = json_first(list); l; l = json_next(l)) {
		text = str_from(json_str(l));
		if (is_called(other, str_cut(text, 0, str_find(text, ':'))))
			return true;
	}
	return false;
}

static bool depends(const struct json *container, const struct json *other)
{
	return joins(container, other) ||
		names(json_path(container, "HostConfig.VolumesFrom"), other) ||
		names(json_path(container, "HostConfig.Links"), other);
}

static bool depends_on_any(const struct json *container,
	const struct json *list)
{
	for (const struct json *c = json_first(list); c; c = json_next(c))
		if (!is_same(c, container) && depends(container, c))
			return true;
	return false;
}

/* All that depend on the targets, in any order. */
static struct json *closure(const struct json *all, const struct json *targets)
{
	struct json *found = json_new_array();
	bool more = true;

	while (more) {
		more = false;
		for (const struct json *c = json_first(all); c;
			c = json_next(c)) {
			if (has(targets, c) || has(found, c) ||
				(!depends_on_any(c, targets) &&
					!depends_on_any(c, found)))
				continue;
			json_push(found, json_copy(c));
			more = true;
		}
	}
	return found;
}

int docker_depend_order(const struct json *all, const struct json *targets,
	struct json *out, struct err *err)
{
	struct json *left = closure(all, targets);
	const struct json *c;
	size_t i;
	int rc = 0;

	for (c = json_first(all); c; c = json_next(c))
		if (has(targets, c) && depends_on_any(c, left)) {
			rc = err_fail(err, "container %s and what depends on it "
				"depend on each other", docker_swap_name(c));
			goto out;
		}
	while (json_len(left) > 0) {
		for (i = 0; i < json_len(left); i++)
			if (!depends_on_any(json_at(left, i), left))
				break;
		if (i == json_len(left)) {
			rc = err_fail(err, "containers %s and others depend on "
				"each other in a circle",
				docker_swap_name(json_first(left)));
			goto out;
		}
		json_push(out, json_copy(json_at(left, i)));
		json_del_at(left, i);
	}
out:
	json_free(left);
	return rc;
}

struct json *docker_depend_find(struct docker_api *api,
	const struct json *targets, struct err *err)
{
	struct json *filters = json_new_object();
	struct json *list = docker_container_list(api, filters, err);
	struct json *all = json_new_array(), *out = json_new_array(), *c;
	struct err e = {0};
	struct str base;
	const char *id;
	int rc = list != NULL ? 0 : -1;

	json_free(filters);
	for (c = json_first(list); rc == 0 && c; c = json_next(c)) {
		struct json *whole;

		/* What failed stands on nothing any more, also where it is kept. */
		if (docker_swap_is_alias(
			    str_from(docker_swap_name(c)), "failed", &base))
			continue;
		id = json_str(json_get(c, "Id"));
		whole = id != NULL ? docker_container_inspect(api, id, &e)
				   : NULL;
		if (whole != NULL) {
			json_push(all, whole);
		} else if (id != NULL && e.code != 404) {
			*err = e;
			rc = -1;
		}
	}
	if (rc == 0)
		rc = docker_depend_order(all, targets, out, err);
	json_free(list);
	json_free(all);
	if (rc == 0)
		return out;
	json_free(out);
	return NULL;
}
