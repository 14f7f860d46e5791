#include "deployer/docker/docker_order.h"

#include "deployer/docker/docker_spec.h"
#include "proto/base/str.h"

static bool has_text(const struct json *j)
{
	return json_str(j) != NULL && *json_str(j) != '\0';
}

/* "" and a range leave the choice to the engine. */
static bool fixes_port(const struct json *old, char *why, size_t n)
{
	const struct json *p =
		json_first(json_path(old, "HostConfig.PortBindings"));
	const struct json *b;
	const char *port;

	for (; p; p = json_next(p))
		for (b = json_first(p); b; b = json_next(b)) {
			port = json_str(json_get(b, "HostPort"));
			if (port == NULL || *port == '\0' ||
				strchr(port, '-') != NULL)
				continue;
			snprintf(why, n, "it publishes port %.20s of the host",
				port);
			return true;
		}
	return false;
}

static bool has_mac_label(const struct json *old)
{
	const struct json *l = json_first(json_path(old, "Config.Labels"));

	for (; l; l = json_next(l))
		if (str_starts(str_from(json_key(l)), STR(DOCKER_LABEL_MAC)))
			return true;
	return false;
}

static bool fixes_address(const struct json *old, char *why, size_t n)
{
	const struct json *net =
		json_first(json_path(old, "NetworkSettings.Networks"));

	for (; net; net = json_next(net))
		if (has_text(json_path(net, "IPAMConfig.IPv4Address")) ||
			has_text(json_path(net, "IPAMConfig.IPv6Address"))) {
			snprintf(why, n, "it has a fixed address in network "
				"%.80s", json_key(net));
			return true;
		}
	if (!has_text(json_path(old, "Config.MacAddress")) &&
		!has_mac_label(old))
		return false;
	snprintf(why, n, "it has a MAC address of its own");
	return true;
}

static bool shares_network(const struct json *old, char *why, size_t n)
{
	struct str mode = str_from(
		json_str(json_path(old, "HostConfig.NetworkMode")));

	if (!str_is(mode, "host") && !str_starts(mode, STR("container:")))
		return false;
	snprintf(why, n, "its network is %s",
		str_is(mode, "host") ? "the host's" : "another container's");
	return true;
}

static bool writes(const struct json *old, char *why, size_t n)
{
	const struct json *m = json_first(json_get(old, "Mounts"));
	struct str type;

	for (; m; m = json_next(m)) {
		type = str_from(json_str(json_get(m, "Type")));
		if (!json_bool(json_get(m, "RW")) || str_is(type, "tmpfs"))
			continue;
		snprintf(why, n, "both would write to %.80s (allow_shared_rw "
			"takes that on)",
			json_str(json_get(m, "Destination")));
		return true;
	}
	return false;
}

bool docker_order_may_start_first(const struct json *old, const char *was,
	bool dependents, const struct conf_deploy *deploy, char *why, size_t n)
{
	const struct json *host = json_get(old, "HostConfig");

	if (strcmp(was, "running") != 0)
		snprintf(why, n, "it does not run");
	else if (dependents)
		snprintf(why, n, "other containers depend on it");
	else if (json_bool(json_get(host, "AutoRemove")))
		snprintf(why, n, "it was run with --rm");
	else if (json_len(json_get(host, "Devices")) > 0 ||
		json_len(json_get(host, "DeviceRequests")) > 0)
		snprintf(why, n, "it uses devices");
	else if (fixes_port(old, why, n) || fixes_address(old, why, n) ||
		shares_network(old, why, n) ||
		(!deploy->allow_shared_rw && writes(old, why, n)))
		return false;
	else
		return true;
	return false;
}
