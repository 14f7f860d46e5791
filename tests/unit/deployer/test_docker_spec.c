#include "deployer/docker/docker_spec.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/deployer/json_rig.h"

#define ID "0123456789ab0123456789ab0123456789ab0123456789ab0123456789abcdef"
#define SHORT "0123456789ab"
#define VOL "f00d"

/* One look at one member of the body: what the old container and its image
 * have, and what must be sent. */
struct row {
	const char *what;
	int api;             /* 0: 41 */
	const char *config;  /* the container's Config; NULL: {} */
	const char *image;   /* the old image's Config; NULL: null */
	const char *host;    /* HostConfig; NULL: {} */
	const char *mounts;  /* NULL: [] */
	const char *networks;
	const char *sources;
	const char *path;    /* in the body */
	const char *want;    /* JSON; NULL: absent or null */
};

static const struct row plain_rows[] = {
	{.what = "working dir of the image", .config = "{\"WorkingDir\":\"/a\"}",
		.image = "{\"WorkingDir\":\"/a\"}", .path = "WorkingDir"},
	{.what = "working dir of the user", .config = "{\"WorkingDir\":\"/b\"}",
		.image = "{\"WorkingDir\":\"/a\"}", .path = "WorkingDir",
		.want = "\"/b\""},
	{.what = "user of the image", .config = "{\"User\":\"app\"}",
		.image = "{\"User\":\"app\"}", .path = "User"},
	{.what = "user of the user", .config = "{\"User\":\"0\"}",
		.image = "null", .path = "User", .want = "\"0\""},
	{.what = "stop signal of the image",
		.config = "{\"StopSignal\":\"SIGINT\"}",
		.image = "{\"StopSignal\":\"SIGINT\"}", .path = "StopSignal"},
	{.what = "stop signal of the user",
		.config = "{\"StopSignal\":\"SIGHUP\"}",
		.image = "{\"StopSignal\":\"SIGINT\"}", .path = "StopSignal",
		.want = "\"SIGHUP\""},
	{.what = "no time to stop is not absent",
		.config = "{\"StopTimeout\":0}", .path = "StopTimeout",
		.want = "0"},
	{.what = "domain name", .config = "{\"Domainname\":\"x.y\"}",
		.path = "Domainname", .want = "\"x.y\""},
	{.what = "terminal", .config = "{\"Tty\":true}", .path = "Tty",
		.want = "true"},
	{.what = "members we do not know",
		.config = "{\"Later\":{\"a\":[1]}}", .path = "Later",
		.want = "{\"a\":[1]}"},
	{.what = "triggers of the image", .config = "{\"OnBuild\":[\"RUN x\"]}",
		.path = "OnBuild"},
	{.what = "shell of the image", .config = "{\"Shell\":[\"sh\"]}",
		.path = "Shell"},
	{.what = "escaped arguments", .config = "{\"ArgsEscaped\":true}",
		.path = "ArgsEscaped"},
	{.what = "the new reference", .config = "{\"Image\":\"app:v1\"}",
		.path = "Image", .want = "\"host:5000/app:v2\""},
};

