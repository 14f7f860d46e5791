#include "deployer/swarm/swarm_spec.h"

#include "deployer/docker/docker_fit.h"
#include "deployer/docker/docker_labels.h"
#include "deployer/docker/docker_ref.h"
#include "proto/base/mem.h"

#define STACK_IMAGE "com.docker.stack.image"

const char *swarm_spec_image(const struct json *spec)
{
	const char *image = json_str(
		json_path(spec, "TaskTemplate.ContainerSpec.Image"));

	return image != NULL ? image : "";
}

bool swarm_spec_has(const struct json *spec, const char *digest)
{
	const char *at = strchr(swarm_spec_image(spec), '@');

	return *digest != '\0' && at != NULL && strcmp(at + 1, digest) == 0;
}

void swarm_spec_split(const struct json *spec, struct strbuf *reference,
	struct strbuf *digest)
{
	struct str image = str_from(swarm_spec_image(spec));
	size_t at = str_find(image, '@');

	strbuf_add_str(reference, str_cut(image, 0, at));
	if (at < image.n)
		strbuf_add_str(digest, str_cut(image, at + 1, image.n));
}

/* ---- judging ---------------------------------------------------------------- */

static const char *name_of(const struct json *spec)
{
	const char *name = json_str(json_get(spec, "Name"));

	return name != NULL ? name : "";
}

int swarm_spec_judge(const struct json *spec, struct err *err)
{
	const struct json *mode = json_get(spec, "Mode");
	/* No path: the key has dots. */
	const char *enable = json_str(json_get(
		json_get(spec, "Labels"), DOCKER_LABEL_ENABLE));
	const char *name = name_of(spec);

	if (json_get(mode, "ReplicatedJob") != NULL ||
		json_get(mode, "GlobalJob") != NULL)
		return err_fail(err, "service %s is a job, which would be run "
			"once more; it is left alone", name);
	if (*swarm_spec_image(spec) == '\0')
		return err_fail(err, "service %s has no container image: a "
			"plugin's service is left alone", name);
	if (enable != NULL && strcmp(enable, "false") == 0)
		return err_fail(err, "service %s has the label "
			DOCKER_LABEL_ENABLE "=false", name);
	return 0;
}

/* The digest behind a tag is what Docker's own clients add, on nobody's
 * purpose. */
static struct json *as_container(const struct json *spec)
{
	struct str image = str_from(swarm_spec_image(spec));
	struct json *c = json_new_object(), *config = json_new_object();
	struct docker_ref ref;

	docker_ref_split(image, &ref);
	if (ref.tag.n > 0)
		image = str_cut(image, 0, str_find(image, '@'));
	json_set_str(c, "Name", name_of(spec));
	json_set(config, "Image", json_new_strn(image));
	json_set(c, "Config", config);
	return c;
}

int swarm_spec_fit(const struct conf_trigger *trigger, const char *reference,
	const struct json *spec, struct err *err)
{
	struct json *as = as_container(spec);
	const struct docker_fit fit = {
		.trigger = trigger,
		.reference = reference,
		.container = as,
	};
	int rc = docker_fit_check(&fit, err);

	json_free(as);
	return rc;
}

/* ---- editing ---------------------------------------------------------------- */

static bool same_reference(struct str a, struct str b)
{
	struct docker_ref x, y;

	docker_ref_split(a, &x);
	docker_ref_split(b, &y);
	return docker_ref_same_repository(a, b) &&
		str_eq(x.tag.n > 0 ? x.tag : STR("latest"),
			y.tag.n > 0 ? y.tag : STR("latest"));
}

struct json *swarm_spec_next(const struct json *spec, const char *reference,
	const char *digest, int64_t mark)
{
	struct json *next = json_copy(spec);
	struct json *template = json_get(next, "TaskTemplate");
	struct json *labels = json_get(next, "Labels");
	const char *now = swarm_spec_image(spec);
	char *image = *digest != '\0' ? xprintf("%s@%s", reference, digest)
				      : xstrdup(reference);

	/* With the same label `docker stack deploy` keeps what runs; with
	 * another one it would resolve the tag anew. */
	if (json_get(labels, STACK_IMAGE) != NULL &&
		!same_reference(str_from(now), str_from(reference)))
		json_set_str(labels, STACK_IMAGE, reference);
	json_set_str(json_get(template, "ContainerSpec"), "Image", image);
	if (json_i64(json_get(template, "ForceUpdate"), 0) != mark)
		json_set_i64(template, "ForceUpdate", mark);
	free(image);
	return next;
}
