#include "deployer/docker/docker_labels.h"

#include "deployer/docker/docker_container.h"
#include "deployer/docker/docker_ref.h"
#include "deployer/docker/docker_spec.h"
#include "deployer/docker/docker_swap.h"
#include "deployer/docker/docker_watchtower.h"
#include "deployer/queue/retry.h"
#include "deployer/swarm/swarm_labels.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"

#define PREFIX STR("pullwire.")
#define COMPOSE "com.docker.compose."
#define PING_MS 30000

/* ---- one container ---------------------------------------------------------- */

static const struct json *labels_of(const struct json *container)
{
	const struct json *l = json_get(container, "Labels");

	return l != NULL ? l : json_path(container, "Config.Labels");
}

static const char *label(const struct json *container, const char *key)
{
	return json_str(json_get(labels_of(container), key));
}

static bool is(const char *s, const char *want)
{
	return s != NULL && strcmp(s, want) == 0;
}

/* Labels that mean something else: they say which deploy made a container, or
 * are about it whatever redeploys it. */
static bool is_ours(const char *key)
{
	static const char *const ours[] = {DOCKER_LABEL_ENABLE,
		DOCKER_LABEL_DEPLOY, DOCKER_LABEL_REPLACES, DOCKER_LABEL_NAME,
		DOCKER_LABEL_ORDER, DOCKER_LABEL_WAS, DOCKER_LABEL_POLICY,
		DOCKER_LABEL_OWNER, DOCKER_LABEL_SIGNAL, "pullwire.trigger"};

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (strcmp(key, ours[i]) == 0)
			return true;
	return str_starts(str_from(key), STR(DOCKER_LABEL_MAC));
}

static void own_labels(struct json *out, const struct json *all)
{
	const struct json *l = json_first(all);

	for (; l != NULL; l = json_next(l)) {
		struct str key = str_from(json_key(l));
		char *name;

		if (!str_starts(key, PREFIX) || is_ours(key.p))
			continue;
		name = xstrdup(key.p + PREFIX.n);
		for (char *p = name; *p != '\0'; p++)
			if (*p == '-')
				*p = '_';
		json_del(out, name);
		json_set_str(out, name, json_str(l));
		free(name);
	}
}

/* Is one asked for? */
static bool enabled(const struct docker_labelled *l, bool watchtower,
	struct opt_errors *faults)
{
	const char *own = json_str(json_get(l->labels, DOCKER_LABEL_ENABLE));

	if (own == NULL)
		return watchtower && docker_watchtower_enabled(
			l->labels, l->from, faults);
	if (!is(own, "true") && !is(own, "false"))
		opt_error(faults, l->from, 0, "label " DOCKER_LABEL_ENABLE
			" is `%s`, neither true nor false: its labels are not "
			"looked at", own);
	return is(own, "true");
}

/* The image's name without tag and digest, as rules write it. */
static bool repository(const char *image, struct strbuf *out)
{
	struct docker_ref ref;

	if (image == NULL || str_starts(str_from(image), STR("sha256:")))
		return false;
	docker_ref_split(str_from(image), &ref);
	strbuf_add_str(out, ref.repository);
	return out->len > 0;
}

struct json *docker_labels_read(const struct docker_labelled *l,
	struct json *deploy, bool watchtower, struct opt_errors *faults)
{
	const char *other = json_str(json_get(l->labels, "pullwire.trigger"));
	struct strbuf repo = {0};
	struct json *t, *keys;

	if (!enabled(l, watchtower, faults)) {
		json_free(deploy);
		return NULL;
	}
	if (!repository(l->image, &repo)) {
		opt_error(faults, l->from, 0, "its labels are not looked at: it "
			"was made from an image without a name");
		strbuf_release(&repo);
		json_free(deploy);
		return NULL;
	}
	t = json_new_object();
	keys = json_new_object();
	json_set_str(t, "from", l->from);
	json_set_str(t, "name", other != NULL ? other : l->called);
	json_set_str(t, "repository", strbuf_cstr(&repo));
	json_set(t, "deploy", deploy);
	/* Our own come after, and count. */
	if (watchtower)
		docker_watchtower_keys(l->labels, l->from, keys, faults);
	own_labels(keys, l->labels);
	json_set(t, "labels", keys);
	strbuf_release(&repo);
	return t;
}

/* What is redeployed, and what it is called: the container, or all of its
 * Compose service. */
static struct json *target(const struct json *container, struct str name,
	struct strbuf *called)
{
	const char *project = label(container, COMPOSE "project");
	const char *service = label(container, COMPOSE "service");
	struct json *deploy = json_new_object();
	struct strbuf text = {0};

	if (project != NULL && service != NULL) {
		strbuf_addf(&text, "%s/%s", project, service);
		strbuf_addf(called, "%s.%s", project, service);
		json_set_str(deploy, "compose", strbuf_cstr(&text));
	} else {
		strbuf_add_str(called, name);
		json_set(deploy, "container", json_new_strn(name));
	}
	strbuf_release(&text);
	return deploy;
}

/* A task's container is Swarm's: whoever gave it labels meant the service's.
 * Told once for all of them. */