static const struct row command_rows[] = {
	{.what = "both of the image: cmd",
		.config = "{\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]}",
		.image = "{\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]}",
		.path = "Cmd"},
	{.what = "both of the image: entrypoint",
		.config = "{\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]}",
		.image = "{\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]}",
		.path = "Entrypoint"},
	{.what = "null and [] are equal",
		.config = "{\"Entrypoint\":null,\"Cmd\":[\"c\"]}",
		.image = "{\"Entrypoint\":[],\"Cmd\":[\"c\"]}", .path = "Cmd"},
	{.what = "own cmd: kept",
		.config = "{\"Entrypoint\":[\"e\"],\"Cmd\":[\"mine\"]}",
		.image = "{\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]}",
		.path = "Cmd", .want = "[\"mine\"]"},
	{.what = "own cmd: entrypoint of the new image",
		.config = "{\"Entrypoint\":[\"e\"],\"Cmd\":[\"mine\"]}",
		.image = "{\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]}",
		.path = "Entrypoint"},
	{.what = "the image's entrypoint by hand drops its cmd",
		.config = "{\"Entrypoint\":[\"e\"],\"Cmd\":null}",
		.image = "{\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]}",
		.path = "Entrypoint", .want = "[\"e\"]"},
	{.what = "entrypoint switched off",
		.config = "{\"Entrypoint\":null,\"Cmd\":[\"c\"]}",
		.image = "{\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]}",
		.path = "Entrypoint", .want = "[\"\"]"},
	{.what = "entrypoint switched off keeps the cmd",
		.config = "{\"Entrypoint\":null,\"Cmd\":[\"c\"]}",
		.image = "{\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]}",
		.path = "Cmd", .want = "[\"c\"]"},
	{.what = "another entrypoint keeps an equal cmd",
		.config = "{\"Entrypoint\":[\"/bin/sh\"],\"Cmd\":[\"c\"]}",
		.image = "{\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]}",
		.path = "Cmd", .want = "[\"c\"]"},
	{.what = "another entrypoint, no cmd",
		.config = "{\"Entrypoint\":[\"/bin/sh\"],\"Cmd\":null}",
		.image = "{\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]}",
		.path = "Entrypoint", .want = "[\"/bin/sh\"]"},
	{.what = "an entrypoint stays a list",
		.config = "{\"Entrypoint\":[\"tini\",\"--\"]}", .image = "{}",
		.path = "Entrypoint", .want = "[\"tini\",\"--\"]"},
	{.what = "environment",
		.config = "{\"Env\":[\"MINE=1\",\"SHARED=mine\",\"PATH=/bin\","
			  "\"OFF\",\"V=1\"]}",
		.image = "{\"Env\":[\"PATH=/bin\",\"SHARED=image\",\"OFF=no\","
			 "\"V=1\"]}",
		.path = "Env",
		.want = "[\"MINE=1\",\"SHARED=mine\",\"OFF\"]"},
	{.what = "environment of an image without one",
		.config = "{\"Env\":[\"A=\"]}", .image = "{\"Env\":null}",
		.path = "Env", .want = "[\"A=\"]"},
};

#define HASHED "\"com.docker.compose.config-hash\":\"h\""

