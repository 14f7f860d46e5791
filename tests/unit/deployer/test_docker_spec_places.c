/* A new container's body: its names, volumes, host's side and networks. */
#include "tests/unit/deployer/docker_spec_rig.h"

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

TEST_ROWS(name)
TEST_ROWS(volume)
TEST_ROWS(host)
TEST_ROWS(net)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_volume),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_net),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
