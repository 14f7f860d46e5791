#include "deployer/docker/docker_spec.h"

#include "deployer/docker/docker_spec_part.h"

bool docker_spec_empty(const struct json *j)
{
	const char *s = json_str(j);

	switch (json_kind(j)) {
	case JSON_NULL:
		return true;
	case JSON_STRING:
		return *s == '\0';
	case JSON_ARRAY:
	case JSON_OBJECT:
		return json_len(j) == 0;
	case JSON_BOOL:
	case JSON_NUMBER:
		return false;
	}
	BUG("json_kind() gave %d", json_kind(j));
}

bool docker_spec_same(const struct json *a, const struct json *b)
{
	bool empty = docker_spec_empty(a);

	if (empty || docker_spec_empty(b))
		return empty && docker_spec_empty(b);
	return json_equal(a, b);
}

struct str docker_spec_mode(const struct docker_spec_input *in)
{
	return str_from(json_str(json_path(in->old, "HostConfig.NetworkMode")));
}

bool docker_spec_joins(struct str mode)
{
	return str_starts(mode, STR("container:"));
}

bool docker_spec_sysctl_of_endpoint(const struct docker_spec_input *in,
	const char *key)
{
	struct str rest = str_from(key), part;
	size_t i;

	if (in->api < 48 || docker_spec_joins(docker_spec_mode(in)))
		return false;
	/* net.*.*.eth0.* */
	for (i = 0; str_split(&rest, '.', &part); i++)
		if ((i == 0 && !str_is(part, "net")) ||
			(i == 3 && !str_is(part, "eth0")))
			return false;
	return i > 4;
}

bool docker_spec_is_short_id(const struct docker_spec_input *in, const char *s)
{
	struct str id = str_from(json_str(json_get(in->old, "Id")));

	return s != NULL && id.n >= DOCKER_SHORT_ID &&
		str_eq(str_from(s), str_cut(id, 0, DOCKER_SHORT_ID));
}

int docker_spec_build(const struct docker_spec_input *in,
	struct docker_spec *out, struct err *err)
{
	struct json *endpoints, *networking;

	*out = (struct docker_spec){0};
	if (json_kind(json_get(in->old, "Config")) != JSON_OBJECT ||
		json_kind(json_get(in->old, "HostConfig")) != JSON_OBJECT)
		return err_fail(err, "the engine's answer about the container "
				     "lacks Config or HostConfig");
	if (json_str(json_get(in->old_image, "Id")) == NULL ||
		json_str(json_get(in->new_image, "Id")) == NULL)
		return err_fail(err,
			"the engine's answer about an image lacks its Id");
	out->body = docker_spec_config(in);
	out->connect = json_new_array();
	json_set(out->body, "HostConfig", docker_spec_host(in));
	endpoints = docker_spec_net(in, out->connect);
	if (endpoints != NULL) {
		networking = json_new_object();
		json_set(networking, "EndpointsConfig", endpoints);
		json_set(out->body, "NetworkingConfig", networking);
	}
	return 0;
}

void docker_spec_release(struct docker_spec *s)
{
	json_free(s->body);
	json_free(s->connect);
	*s = (struct docker_spec){0};
}