static const struct row object_rows[] = {
	{.what = "labels: inherited ones go, own and changed ones stay",
		.config = "{\"Labels\":{\"own\":\"1\",\"same\":\"x\","
			  "\"changed\":\"mine\",\"blank\":\"\"}}",
		.image = "{\"Labels\":{\"same\":\"x\",\"changed\":\"image\"}}",
		.path = "Labels",
		.want = "{\"own\":\"1\",\"changed\":\"mine\",\"blank\":\"\","
			"\"pullwire.deploy\":\"new\"}"},
	{.what = "labels: those of the deployment before",
		.config = "{\"Labels\":{\"pullwire.deploy\":\"old\","
			  "\"pullwire.was\":\"paused\","
			  "\"pullwire.signal\":\"SIGINT\","
			  "\"pullwire.enable\":\"true\"}}",
		.path = "Labels",
		.want = "{\"pullwire.enable\":\"true\","
			"\"pullwire.deploy\":\"new\"}"},
	{.what = "labels: none",
		.config = "{\"Labels\":null}", .path = "Labels",
		.want = "{\"pullwire.deploy\":\"new\"}"},
	{.what = "labels: of Compose, also in the image",
		.config = "{\"Labels\":{" HASHED ",\"same\":\"x\","
			  "\"com.docker.compose.project\":\"p\","
			  "\"com.docker.stack.image\":\"i\"}}",
		.image = "{\"Labels\":{\"com.docker.compose.project\":\"p\","
			 "\"com.docker.stack.image\":\"i\",\"same\":\"x\"}}",
		.path = "Labels",
		.want = "{" HASHED ",\"com.docker.compose.project\":\"p\","
			"\"com.docker.stack.image\":\"i\","
			"\"pullwire.deploy\":\"new\"}"},
	{.what = "labels: of Compose, by the image alone",
		.config = "{\"Labels\":{\"com.docker.compose.project\":\"p\"}}",
		.image = "{\"Labels\":{\"com.docker.compose.project\":\"p\"}}",
		.path = "Labels", .want = "{\"pullwire.deploy\":\"new\"}"},
	{.what = "labels: Compose's image follows",
		.config = "{\"Labels\":{\"com.docker.compose.image\":"
			  "\"sha256:old\"}}",
		.path = "Labels",
		.want = "{\"com.docker.compose.image\":\"sha256:new\","
			"\"pullwire.deploy\":\"new\"}"},
	{.what = "labels: Compose's image as a manifest digest",
		.config = "{\"Labels\":{\"com.docker.compose.image\":"
			  "\"sha256:oldmanifest\"}}",
		.path = "Labels",
		.want = "{\"com.docker.compose.image\":\"sha256:newmanifest\","
			"\"pullwire.deploy\":\"new\"}"},
	{.what = "labels: Compose's image of something else",
		.config = "{\"Labels\":{\"com.docker.compose.image\":"
			  "\"sha256:stale\"}}",
		.path = "Labels",
		.want = "{\"com.docker.compose.image\":\"sha256:stale\","
			"\"pullwire.deploy\":\"new\"}"},
	{.what = "volumes of the image",
		.config = "{\"Volumes\":{\"/i\":{},\"/u\":{}}}",
		.image = "{\"Volumes\":{\"/i\":{}}}", .path = "Volumes",
		.want = "{\"/u\":{}}"},
	{.what = "ports: of the image go, published ones come",
		.config = "{\"ExposedPorts\":{\"80/tcp\":{},\"81/tcp\":{},"
			  "\"82/tcp\":{}}}",
		.image = "{\"ExposedPorts\":{\"80/tcp\":{},\"81/tcp\":{}}}",
		.host = "{\"PortBindings\":{\"81/tcp\":[{\"HostIp\":\"\","
			"\"HostPort\":\"8081\"}],\"53/udp\":[]}}",
		.path = "ExposedPorts",
		.want = "{\"82/tcp\":{},\"81/tcp\":{},\"53/udp\":{}}"},
	{.what = "ports: published with nothing exposed",
		.config = "{\"ExposedPorts\":null}",
		.host = "{\"PortBindings\":{\"81/tcp\":[{}]}}",
		.path = "ExposedPorts", .want = "{\"81/tcp\":{}}"},
	{.what = "ports: none at all", .host = "{\"PortBindings\":{}}",
		.path = "ExposedPorts"},
	{.what = "health check of the image",
		.config = "{\"Healthcheck\":{\"Test\":[\"CMD\",\"t\"],"
			  "\"Interval\":5}}",
		.image = "{\"Healthcheck\":{\"Test\":[\"CMD\",\"t\"],"
			 "\"Interval\":5}}",
		.path = "Healthcheck"},
	{.what = "health check: the interval alone is mine",
		.config = "{\"Healthcheck\":{\"Test\":[\"CMD\",\"t\"],"
			  "\"Interval\":9,\"Timeout\":3,\"StartInterval\":4}}",
		.image = "{\"Healthcheck\":{\"Test\":[\"CMD\",\"t\"],"
			 "\"Interval\":5,\"Timeout\":3,\"StartInterval\":4}}",
		.path = "Healthcheck", .want = "{\"Interval\":9}"},
	{.what = "health check: all mine",
		.config = "{\"Healthcheck\":{\"Test\":[\"CMD\",\"mine\"],"
			  "\"Retries\":2}}",
		.image = "{\"Healthcheck\":{\"Test\":[\"CMD\",\"t\"]}}",
		.path = "Healthcheck",
		.want = "{\"Test\":[\"CMD\",\"mine\"],\"Retries\":2}"},
	{.what = "health check: off",
		.config = "{\"Healthcheck\":{\"Test\":[\"NONE\"],"
			  "\"Interval\":5}}",
		.image = "{\"Healthcheck\":{\"Test\":[\"CMD\",\"t\"],"
			 "\"Interval\":5}}",
		.path = "Healthcheck", .want = "{\"Test\":[\"NONE\"]}"},
};

