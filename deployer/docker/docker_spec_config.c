#include "deployer/docker/docker_spec_part.h"

/* ---- command and environment ---------------------------------------------- */

static void set_entrypoint_none(struct json *c)
{
	struct json *none = json_new_array();

	/* How the API says "no entrypoint, and not the image's either". */
	json_push(none, json_new_str(""));
	json_set(c, "Entrypoint", none);
}

/*
 * The image's Cmd is merged in only where neither Entrypoint nor Cmd is given,
 * so the two cannot be subtracted one by one.
 */
static void subtract_command(struct json *c, const struct json *image)
{
	const struct json *entrypoint = json_get(c, "Entrypoint");
	const struct json *cmd = json_get(c, "Cmd");

	if (!docker_spec_same(entrypoint, json_get(image, "Entrypoint"))) {
		if (docker_spec_empty(entrypoint))
			set_entrypoint_none(c);
	} else if (docker_spec_same(cmd, json_get(image, "Cmd"))) {
		json_del(c, "Entrypoint");
		json_del(c, "Cmd");
	} else if (!docker_spec_empty(cmd)) {
		json_del(c, "Entrypoint");
	}
	/* Else: the image's own entrypoint, given by hand to be rid of its
	 * Cmd. Both stay, or the new image's Cmd would come back. */
}

static bool array_has(const struct json *array, const struct json *item)
{
	for (const struct json *i = json_first(array); i; i = json_next(i))
		if (json_equal(i, item))
			return true;
	return false;
}

static bool is_kept(const struct docker_spec_input *in, const struct json *var)
{
	struct str name = str_from(json_str(var));

	name = str_cut(name, 0, str_find(name, '='));
	for (size_t i = 0; i < in->n_keep_env; i++)
		if (str_is(name, in->keep_env[i]))
			return true;
	return false;
}

/* KEY without '=' means "unset" and is the user's. */
static void subtract_env(struct json *c, const struct docker_spec_input *in,
	const struct json *image)
{
	struct json *env = json_get(c, "Env");
	const struct json *defaults = json_get(image, "Env");

	for (size_t i = json_len(env); i-- > 0;)
		if (array_has(defaults, json_at(env, i)) &&
			!is_kept(in, json_at(env, i)))
			json_del_at(env, i);
}

/* ---- objects: labels, volumes, ports, health check ------------------------ */

/* Deletes the members of *object for which drop() is true. */
static void filter(struct json *object,
	bool (*drop)(const struct json *member, const void *ctx),
	const void *ctx)
{
	struct json *m, *next;

	for (m = json_first(object); m; m = next) {
		next = json_next(m);
		if (drop(m, ctx))
			json_del(object, json_key(m));
	}
}

static bool in_image(const struct json *member, const void *image)
{
	return json_get(image, json_key(member)) != NULL;
}

static bool equals_image(const struct json *member, const void *image)
{
	return json_equal(member, json_get(image, json_key(member)));
}

static bool is_ours(const struct json *member, const void *ctx)
{
	static const char *const ours[] = {DOCKER_LABEL_DEPLOY,
		DOCKER_LABEL_REPLACES, DOCKER_LABEL_NAME, DOCKER_LABEL_ORDER,
		DOCKER_LABEL_WAS, DOCKER_LABEL_POLICY, DOCKER_LABEL_OWNER,
		DOCKER_LABEL_SIGNAL};

	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (strcmp(json_key(member), ours[i]) == 0)
			return true;
	return false;
}

/*
 * A build of Compose writes the project's labels into the image too. On a
 * container of Compose they are what it is found by: a successor built
 * elsewhere has none in its image.
 */
static bool is_inherited_label(const struct json *member, const void *image)
{
	struct str key = str_from(json_key(member));

	if (str_starts(key, STR("com.docker.compose.")) ||
		str_starts(key, STR("com.docker.stack.")))
		return false;
	return equals_image(member, image);
}

const char *docker_spec_manifest(const struct json *image)
{
	const struct json *m = json_first(json_get(image, "Manifests"));
	const char *kind, *type;

	for (; m; m = json_next(m)) {
		kind = json_str(json_get(m, "Kind"));
		if (kind != NULL && strcmp(kind, "image") == 0 &&
			json_bool(json_get(m, "Available")))
			return json_str(json_path(m, "Descriptor.digest"));
	}
	type = json_str(json_path(image, "Descriptor.mediaType"));
	if (type == NULL || strstr(type, "manifest") == NULL ||
		strstr(type, "manifest.list") != NULL)
		return NULL;
	return json_str(json_path(image, "Descriptor.digest"));
}