static bool is_task(const struct json *container, struct opt_errors *faults)
{
	const char *service = label(container, "com.docker.swarm.service.name");
	const char *own = label(container, DOCKER_LABEL_ENABLE);
	char from[160];
	size_t n;

	if (label(container, "com.docker.swarm.task.id") == NULL)
		return false;
	snprintf(from, sizeof(from), "service %.140s",
		service != NULL ? service : "?");
	n = strlen(from);
	for (size_t i = 0; i < faults->list.n; i++)
		if (strncmp(faults->list.v[i], from, n) == 0 &&
			faults->list.v[i][n] == ':')
			return true;
	if (is(own, "true"))
		opt_error(faults, from, 0, "the labels of its containers mean "
			"nothing, its own do: `deploy: labels:` in a stack's "
			"file, or `docker service update --label-add`");
	return true;
}

struct json *docker_labels_trigger(const struct json *container,
	const char *image, bool watchtower, struct opt_errors *faults)
{
	struct str name = str_from(docker_swap_name(container)), base;
	struct docker_labelled l = {.labels = labels_of(container),
		.image = image};
	struct strbuf called = {0};
	struct json *t, *deploy;
	char *from;

	/* Being replaced: under either name it is the same application. */
	if (docker_swap_is_alias(name, NULL, &base))
		name = base;
	if (is(label(container, COMPOSE "oneoff"), "True") ||
		is_task(container, faults))
		return NULL;
	from = xprintf("container %.*s", (int)name.n, name.p);
	deploy = target(container, name, &called);
	l.from = from;
	l.called = strbuf_cstr(&called);
	t = docker_labels_read(&l, deploy, watchtower, faults);
	strbuf_release(&called);
	free(from);
	return t;
}

/* ---- all of them ------------------------------------------------------------ */

/* Replicas of a service, and the old and the new one of a swap, say the same:
 * that is one trigger. */
static bool is_repeated(const struct json *set, const struct json *t)
{
	const struct json *o = json_first(set);

	for (; o != NULL; o = json_next(o))
		if (json_equal(json_get(o, "deploy"), json_get(t, "deploy")) &&
			json_equal(json_get(o, "name"), json_get(t, "name")))
			return true;
	return false;
}

/* Of an image that has lost its name to a newer one only the inspected
 * container knows it. NULL with err. */
static char *image_of(struct docker_api *api, const struct json *listed,
	struct err *err)
{
	const char *image = json_str(json_get(listed, "Image"));
	struct json *full;
	char *own;

	if (image != NULL && strlen(image) > 12 &&
		!str_starts(str_from(image), STR("sha256:")))
		return xstrdup(image);
	full = docker_container_inspect(
		api, json_str(json_get(listed, "Id")), err);
	if (full == NULL)
		return NULL;
	image = json_str(json_path(full, "Config.Image"));
	own = xstrdup(image != NULL ? image : "sha256:");
	json_free(full);
	return own;
}

/* One that is there to stay: not half made, not going, none that failed. */
static bool counts(const struct json *listed)
{
	const char *state = json_str(json_get(listed, "State"));
	struct str base;

	return !docker_swap_is_alias(str_from(docker_swap_name(listed)),
		       "failed", &base) &&
		!is(state, "created") && !is(state, "removing") &&
		!is(state, "dead");
}

static int add_labelled(struct docker_api *api, struct json *set,
	const char *by, bool watchtower, struct opt_errors *faults,
	struct err *err)
{
	struct json *filters = json_new_object(), *list, *key;

	key = json_new_array();
	json_push(key, json_new_str(by));
	json_set(filters, "label", key);
	list = docker_container_list(api, filters, err);
	json_free(filters);
	if (list == NULL)
		return -1;
	for (const struct json *c = json_first(list); c; c = json_next(c)) {
		struct json *t;
		char *image;

		if (!counts(c))
			continue;
		err_clear(err);
		image = image_of(api, c, err);
		if (image == NULL && err->code == 404)
			continue; /* gone since */
		if (image == NULL) {
			json_free(list);
			return -1;
		}
		t = docker_labels_trigger(c, image, watchtower, faults);
		free(image);
		if (t != NULL && !is_repeated(set, t))
			json_push(set, t);
		else
			json_free(t);
	}
	json_free(list);
	return 0;
}

/* By the engine's own clock, in whole seconds; by ours where it tells none, as
 * one behind a proxy that lets little through. */
static int engine_time(struct docker_api *api, int64_t *at, struct err *err)
{
	char date[64] = "";
	const struct docker_request req = {
		.method = "HEAD",
		.path = "/_ping",
		.total_ms = PING_MS,
		.header = "Date",
		.header_value = date,
		.header_max = sizeof(date),
	};

	struct err low = {0};

	if (docker_api_do(api, &req, &low) != 0 &&
		docker_api_unreachable(&low)) {
		*err = low;
		return -1;
	}
	if (retry_http_date(date, clock_wall(), at) != 0)
		*at = clock_wall();
	return 0;
}

int docker_labels(const struct conf_engine *engine, struct strbuf *set,
	struct opt_errors *faults, int64_t *at, struct err *err)
{
	struct docker_api *api = docker_api_open(engine, err);
	struct json *all = json_new_object(), *triggers = json_new_array();
	bool watchtower = engine->watchtower_labels;
	int rc = -1;

	if (api != NULL && engine_time(api, at, err) == 0 &&
		add_labelled(api, triggers, DOCKER_LABEL_ENABLE, watchtower,
			faults, err) == 0 &&
		(!watchtower ||
			add_labelled(api, triggers, DOCKER_WATCHTOWER_ENABLE,
				true, faults, err) == 0) &&
		swarm_labels_add(api, triggers, faults, err) == 0)
		rc = 0;
	json_set_str(all, "engine", engine->name);
	json_set(all, "triggers", triggers);
	if (rc == 0)
		json_write(all, set);
	json_free(all);
	docker_api_close(api);
	return rc;
}