static const struct row name_rows[] = {
	{.what = "host name made by the engine",
		.config = "{\"Hostname\":\"" SHORT "\"}", .path = "Hostname"},
	{.what = "host name of the user", .config = "{\"Hostname\":\"web\"}",
		.path = "Hostname", .want = "\"web\""},
	{.what = "host name with the host's UTS",
		.config = "{\"Hostname\":\"web\"}",
		.host = "{\"UTSMode\":\"host\"}", .path = "Hostname"},
	{.what = "host name of the engine, host network",
		.config = "{\"Hostname\":\"machine\"}",
		.host = "{\"NetworkMode\":\"host\"}", .path = "Hostname"},
	{.what = "host name of the user, host network",
		.config = "{\"Hostname\":\"web\"}",
		.host = "{\"NetworkMode\":\"host\"}", .path = "Hostname",
		.want = "\"web\""},
	{.what = "joined: host name", .config = "{\"Hostname\":\"web\"}",
		.host = "{\"NetworkMode\":\"container:" ID "\"}",
		.path = "Hostname"},
	{.what = "joined: domain name", .config = "{\"Domainname\":\"web\"}",
		.host = "{\"NetworkMode\":\"container:" ID "\"}",
		.path = "Domainname"},
	{.what = "joined: exposed ports",
		.config = "{\"ExposedPorts\":{\"80/tcp\":{}}}",
		.host = "{\"NetworkMode\":\"container:" ID "\"}",
		.path = "ExposedPorts"},
	{.what = "joined: published ports",
		.host = "{\"NetworkMode\":\"container:" ID "\","
			"\"PortBindings\":{\"80/tcp\":[{}]}}",
		.path = "HostConfig.PortBindings"},
	{.what = "joined: no networks",
		.host = "{\"NetworkMode\":\"container:" ID "\"}",
		.networks = "{}", .path = "NetworkingConfig"},
	{.what = "MAC address in Config before 1.44", .api = 43,
		.config = "{\"MacAddress\":\"02:42:00:00:00:01\"}",
		.host = "{\"NetworkMode\":\"n\"}",
		.networks = "{\"n\":{}}", .path = "MacAddress",
		.want = "\"02:42:00:00:00:01\""},
	{.what = "MAC address not in Config from 1.44", .api = 44,
		.config = "{\"MacAddress\":\"02:42:00:00:00:01\"}",
		.host = "{\"NetworkMode\":\"n\"}",
		.networks = "{\"n\":{}}", .path = "MacAddress"},
	{.what = "MAC address with the endpoint from 1.44", .api = 44,
		.config = "{\"MacAddress\":\"02:42:00:00:00:01\"}",
		.host = "{\"NetworkMode\":\"n\"}",
		.networks = "{\"n\":{\"MacAddress\":\"02:42:00:00:00:01\"},"
			    "\"m\":{\"MacAddress\":\"02:42:00:00:00:02\"}}",
		.path = "NetworkingConfig.EndpointsConfig",
		.want = "{\"n\":{\"MacAddress\":\"02:42:00:00:00:01\"},"
			"\"m\":{}}"},
	{.what = "MAC address of another network, by label", .api = 44,
		.config = "{\"MacAddress\":\"02:42:00:00:00:01\",\"Labels\":{"
			"\"pullwire.mac.m\":\"02:42:00:00:00:03\"}}",
		.host = "{\"NetworkMode\":\"n\"}",
		.networks = "{\"n\":{},\"m\":{\"MacAddress\":"
			    "\"02:42:00:00:00:03\"},\"o\":{}}",
		.path = "NetworkingConfig.EndpointsConfig",
		.want = "{\"n\":{\"MacAddress\":\"02:42:00:00:00:01\"},"
			"\"m\":{\"MacAddress\":\"02:42:00:00:00:03\"},"
			"\"o\":{}}"},
	{.what = "MAC address by label, no place for it before 1.44",
		.api = 43,
		.config = "{\"Labels\":{\"pullwire.mac.n\":"
			  "\"02:42:00:00:00:03\"}}",
		.host = "{\"NetworkMode\":\"n\"}", .networks = "{\"n\":{}}",
		.path = "NetworkingConfig.EndpointsConfig",
		.want = "{\"n\":{}}"},
	{.what = "generated MAC address", .api = 51,
		.host = "{\"NetworkMode\":\"n\"}",
		.networks = "{\"n\":{\"MacAddress\":\"02:42:00:00:00:01\"}}",
		.path = "NetworkingConfig.EndpointsConfig",
		.want = "{\"n\":{}}"},
};

