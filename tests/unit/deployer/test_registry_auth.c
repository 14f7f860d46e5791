#include "deployer/registry/registry_auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/enc.h"
#include "proto/base/mem.h"

#define HUB REGISTRY_HUB_KEY
/* u:p */
#define UP "{\"auth\":\"dTpw\"}"

static const struct {
	const char *what, *text, *host;
	/* What comes of it: header as JSON, or a helper, or an error. */
	const char *json, *helper, *error;
} files[] = {
	{"a pair", "{\"auths\":{\"r.example:5000\":" UP "}}", "r.example:5000",
		"{\"username\":\"u\",\"password\":\"p\",\"serveraddress\":"
		"\"r.example:5000\"}", NULL, NULL},
	{"a password with colons and a NUL that docker once wrote",
		"{\"auths\":{\"r\":{\"auth\":\"dTpwOnEA\"}}}", "r",
		"{\"username\":\"u\",\"password\":\"p:q\",\"serveraddress\":"
		"\"r\"}", NULL, NULL},
	{"in plain", "{\"auths\":{\"r\":{\"username\":\"a\",\"password\":"
		"\"~~~>>>???\"}}}", "r", "{\"username\":\"a\",\"password\":"
		"\"~~~>>>???\",\"serveraddress\":\"r\"}", NULL, NULL},
	{"an identity token goes before a pair",
		"{\"auths\":{\"r\":{\"auth\":\"dTpw\",\"identitytoken\":\"T\"}}}",
		"r", "{\"identitytoken\":\"T\",\"serveraddress\":\"r\"}", NULL,
		NULL},
	{"another registry's", "{\"auths\":{\"r:1\":" UP "}}", "r:2", NULL,
		NULL, NULL},
	{"with scheme and path", "{\"auths\":{\"https://r/v1/\":" UP "}}", "r",
		"{\"username\":\"u\",\"password\":\"p\",\"serveraddress\":"
		"\"r\"}", NULL, NULL},
	{"the exact key goes before one of the same host",
		"{\"auths\":{\"http://r\":{},\"r\":" UP "}}", "r",
		"{\"username\":\"u\",\"password\":\"p\",\"serveraddress\":"
		"\"r\"}", NULL, NULL},
	{"Docker Hub", "{\"auths\":{\"" HUB "\":" UP "}}", "docker.io",
		"{\"username\":\"u\",\"password\":\"p\",\"serveraddress\":"
		"\"" HUB "\"}", NULL, NULL},
	{"an empty entry", "{\"auths\":{\"r\":{}}}", "r", NULL, NULL, NULL},
	{"nothing", "{}", "r", NULL, NULL, NULL},
	{"a helper of the host", "{\"auths\":{\"r\":" UP "},\"credHelpers\":"
		"{\"r\":\"ecr-login\"},\"credsStore\":\"pass\"}", "r", NULL,
		"ecr-login", NULL},
	{"the store", "{\"auths\":{\"r\":{}},\"credHelpers\":{\"x\":"
		"\"ecr-login\"},\"credsStore\":\"pass\"}", "r", NULL, "pass",
		NULL},
	{"a helper with a path", "{\"credsStore\":\"../../bin/x\"}", "r", NULL,
		NULL, "the helper's name"},
	{"no base64", "{\"auths\":{\"r\":{\"auth\":\"u:p\"}}}", "r", NULL, NULL,
		"USER:PASSWORD in base64"},
	{"no colon", "{\"auths\":{\"r\":{\"auth\":\"dXA=\"}}}", "r", NULL, NULL,
		"USER:PASSWORD in base64"},
	{"no JSON", "auths: {}", "r", NULL, NULL, "JSON"},
};

static void check_header(const struct registry_auth *auth, const char *json)
{
	struct strbuf header = {0}, text = {0};

	registry_auth_header(auth, &header);
	if (json == NULL) {
		assert_int_equal(header.len, 0);
		return;
	}
	assert_null(strpbrk(strbuf_cstr(&header), "+/"));
	assert_int_equal(enc_unbase64(strbuf_str(&header), &text), 0);
	assert_string_equal(strbuf_cstr(&text), json);
	strbuf_release(&header);
	strbuf_release(&text);
}

static void test_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct registry_auth auth = {0};
		struct err err = {0};
		char *helper;
		int rc = registry_auth_read(str_from(files[i].text),
			str_from(files[i].host), &helper, &auth, &err);

		if (rc != (files[i].error != NULL ? -1 : 0) ||
			(files[i].error != NULL &&
				strstr(err.text, files[i].error) == NULL))
			fail_msg("%s: %d, %s", files[i].what, rc, err.text);
		if (files[i].helper != NULL)
			assert_string_equal(helper, files[i].helper);
		else
			assert_null(helper);
		check_header(&auth, files[i].json);
		free(helper);
		registry_auth_release(&auth);
	}
}

