#include "deployer/docker/docker_spec_part.h"
#include "proto/base/mem.h"

#define SYSCTLS "com.docker.network.endpoint.sysctls"
#define ETH0 ".eth0."

/* The network that the container was created on. */
static const struct json *main_network(const struct docker_spec_input *in,
	const struct json *networks)
{
	struct str mode = docker_spec_mode(in), id;
	const struct json *n;

	if (mode.n == 0 || str_is(mode, "default"))
		mode = STR("bridge");
	for (n = json_first(networks); n; n = json_next(n))
		if (str_is(mode, json_key(n)))
			return n;
	/* Compose and people give ids as well, whole or short. */
	for (n = json_first(networks); n; n = json_next(n)) {
		id = str_from(json_str(json_get(n, "NetworkID")));
		if (id.n != 0 && str_starts(id, mode))
			return n;
	}
	/* Disconnected from it since: any other will do. */
	return json_first(networks);
}

/* Those that the user gave; the engine adds the id, and up to 1.44 shows the
 * host name among them too. */
static void copy_aliases(struct json *out, const struct docker_spec_input *in,
	const struct json *endpoint)
{
	const char *hostname = json_str(json_path(in->old, "Config.Hostname"));
	const struct json *a = json_first(json_get(endpoint, "Aliases"));
	struct json *aliases = json_new_array();
	const char *alias;

	for (; a; a = json_next(a)) {
		alias = json_str(a);
		if (alias == NULL || docker_spec_is_short_id(in, alias))
			continue;
		if (in->api < 45 && hostname != NULL &&
			strcmp(alias, hostname) == 0)
			continue;
		json_push(aliases, json_copy(a));
	}
	if (json_len(aliases) > 0)
		json_set(out, "Aliases", aliases);
	else
		json_free(aliases);
}

static bool takes_aliases(const char *network)
{
	static const char *const predefined[] = {
		"bridge", "default", "host", "none"};

	for (size_t i = 0; i < ARRAY_LEN(predefined); i++)
		if (strcmp(network, predefined[i]) == 0)
			return false;
	return true;
}

/* net.ipv4.conf.eth0.x=1 becomes net.ipv4.conf.IFNAME.x=1 of the endpoint. */
static void move_sysctls(struct json *out, const struct docker_spec_input *in)
{
	const struct json *s =
		json_first(json_path(in->old, "HostConfig.Sysctls"));
	struct json *options = json_get(out, "DriverOpts");
	const char *have = json_str(json_get(options, SYSCTLS));
	const char *key, *eth0;
	struct strbuf sb = {0};

	if (have != NULL)
		strbuf_add_cstr(&sb, have);
	for (; s; s = json_next(s)) {
		key = json_key(s);
		if (!docker_spec_sysctl_of_endpoint(in, key))
			continue;
		eth0 = strstr(key, ETH0);
		if (sb.len > 0)
			strbuf_add_char(&sb, ',');
		strbuf_add(&sb, key, (size_t)(eth0 - key));
		strbuf_addf(&sb, ".IFNAME.%s=%s", eth0 + strlen(ETH0),
			json_str(s));
	}
	if (sb.len > 0 && options == NULL) {
		json_set(out, "DriverOpts", json_new_object());
		options = json_get(out, "DriverOpts");
	}
	if (sb.len > 0)
		json_set_str(options, SYSCTLS, strbuf_cstr(&sb));
	strbuf_release(&sb);
}

/*
 * The address that the user gave. 1.44 to 1.51 show the main network's in
 * Config only when it is one; of other networks none shows whether it was
 * given or made up, so a label says it.
 */
static const char *mac_of(const struct docker_spec_input *in,
	const char *network, bool is_main)
{
	char *key = xprintf(DOCKER_LABEL_MAC "%s", network);
	const char *mac = json_str(
		json_get(json_path(in->old, "Config.Labels"), key));

	free(key);
	if (mac == NULL && is_main)
		mac = json_str(json_path(in->old, "Config.MacAddress"));
	/* Older engines take none here. */
	return in->api >= 44 && mac != NULL && *mac != '\0' ? mac : NULL;
}

/*
 * What the user configured of an endpoint. All else that inspect shows is
 * operational: sent back, an address would become a static one.
 */
static struct json *endpoint_config(const struct docker_spec_input *in,
	const struct json *endpoint, bool is_main)
{
	static const char *const kept[] = {
		"IPAMConfig", "Links", "DriverOpts", "GwPriority"};
	const char *mac = mac_of(in, json_key(endpoint), is_main);
	struct json *out = json_new_object();

	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (!docker_spec_empty(json_get(endpoint, kept[i])))
			json_set(out, kept[i],
				json_copy(json_get(endpoint, kept[i])));
	if (takes_aliases(json_key(endpoint)))
		copy_aliases(out, in, endpoint);
	if (mac != NULL)
		json_set_str(out, "MacAddress", mac);
	if (is_main)
		move_sysctls(out, in);
	return out;
}

struct json *docker_spec_net(const struct docker_spec_input *in,
	struct json *connect)
{
	const struct json *networks =
		json_path(in->old, "NetworkSettings.Networks");
	struct str mode = docker_spec_mode(in);
	const struct json *first = main_network(in, networks);
	struct json *endpoints, *config, *body;

	if (first == NULL || str_is(mode, "host") || str_is(mode, "none") ||
		docker_spec_joins(mode))
		return NULL;
	endpoints = json_new_object();
	for (const struct json *n = json_first(networks); n; n = json_next(n)) {
		config = endpoint_config(in, n, n == first);
		if (n == first || in->api >= 44) {
			json_set(endpoints, json_key(n), config);
			continue;
		}
		/* Older engines take one endpoint at creation. */
		body = json_new_object();
		json_set_str(body, "Network", json_key(n));
		json_set(body, "EndpointConfig", config);
		json_push(connect, body);
	}
	return endpoints;
}
