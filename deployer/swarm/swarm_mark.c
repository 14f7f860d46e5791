#include "deployer/swarm/swarm_mark.h"

#include "deployer/swarm/swarm_spec.h"

/* A task's Spec and a service's TaskTemplate are the same thing. */
static int64_t counter(const struct json *template)
{
	return json_i64(json_get(template, "ForceUpdate"), 0);
}

static bool has(const struct json *template, const char *digest)
{
	const char *image = json_str(
		json_path(template, "ContainerSpec.Image"));

	return *digest != '\0' && image != NULL &&
		strstr(image, digest) != NULL;
}

int64_t swarm_mark_now(const struct json *service)
{
	return counter(json_path(service, "Spec.TaskTemplate"));
}

static int64_t above(int64_t n, const struct json *template,
	const char *digest)
{
	int64_t taken = counter(template);

	return has(template, digest) && taken >= n && taken < INT64_MAX
		? taken + 1
		: n;
}

int64_t swarm_mark_next(const struct json *service, const struct json *all,
	const char *digest, bool anew)
{
	int64_t n = swarm_mark_now(service);

	if (anew && n < INT64_MAX)
		n++;
	n = above(n, json_path(service, "PreviousSpec.TaskTemplate"), digest);
	for (const struct json *t = json_first(all); t; t = json_next(t))
		n = above(n, json_get(t, "Spec"), digest);
	return n;
}

static bool is_it(const struct json *template, const struct swarm_mark *m)
{
	return has(template, m->to) &&
		(m->mark < 0 || counter(template) == m->mark);
}

bool swarm_mark_landed(const struct json *service, const struct json *all,
	const struct swarm_mark *m)
{
	bool anew = strcmp(m->from, m->to) == 0;

	if (json_i64(json_path(service, "Version.Index"), 0) == m->version)
		return false;
	if (swarm_spec_has(json_get(service, "Spec"), m->to) &&
		(!anew || swarm_mark_now(service) >= m->mark))
		return true;
	/* It came, and went again. */
	if (is_it(json_path(service, "PreviousSpec.TaskTemplate"), m))
		return true;
	for (const struct json *t = json_first(all); t; t = json_next(t))
		if (is_it(json_get(t, "Spec"), m))
			return true;
	return false;
}
