#include "deployer/docker/docker_image.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *text;
	enum err_class cls;
} classes[] = {
	{"toomanyrequests: You have reached your pull rate limit", ERR_RETRY},
	{"unexpected status from HEAD request: 429 Too Many Requests; access "
	 "denied", ERR_RETRY},
	{"Head \"http://r/v2/x/manifests/t\": no basic auth credentials",
		ERR_FAIL},
	{"authentication required - incorrect username or password", ERR_FAIL},
	{"pull access denied, repository does not exist", ERR_FAIL},
	{"unauthorized: bad creds", ERR_FAIL},
	{"received unexpected HTTP status: 403 Forbidden", ERR_FAIL},
	{"manifest for a@sha256:403f not found: manifest unknown", ERR_RETRY},
	{"no matching manifest for linux/amd64 in the manifest list entries",
		ERR_FAIL},
	{"failed to resolve reference: no match for platform in manifest: not "
	 "found", ERR_FAIL},
	{"dial tcp 127.0.0.1:5999: connect: connection refused", ERR_RETRY},
	{"unknown blob", ERR_RETRY},
	{"no space left on device", ERR_RETRY},
};

static void test_class(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (docker_image_pull_class(classes[i].text) != classes[i].cls)
			fail_msg("%s", classes[i].text);
}

/* What to do about it, where that can be told from the engine's text alone. */
static const struct {
	const char *text, *says;
} hints[] = {
	{"failed to register layer: write /usr/lib/x: no space left on device",
		"`docker system df`"},
	{"http: server gave HTTP response to HTTPS client",
		"insecure-registries"},
	{"unauthorized: bad creds", "`docker login`"},
	{"connection refused", NULL},
};

static void test_hint(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
		struct strbuf sb = {0};

		docker_image_hint(NULL, hints[i].text, &sb);
		if (hints[i].says == NULL)
			assert_int_equal(sb.len, 0);
		else if (!strstr(strbuf_cstr(&sb), hints[i].says))
			fail_msg("%s", strbuf_cstr(&sb));
		strbuf_release(&sb);
	}
}

static const struct {
	const char *image, *engine, *want;
} platforms[] = {
	{"{\"Os\":\"linux\",\"Architecture\":\"amd64\"}", "linux/amd64", ""},
	{"{\"Os\":\"linux\",\"Architecture\":\"arm64\",\"Variant\":\"v8\"}",
		"linux/amd64", "linux/arm64/v8"},
	{"{\"Os\":\"linux\",\"Architecture\":\"arm64\",\"Variant\":\"v8\"}",
		"linux/arm64", ""},
	{"{\"Os\":\"\",\"Architecture\":\"\"}", "linux/amd64", ""},
	{"{}", "linux/amd64", ""},
};

static void test_platform(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(platforms); i++) {
		struct json *j =
			json_parse(str_from(platforms[i].image), NULL, NULL);
		struct strbuf sb = {0};

		docker_image_platform(j, platforms[i].engine, &sb);
		assert_string_equal(strbuf_cstr(&sb), platforms[i].want);
		strbuf_release(&sb);
		json_free(j);
	}
}

static const struct {
	const char *image, *repository, *want;
} digests[] = {
	{"{\"RepoDigests\":[\"other@sha256:a\",\"host:5000/app@sha256:b\"]}",
		"host:5000/app", "sha256:b"},
	{"{\"RepoDigests\":[\"nginx@sha256:a\"]}", "docker.io/library/nginx",
		"sha256:a"},
	/* Known under another name: better than none. */
	{"{\"RepoDigests\":[\"other@sha256:a\"]}", "app", "sha256:a"},
	{"{\"RepoDigests\":[]}", "app", NULL},
	{"{\"RepoDigests\":null}", "app", NULL},
	{"{\"RepoDigests\":[\"broken\",7]}", "app", NULL},
	/* In containerd's store, with a name, and when its last one is gone. */
	{"{\"RepoDigests\":[\"app@sha256:a\"],"
	 "\"Descriptor\":{\"digest\":\"sha256:d\"}}", "app", "sha256:a"},
	{"{\"RepoDigests\":[],\"Descriptor\":{\"digest\":\"sha256:d\"}}", "app",
		"sha256:d"},
	{"{\"RepoDigests\":[],\"Descriptor\":{\"digest\":7}}", "app", NULL},
};

static void test_digest(void **state)
{
	const char *got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
		struct json *j =
			json_parse(str_from(digests[i].image), NULL, NULL);

		assert_non_null(j);
		got = docker_image_digest(j, digests[i].repository);
		if (digests[i].want == NULL)
			assert_null(got);
		else
			assert_string_equal(got, digests[i].want);
		json_free(j);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_class),
		cmocka_unit_test(test_hint),
		cmocka_unit_test(test_platform),
		cmocka_unit_test(test_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