#define MOUNT(type, name, at, rw) \
	"{\"Type\":\"" type "\",\"Name\":\"" name "\",\"Source\":\"/s/" name \
	"\",\"Destination\":\"" at "\",\"RW\":" rw ",\"Mode\":\"\"}"

static const struct row volume_rows[] = {
	{.what = "an anonymous volume is kept by its name",
		.host = "{\"Binds\":null}",
		.mounts = "[" MOUNT("volume", VOL, "/data", "true") "]",
		.path = "HostConfig.Binds", .want = "[\"" VOL ":/data\"]"},
	{.what = "read-only", .host = "{\"Binds\":[\"/a:/b\"]}",
		.mounts = "[" MOUNT("volume", VOL, "/data", "false") "]",
		.path = "HostConfig.Binds",
		.want = "[\"/a:/b\",\"" VOL ":/data:ro\"]"},
	{.what = "a named volume stays as it is",
		.host = "{\"Binds\":[\"data:/data/:nocopy\"]}",
		.mounts = "[" MOUNT("volume", "data", "/data", "true") "]",
		.path = "HostConfig.Binds",
		.want = "[\"data:/data/:nocopy\"]"},
	{.what = "an anonymous volume as a bind",
		.host = "{\"Binds\":[\"/data\",\"x:/x\"]}",
		.mounts = "[" MOUNT("volume", VOL, "/data", "true") "]",
		.path = "HostConfig.Binds",
		.want = "[\"" VOL ":/data\",\"x:/x\"]"},
	{.what = "a mount without a source gets one",
		.host = "{\"Mounts\":[{\"Type\":\"volume\",\"Target\":"
			"\"/data/\"}]}",
		.mounts = "[" MOUNT("volume", VOL, "/data", "true") "]",
		.path = "HostConfig.Mounts",
		.want = "[{\"Type\":\"volume\",\"Target\":\"/data/\","
			"\"Source\":\"" VOL "\"}]"},
	{.what = "and no bind",
		.host = "{\"Mounts\":[{\"Type\":\"volume\",\"Target\":"
			"\"/data/\"}]}",
		.mounts = "[" MOUNT("volume", VOL, "/data", "true") "]",
		.path = "HostConfig.Binds"},
	{.what = "a mount with a source is left alone",
		.host = "{\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"n\","
			"\"Target\":\"/data\"}]}",
		.mounts = "[" MOUNT("volume", "n", "/data", "true") "]",
		.path = "HostConfig.Mounts",
		.want = "[{\"Type\":\"volume\",\"Source\":\"n\",\"Target\":"
			"\"/data\"}]"},
	{.what = "binds and tmpfs are no volumes",
		.host = "{\"Tmpfs\":{\"/t\":\"\"}}",
		.mounts = "[" MOUNT("bind", "", "/b", "true") "," MOUNT(
			"tmpfs", "", "/t", "true") "]",
		.path = "HostConfig.Binds"},
	{.what = "volumes from a container that is there",
		.host = "{\"VolumesFrom\":[\"src:ro\"]}",
		.mounts = "[" MOUNT("volume", VOL, "/data", "false") "]",
		.sources = "{\"src\":{\"Mounts\":[" MOUNT(
			"volume", VOL, "/data", "true") "]}}",
		.path = "HostConfig",
		.want = "{\"VolumesFrom\":[\"src:ro\"]}"},
	{.what = "volumes from a container that is gone",
		.host = "{\"VolumesFrom\":[\"src:ro\"]}",
		.mounts = "[" MOUNT("volume", VOL, "/data", "false") "," MOUNT(
			"bind", "b", "/b", "true") "]",
		.path = "HostConfig",
		.want = "{\"VolumesFrom\":[],\"Binds\":[\"" VOL ":/data:ro\","
			"\"/s/b:/b\"]}"},
};

