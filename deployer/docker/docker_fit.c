#include "deployer/docker/docker_fit.h"

#include "deployer/docker/docker_ref.h"
#include "deployer/docker/docker_swap.h"
#include "proto/base/semver.h"

/* Has the image a name of the repository? */
static bool has_name(const struct json *image, const char *key,
	struct str reference)
{
	const struct json *n = json_first(json_get(image, key));

	for (; n; n = json_next(n))
		if (json_str(n) != NULL &&
			docker_ref_same_repository(
				str_from(json_str(n)), reference))
			return true;
	return false;
}

static bool is_pinned(const struct docker_fit *f, struct str now)
{
	struct str pushed = str_from(f->reference);

	if (str_find(now, '@') < now.n)
		return true;
	return docker_ref_is_id(now) && !has_name(f->image, "RepoTags", pushed) &&
		!has_name(f->image, "RepoDigests", pushed);
}

static bool skips_pinned(const struct conf_deploy *d)
{
	return d->pinned == PINNED_SKIP ||
		(d->pinned == PINNED_AUTO && d->container == NULL &&
			d->service == NULL);
}

/* The repository without its registry: that may have several names. */
static bool same_path(struct str a, struct str b)
{
	struct docker_ref x, y;

	if (docker_ref_same_repository(a, b))
		return true;
	docker_ref_split(a, &x);
	docker_ref_split(b, &y);
	return str_eq(x.path, y.path);
}

/* A service is looked at as if it were a container of its image. */
static const char *kind(const struct docker_fit *f)
{
	return f->trigger->deploy.service != NULL ? "service" : "container";
}

static int check_tags(const struct docker_fit *f, struct str now,
	struct err *err)
{
	const struct conf_deploy *d = &f->trigger->deploy;
	const char *name = docker_swap_name(f->container);
	struct docker_ref old, new;
	struct semver a, b;

	docker_ref_split(now, &old);
	docker_ref_split(str_from(f->reference), &new);
	if (new.tag.n == 0)
		return 0; /* back to one that was pinned */
	if (old.tag.n == 0)
		old.tag = STR("latest");
	if (d->same_tag_only && !str_eq(old.tag, new.tag))
		return err_fail(err, "%s %s runs tag %.*s, not %.*s, and "
			"same_tag_only is set", kind(f), name, (int)old.tag.n,
			old.tag.p, (int)new.tag.n, new.tag.p);
	if (d->no_downgrade && semver_parse(old.tag, &a) == 0 &&
		semver_parse(new.tag, &b) == 0 && semver_compare(&b, &a) < 0)
		return err_fail(err, "%s %s runs %.*s, which is newer "
			"than %.*s, and no_downgrade is set", kind(f), name,
			(int)old.tag.n, old.tag.p, (int)new.tag.n, new.tag.p);
	return 0;
}

int docker_fit_check(const struct docker_fit *f, struct err *err)
{
	const struct conf_trigger *t = f->trigger;
	const char *name = docker_swap_name(f->container);
	struct str now = str_from(
		json_str(json_path(f->container, "Config.Image")));

	if (is_pinned(f, now)) {
		if (!skips_pinned(&t->deploy))
			return 0;
		return err_fail(err, "%s %s is pinned to %.*s; set "
			"`pinned: replace` to replace it all the same", kind(f),
			name, (int)now.n, now.p);
	}
	if (docker_ref_is_id(now))
		return 0;
	/* A rule for many repositories must not put one's image into a
	 * container of another. */
	if (strchr(t->repository, '*') &&
		!same_path(now, str_from(f->reference)))
		return err_fail(err, "%s %s runs %.*s, another "
			"repository than %s; name the repository in full to "
			"change it", kind(f), name, (int)now.n, now.p,
			f->reference);
	return check_tags(f, now, err);
}
