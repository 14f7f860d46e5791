#include "deployer/swarm/swarm_labels.h"

#include "deployer/swarm/swarm_service.h"
#include "deployer/swarm/swarm_spec.h"
#include "deployer/swarm/swarm_trouble.h"
#include "proto/base/mem.h"

struct json *swarm_labels_trigger(const struct json *service,
	struct opt_errors *faults)
{
	const struct json *spec = json_get(service, "Spec");
	const char *name = json_str(json_get(spec, "Name"));
	struct docker_labelled l = {.labels = json_get(spec, "Labels"),
		.called = name, .image = swarm_spec_image(spec)};
	struct json *deploy = json_new_object(), *t;
	struct err err = {0};
	char *from;

	json_set_str(deploy, "service", name);
	from = xprintf("service %s", name != NULL ? name : "");
	l.from = from;
	t = docker_labels_read(&l, deploy, false, faults);
	if (t != NULL && swarm_spec_judge(spec, &err) != 0) {
		opt_error(faults, from, 0, "its labels are not looked at: %s",
			err.text);
		json_free(t);
		t = NULL;
	}
	free(from);
	return t;
}

/* No Swarm, no manager, or one that we may not ask about services. */
static bool has_none(struct docker_api *api, struct err *err)
{
	char why[300];
	enum swarm_trouble trouble = swarm_trouble_find(
		api, err, why, sizeof(why));

	if (trouble == SWARM_NOT_NOW)
		err_prefix(err, "it %s", why);
	return trouble == SWARM_NO_SWARM || trouble == SWARM_WORKER ||
		err->cls == ERR_FAIL;
}

int swarm_labels_add(struct docker_api *api, struct json *triggers,
	struct opt_errors *faults, struct err *err)
{
	struct json *list = swarm_service_list(api, DOCKER_LABEL_ENABLE, err);

	if (list == NULL)
		return has_none(api, err) ? 0 : -1;
	for (const struct json *s = json_first(list); s; s = json_next(s)) {
		struct json *t = swarm_labels_trigger(s, faults);

		if (t != NULL)
			json_push(triggers, t);
	}
	json_free(list);
	return 0;
}