static bool str_same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Compose compares this label with the tag's image, and would recreate. */
static void follow_compose_image(struct json *labels,
	const struct docker_spec_input *in)
{
	static const char key[] = "com.docker.compose.image";
	const char *value = json_str(json_get(labels, key));
	const char *manifest = json_str(
		json_path(in->old, "ImageManifestDescriptor.digest"));
	const char *successor = docker_spec_manifest(in->new_image);

	if (manifest == NULL)
		manifest = docker_spec_manifest(in->old_image);
	if (str_same(value, json_str(json_get(in->old_image, "Id"))))
		successor = json_str(json_get(in->new_image, "Id"));
	else if (!str_same(value, manifest))
		successor = NULL;
	if (successor != NULL)
		json_set_str(labels, key, successor);
}

static void edit_labels(struct json *c, const struct docker_spec_input *in,
	const struct json *image)
{
	struct json *labels = json_get(c, "Labels");
	const struct json *defaults = json_get(image, "Labels");
	bool compose;

	if (json_kind(labels) != JSON_OBJECT) {
		json_set(c, "Labels", json_new_object());
		labels = json_get(c, "Labels");
	}
	compose = json_get(labels, "com.docker.compose.config-hash") != NULL;
	filter(labels, compose ? is_inherited_label : equals_image, defaults);
	filter(labels, is_ours, NULL);
	follow_compose_image(labels, in);
	for (const struct json *l = json_first(in->labels); l; l = json_next(l))
		json_set(labels, json_key(l), json_copy(l));
}

/* A port that is published but not exposed is silently not published, and the
 * old image may have been what exposed it. */
static void edit_ports(struct json *c, const struct docker_spec_input *in,
	const struct json *image)
{
	const struct json *bindings =
		json_path(in->old, "HostConfig.PortBindings");
	struct json *ports = json_get(c, "ExposedPorts");

	filter(ports, in_image, json_get(image, "ExposedPorts"));
	if (json_len(bindings) == 0)
		return;
	if (json_kind(ports) != JSON_OBJECT) {
		json_set(c, "ExposedPorts", json_new_object());
		ports = json_get(c, "ExposedPorts");
	}
	for (const struct json *b = json_first(bindings); b; b = json_next(b))
		if (json_get(ports, json_key(b)) == NULL)
			json_set(ports, json_key(b), json_new_object());
}

/* Members that are absent are merged one by one. */
static void subtract_health(struct json *c, const struct json *image)
{
	struct json *health = json_get(c, "Healthcheck");
	const struct json *defaults = json_get(image, "Healthcheck");

	filter(health, equals_image, defaults);
	if (json_len(health) == 0)
		json_del(c, "Healthcheck");
}

/* ---- names and the rest --------------------------------------------------- */

static void edit_hostname(struct json *c, const struct docker_spec_input *in)
{
	struct str mode = docker_spec_mode(in);
	const char *name = json_str(json_get(c, "Hostname"));
	const char *uts = json_str(json_path(in->old, "HostConfig.UTSMode"));

	if (docker_spec_joins(mode)) {
		/* The joined container's; the engine refuses others. */
		json_del(c, "Domainname");
		json_del(c, "ExposedPorts");
		json_del(c, "MacAddress");
		json_del(c, "Hostname");
	} else if (docker_spec_is_short_id(in, name) || str_same(uts, "host") ||
		(str_is(mode, "host") && str_same(name, in->engine_name))) {
		json_del(c, "Hostname");
	}
}

struct json *docker_spec_config(const struct docker_spec_input *in)
{
	static const char *const plain[] = {"WorkingDir", "User", "StopSignal"};
	/* Of the image alone. */
	static const char *const never[] = {"OnBuild", "ArgsEscaped", "Shell"};
	struct json *c = json_copy(json_get(in->old, "Config"));
	const struct json *image = json_get(in->old_image, "Config");

	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (docker_spec_same(
			    json_get(c, plain[i]), json_get(image, plain[i])))
			json_del(c, plain[i]);
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		json_del(c, never[i]);
	subtract_command(c, image);
	subtract_env(c, in, image);
	subtract_health(c, image);
	edit_labels(c, in, image);
	filter(json_get(c, "Volumes"), in_image, json_get(image, "Volumes"));
	edit_ports(c, in, image);
	edit_hostname(c, in);
	/* From here on it belongs to the endpoint; see docker_spec_net(). */
	if (in->api >= 44)
		json_del(c, "MacAddress");
	json_set_str(c, "Image", in->reference);
	return c;
}
