/* A new container's body: what is the user's and what the image's. */
#include "tests/unit/deployer/docker_spec_rig.h"

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

TEST_ROWS(plain)
TEST_ROWS(command)
TEST_ROWS(object)

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
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_not_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