static const struct row host_rows[] = {
	{.what = "verbatim", .host = "{\"Memory\":9007199254740993,\"Later\":1,"
		"\"RestartPolicy\":{\"Name\":\"on-failure\","
		"\"MaximumRetryCount\":3},\"ShmSize\":67108864}",
		.path = "HostConfig",
		.want = "{\"Memory\":9007199254740993,\"Later\":1,"
			"\"RestartPolicy\":{\"Name\":\"on-failure\","
			"\"MaximumRetryCount\":3},\"ShmSize\":67108864}"},
	{.what = "links as they are taken",
		.host = "{\"Links\":[\"/db:/web/database\",\"/q:/web/p/q\"]}",
		.path = "HostConfig.Links",
		.want = "[\"db:database\",\"q:q\"]"},
	{.what = "no links", .host = "{\"Links\":null}",
		.path = "HostConfig.Links"},
	{.what = "id file", .host = "{\"ContainerIDFile\":\"/x\"}",
		.path = "HostConfig", .want = "{}"},
	{.what = "device permissions",
		.host = "{\"Devices\":[{\"PathOnHost\":\"/d\","
			"\"CgroupPermissions\":\"\"},"
			"{\"CgroupPermissions\":\"r\"}]}",
		.path = "HostConfig.Devices",
		.want = "[{\"PathOnHost\":\"/d\",\"CgroupPermissions\":"
			"\"rwm\"},{\"CgroupPermissions\":\"r\"}]"},
	{.what = "options of another mount type, 1.42", .api = 42,
		.host = "{\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/a\","
			"\"Target\":\"/b\",\"BindOptions\":{\"x\":1},"
			"\"VolumeOptions\":{}}]}",
		.path = "HostConfig.Mounts",
		.want = "[{\"Type\":\"bind\",\"Source\":\"/a\",\"Target\":"
			"\"/b\",\"BindOptions\":{\"x\":1}}]"},
	{.what = "options of another mount type, 1.41",
		.host = "{\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/a\","
			"\"Target\":\"/b\",\"VolumeOptions\":{}}]}",
		.path = "HostConfig.Mounts",
		.want = "[{\"Type\":\"bind\",\"Source\":\"/a\",\"Target\":"
			"\"/b\",\"VolumeOptions\":{}}]"},
	{.what = "sysctls stay before 1.48", .api = 47,
		.host = "{\"Sysctls\":{\"net.ipv4.conf.eth0.forwarding\":"
			"\"1\"},\"NetworkMode\":\"n\"}",
		.networks = "{\"n\":{}}", .path = "HostConfig.Sysctls",
		.want = "{\"net.ipv4.conf.eth0.forwarding\":\"1\"}"},
	{.what = "sysctls of the interface leave from 1.48", .api = 48,
		.host = "{\"Sysctls\":{\"net.ipv4.conf.eth0.forwarding\":"
			"\"1\",\"net.ipv4.ip_forward\":\"1\","
			"\"net.ipv4.conf.eth1.forwarding\":\"1\"},"
			"\"NetworkMode\":\"n\"}",
		.networks = "{\"n\":{}}", .path = "HostConfig.Sysctls",
		.want = "{\"net.ipv4.ip_forward\":\"1\","
			"\"net.ipv4.conf.eth1.forwarding\":\"1\"}"},
	{.what = "and go with the endpoint", .api = 48,
		.host = "{\"Sysctls\":{\"net.ipv4.conf.eth0.forwarding\":\"1\","
			"\"net.ipv6.conf.eth0.accept_ra\":\"2\"},"
			"\"NetworkMode\":\"n\"}",
		.networks = "{\"n\":{\"DriverOpts\":{\"a\":\"b\"}}}",
		.path = "NetworkingConfig.EndpointsConfig.n.DriverOpts",
		.want = "{\"a\":\"b\",\"com.docker.network.endpoint.sysctls\":"
			"\"net.ipv4.conf.IFNAME.forwarding=1,"
			"net.ipv6.conf.IFNAME.accept_ra=2\"}"},
};

#define ENDPOINTS "NetworkingConfig.EndpointsConfig"

