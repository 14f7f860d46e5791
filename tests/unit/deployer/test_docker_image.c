#include "deployer/docker_image.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *what, *stream;
	size_t objects;
	const char *digest, *error;
} streams[] = {
	{"good",
		"{\"status\":\"Pulling from a\",\"id\":\"v1\"}\r\n"
		"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1}}"
		"\r\n{\"status\":\"Digest: sha256:" HEX "\"}\r\n"
		"{\"status\":\"Status: Downloaded newer image for a:v1\"}\r\n",
		4, "sha256:" HEX, ""},
	{"an error inside", "{\"status\":\"x\"}\n{\"errorDetail\":{\"message\":"
		"\"unknown blob\"},\"error\":\"something else\"}\n",
		2, "", "unknown blob"},
	{"the old member alone", "{\"error\":\"no space left\"}\n", 1, "",
		"no space left"},
	{"the first error counts",
		"{\"error\":\"one\"}\n{\"error\":\"two\"}\n", 2, "", "one"},
	{"bytes of an error are shown safely", "{\"error\":\"a\\u001bb\"}\n", 1,
		"", "a\\x1bb"},
	{"not JSON", "oops\n", 1, "", "the engine's progress report is not "
		"JSON"},
	{"cut short: the last object does not count", "{\"status\":\"x\"}\n{",
		1, "", ""},
	{"a digest of another length is none",
		"{\"status\":\"Digest: sha512:" HEX HEX "\"}\n", 1, "", ""},
	{"empty lines", "\r\n\n", 0, "", ""},
};

static void check_progress(const struct docker_progress *p, size_t i)
{
	if (p->objects != streams[i].objects ||
		strcmp(p->digest, streams[i].digest) != 0 ||
		strcmp(p->error, streams[i].error) != 0)
		fail_msg("%s: %zu objects, digest %s, error %s",
			streams[i].what, p->objects, p->digest, p->error);
}

static void test_progress(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
		struct str s = str_from(streams[i].stream);
		struct docker_progress whole = {0}, bytes = {0};

		assert_int_equal(docker_progress_feed(&whole, s), 0);
		check_progress(&whole, i);
		for (size_t k = 0; k < s.n; k++)
			assert_int_equal(docker_progress_feed(&bytes,
				str_cut(s, k, k + 1)), 0);
		check_progress(&bytes, i);
		docker_progress_release(&whole);
		docker_progress_release(&bytes);
	}
}

static void test_endless_line(void **state)
{
	struct docker_progress p = {0};
	static char part[1 << 20];
	int rc = 0;

	(void)state;
	memset(part, 'x', sizeof(part));
	for (int i = 0; i < 8 && rc == 0; i++)
		rc = docker_progress_feed(&p,
			(struct str){part, sizeof(part)});
	assert_int_equal(rc, -1);
	docker_progress_release(&p);
}

static const struct {
	const char *text;
	enum err_class cls;
} classes[] = {
	{"toomanyrequests: You have reached your pull rate limit", ERR_RETRY},
	{"unexpected status from HEAD request: 429 Too Many Requests; access "
	 "denied", ERR_RETRY},
	{"Head \"http://r/v2/x/manifests/t\": no basic auth credentials",
		ERR_FAIL},
	{"pull access denied, repository does not exist", ERR_FAIL},
	{"unauthorized: bad creds", ERR_FAIL},
	{"received unexpected HTTP status: 403 Forbidden", ERR_FAIL},
	{"manifest for a@sha256:403f not found: manifest unknown", ERR_RETRY},
	{"no matching manifest for linux/amd64 in the manifest list entries",
		ERR_FAIL},
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
	const char *digests, *repository, *want;
} digests[] = {
	{"[\"other@sha256:a\",\"host:5000/app@sha256:b\"]", "host:5000/app",
		"sha256:b"},
	{"[\"nginx@sha256:a\"]", "docker.io/library/nginx", "sha256:a"},
	/* Known under another name: better than none. */
	{"[\"other@sha256:a\"]", "app", "sha256:a"},
	{"[]", "app", NULL},
	{"null", "app", NULL},
	{"[\"broken\",7]", "app", NULL},
};

static void test_digest(void **state)
{
	const char *got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
		struct json *j = json_new_object();

		json_set(j, "RepoDigests",
			json_parse(str_from(digests[i].digests), NULL, NULL));
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
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_endless_line),
		cmocka_unit_test(test_class),
		cmocka_unit_test(test_platform),
		cmocka_unit_test(test_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