/* ---- helpers ---------------------------------------------------------------- */

/* docker-credential-NAME in a folder that PATH has. */
static void write_helper(const char *dir, const char *name, const char *script)
{
	char *path = xprintf("%s/docker-credential-%s", dir, name);
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", script);
	fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
	free(path);
}

static const struct {
	const char *name, *script, *host;
	const char *json, *error, *never;
} helpers[] = {
	{"good", "read s; [ $1 = get ] && echo '{\"ServerURL\":\"x\","
		"\"Username\":\"u\",\"Secret\":\"'$s'\"}'", "r:5",
		"{\"username\":\"u\",\"password\":\"r:5\",\"serveraddress\":"
		"\"r:5\"}", NULL, NULL},
	{"token", "cat >/dev/null; echo '{\"Username\":\"<token>\","
		"\"Secret\":\"T\"}'", "r", "{\"identitytoken\":\"T\","
		"\"serveraddress\":\"r\"}", NULL, NULL},
	{"hub", "read s; echo '{\"Username\":\"u\",\"Secret\":\"'$s'\"}'",
		"docker.io", "{\"username\":\"u\",\"password\":\"" HUB "\","
		"\"serveraddress\":\"" HUB "\"}", NULL, NULL},
	{"none", "echo credentials not found in native keychain; exit 1", "r",
		NULL, NULL, NULL},
	{"locked", "echo the keychain is locked; exit 3", "r", NULL,
		"docker-credential-locked: it ended with status 3: the "
		"keychain is locked", NULL},
	{"chatty", "echo '{\"Secret\":\"hunter2\"}'; exit 1", "r", NULL,
		"status 1", "hunter2"},
	{"garbled", "echo hunter2", "r", NULL, "did not print", "hunter2"},
	{"endless", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
		"r", NULL, "prints more than", NULL},
	{"deaf", "exec 0<&-; echo '{\"Username\":\"u\",\"Secret\":\"s\"}'", "r",
		"{\"username\":\"u\",\"password\":\"s\",\"serveraddress\":"
		"\"r\"}", NULL, NULL},
	{"missing", NULL, "r", NULL, "docker-credential-missing: it is not "
		"installed", NULL},
};

static void check_helper(const char *dir, size_t i)
{
	char *config = xprintf("%s/config.json", dir);
	struct registry_auth auth;
	struct err err = {0};
	FILE *f = fopen(config, "we");
	int rc;

	assert_non_null(f);
	fprintf(f, "{\"credsStore\":\"%s\"}", helpers[i].name);
	fclose(f);
	if (helpers[i].script != NULL)
		write_helper(dir, helpers[i].name, helpers[i].script);
	rc = registry_auth_find(config, str_from(helpers[i].host), &auth, &err);
	if (rc != (helpers[i].error != NULL ? -1 : 0) ||
		(rc != 0 && strstr(err.text, helpers[i].error) == NULL) ||
		(helpers[i].never != NULL &&
			strstr(err.text, helpers[i].never) != NULL))
		fail_msg("%s: %d, %s", helpers[i].name, rc, err.text);
	check_header(&auth, helpers[i].json);
	registry_auth_release(&auth);
	free(config);
}

static void test_helpers(void **state)
{
	char dir[] = "/tmp/pw-auth-XXXXXX";
	char *path, *clean;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = xprintf("%s:%s", dir, getenv("PATH"));
	setenv("PATH", path, 1);
	for (size_t i = 0; i < ARRAY_LEN(helpers); i++)
		check_helper(dir, i);
	clean = xprintf("rm -r %s", dir);
	assert_int_equal(system(clean), 0);
	free(clean);
	free(path);
}

static void test_places(void **state)
{
	struct registry_auth auth;
	struct err err = {0};

	(void)state;
	assert_int_equal(registry_auth_find("/nowhere/config.json", STR("r"),
				 &auth, &err), -1);
	assert_non_null(strstr(err.text, "/nowhere/config.json"));
	registry_auth_release(&auth);
	setenv("DOCKER_CONFIG", "/nowhere", 1);
	assert_int_equal(registry_auth_find(NULL, STR("r"), &auth, &err), 0);
	assert_string_equal(auth.from, "/nowhere/config.json");
	check_header(&auth, NULL);
	registry_auth_release(&auth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_helpers),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