static const struct row net_rows[] = {
	{.what = "only what the user configured",
		.host = "{\"NetworkMode\":\"n\"}",
		.networks = "{\"n\":{\"IPAMConfig\":{\"IPv4Address\":"
			    "\"10.0.0.9\"},\"Links\":null,\"Aliases\":"
			    "[\"web\",\"" SHORT "\"],\"NetworkID\":\"x\","
			    "\"EndpointID\":\"y\",\"Gateway\":\"10.0.0.1\","
			    "\"IPAddress\":\"10.0.0.9\",\"MacAddress\":\"m\","
			    "\"DNSNames\":[\"a\"],\"DriverOpts\":{\"o\":\"1\"},"
			    "\"GwPriority\":7}}",
		.path = ENDPOINTS,
		.want = "{\"n\":{\"IPAMConfig\":{\"IPv4Address\":\"10.0.0.9\"},"
			"\"DriverOpts\":{\"o\":\"1\"},\"GwPriority\":7,"
			"\"Aliases\":[\"web\"]}}"},
	{.what = "the host name is an alias of the engine up to 1.44",
		.api = 44, .config = "{\"Hostname\":\"h\"}",
		.host = "{\"NetworkMode\":\"n\"}",
		.networks = "{\"n\":{\"Aliases\":[\"h\",\"a\"]}}",
		.path = ENDPOINTS, .want = "{\"n\":{\"Aliases\":[\"a\"]}}"},
	{.what = "and the user's from 1.45 on", .api = 45,
		.config = "{\"Hostname\":\"h\"}",
		.host = "{\"NetworkMode\":\"n\"}",
		.networks = "{\"n\":{\"Aliases\":[\"h\",\"a\"]}}",
		.path = ENDPOINTS,
		.want = "{\"n\":{\"Aliases\":[\"h\",\"a\"]}}"},
	{.what = "no alias on the default bridge",
		.host = "{\"NetworkMode\":\"default\"}",
		.networks = "{\"bridge\":{\"Aliases\":[\"a\"]}}",
		.path = ENDPOINTS, .want = "{\"bridge\":{}}"},
	{.what = "one endpoint before 1.44", .api = 43,
		.host = "{\"NetworkMode\":\"b\"}",
		.networks = "{\"a\":{},\"b\":{}}", .path = ENDPOINTS,
		.want = "{\"b\":{}}"},
	{.what = "all of them from 1.44 on", .api = 44,
		.host = "{\"NetworkMode\":\"b\"}",
		.networks = "{\"a\":{},\"b\":{}}", .path = ENDPOINTS,
		.want = "{\"a\":{},\"b\":{}}"},
	{.what = "the network by a short id", .api = 41,
		.host = "{\"NetworkMode\":\"feed\"}",
		.networks = "{\"a\":{\"NetworkID\":\"beef\"},\"b\":"
			    "{\"NetworkID\":\"feedbeef\"}}",
		.path = ENDPOINTS, .want = "{\"b\":{}}"},
	{.what = "disconnected from its own", .api = 41,
		.host = "{\"NetworkMode\":\"bridge\"}",
		.networks = "{\"a\":{}}", .path = ENDPOINTS,
		.want = "{\"a\":{}}"},
	{.what = "host network", .host = "{\"NetworkMode\":\"host\"}",
		.networks = "{\"host\":{}}", .path = "NetworkingConfig"},
	{.what = "no network", .host = "{\"NetworkMode\":\"none\"}",
		.networks = "{\"none\":{}}", .path = "NetworkingConfig"},
};

/* ---- the check ---------------------------------------------------------------- */

static struct json *old_of(const struct row *r)
{
	struct json *old = json_new_object(), *net = json_new_object();

	json_set_str(old, "Id", ID);
	json_set(old, "Config", parse(r->config ? r->config : "{}"));
	json_set(old, "HostConfig", parse(r->host ? r->host : "{}"));
	json_set(old, "Mounts", parse(r->mounts ? r->mounts : "[]"));
	json_set(net, "Networks", parse(r->networks ? r->networks : "{}"));
	json_set(old, "NetworkSettings", net);
	return old;
}

static struct json *image_of(const char *id, const char *manifest,
	const char *config)
{
	struct strbuf sb = {0};
	struct json *j;

	strbuf_addf(&sb,
		"{\"Id\":\"%s\",\"Config\":%s,\"Descriptor\":{\"mediaType\":"
		"\"application/vnd.oci.image.index.v1+json\",\"digest\":"
		"\"sha256:index\"},\"Manifests\":[{\"Kind\":\"attestation\","
		"\"Available\":true,\"Descriptor\":{\"digest\":\"sha256:no\"}},"
		"{\"Kind\":\"image\",\"Available\":true,\"Descriptor\":"
		"{\"digest\":\"%s\"}}]}",
		id, config ? config : "null", manifest);
	j = parse(strbuf_cstr(&sb));
	strbuf_release(&sb);
	return j;
}

static void check(const struct row *r)
{
	struct json *old = old_of(r);
	struct json *old_image =
		image_of("sha256:old", "sha256:oldmanifest", r->image);
	struct json *new_image =
		image_of("sha256:new", "sha256:newmanifest", "{\"User\":\"n\"}");
	struct json *sources = r->sources ? parse(r->sources) : NULL;
	struct json *labels = parse("{\"pullwire.deploy\":\"new\"}");
	struct json *want = r->want ? parse(r->want) : NULL;
	const struct docker_spec_input in = {
		.old = old,
		.old_image = old_image,
		.new_image = new_image,
		.reference = "host:5000/app:v2",
		.api = r->api ? r->api : 41,
		.engine_name = "machine",
		.sources = sources,
		.labels = labels,
	};
	struct docker_spec spec;
	struct err err = {0};
	struct strbuf got = {0};

	if (docker_spec_build(&in, &spec, &err) != 0)
		fail_msg("%s: %s", r->what, err.text);
	json_write(json_path(spec.body, r->path), &got);
	if (!json_equal(json_path(spec.body, r->path), want) &&
		!(want == NULL && json_is_null(json_path(spec.body, r->path))))
		fail_msg("%s: %s is %s", r->what, r->path, strbuf_cstr(&got));
	strbuf_release(&got);
	docker_spec_release(&spec);
	json_free(old);
	json_free(old_image);
	json_free(new_image);
	json_free(sources);
	json_free(labels);
	json_free(want);
}

#define TEST_ROWS(name) \
	static void test_##name(void **state) \
	{ \
		(void)state; \
		for (size_t i = 0; i < ARRAY_LEN(name##_rows); i++) \
			check(&name##_rows[i]); \
	}

TEST_ROWS(plain)
TEST_ROWS(command)
TEST_ROWS(object)
TEST_ROWS(name)
TEST_ROWS(volume)
TEST_ROWS(host)
TEST_ROWS(net)

/* What an engine before 1.44 is told after the creation. */
static void test_connect(void **state)
{
	const struct row r = {
		.host = "{\"NetworkMode\":\"b\"}",
		.networks = "{\"a\":{\"Aliases\":[\"x\"]},\"b\":{},\"c\":{}}",
	};
	struct json *old = old_of(&r), *image = image_of("i", "m", NULL);
	struct json *want = parse(
		"[{\"Network\":\"a\",\"EndpointConfig\":{\"Aliases\":[\"x\"]}},"
		"{\"Network\":\"c\",\"EndpointConfig\":{}}]");
	struct docker_spec_input in = {.old = old, .old_image = image,
		.new_image = image, .reference = "app", .api = 43};
	struct docker_spec spec;

	(void)state;
	assert_int_equal(docker_spec_build(&in, &spec, NULL), 0);
	assert_true(json_equal(spec.connect, want));
	docker_spec_release(&spec);
	in.api = 44;
	assert_int_equal(docker_spec_build(&in, &spec, NULL), 0);
	assert_int_equal(json_len(spec.connect), 0);
	docker_spec_release(&spec);
	json_free(old);
	json_free(image);
	json_free(want);
}

static void test_not_an_answer(void **state)
{
	static const char *const olds[] = {"{}", "{\"Config\":{}}",
		"{\"HostConfig\":{}}", "{\"Config\":[],\"HostConfig\":{}}"};
	struct json *image = image_of("i", "m", NULL), *old;
	struct docker_spec_input in = {
		.new_image = image, .reference = "app", .api = 41};
	struct docker_spec spec;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(olds); i++) {
		in.old = old = parse(olds[i]);
		in.old_image = image;
		assert_int_equal(docker_spec_build(&in, &spec, &err), -1);
		assert_int_equal(err.cls, ERR_FAIL);
		json_free(old);
	}
	in.old = old = parse("{\"Config\":{},\"HostConfig\":{}}");
	in.old_image = NULL;
	assert_int_equal(docker_spec_build(&in, &spec, &err), -1);
	json_free(old);
	json_free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_object),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_volume),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_net),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_not_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
