#include "deployer/docker/docker_api.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deployer/docker/docker_denied.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_encode(void **state)
{
	struct strbuf sb = {0};

	(void)state;
	docker_api_encode(&sb, STR("host:5000/a_b-c.d~e {\"x\":[1]}\xc3\xa9"));
	assert_string_equal(strbuf_cstr(&sb),
		"host%3A5000%2Fa_b-c.d~e%20%7B%22x%22%3A%5B1%5D%7D%C3%A9");
	strbuf_release(&sb);
}

/* A health probe may have written NUL bytes; the rest must be read all the
 * same. */
static void test_parse_nul(void **state)
{
	static const char text[] =
		"{\"a\":\"x\\u0000y\",\"b\":\"\\\\u0000\",\"c\":\"\\u0000\"}";
	struct strbuf sb = {0};
	struct err err = {0};
	struct json *j;

	(void)state;
	strbuf_add_cstr(&sb, text);
	j = docker_api_parse(&sb, &err);
	assert_non_null(j);
	assert_string_equal(json_str(json_get(j, "a")), "x\xef\xbf\xbdy");
	assert_string_equal(json_str(json_get(j, "b")), "\\u0000");
	assert_string_equal(json_str(json_get(j, "c")), "\xef\xbf\xbd");
	json_free(j);
	strbuf_truncate(&sb, 0);
	strbuf_add_cstr(&sb, "{\"a\":\"\\u000");
	assert_null(docker_api_parse(&sb, &err));
	strbuf_release(&sb);
}

static void test_open(void **state)
{
	static const struct conf_engine wrong[] = {
		{.docker = ""},
		{.docker = "unix://"},
		{.docker = "unix://relative"},
		{.docker = "/var/run/docker.sock"},
		{.docker = "tcp://127.0.0.1:2376"}, /* no TLS told */
	};
	static const struct {
		struct conf_engine engine;
		const char *says;
	} dead[] = {
		{{.docker = "unix:///nowhere/docker.sock"}, "could not connect"},
		{{.docker = "tcp://127.0.0.1:1", .insecure = true},
			"could not connect"},
		{{.docker = "tcp://127.0.0.1:1", .tls = {.cert = "/no/cert",
			.key = "/no/key"}}, "could not connect"},
	};
	struct err err;
	struct docker_api *api;

	(void)state;
	unsetenv("DOCKER_CERT_PATH");
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_null(docker_api_open(&wrong[i], &err));
		assert_int_equal(err.cls, ERR_FAIL);
	}
	for (size_t i = 0; i < ARRAY_LEN(dead); i++) {
		api = docker_api_open(&dead[i].engine, &err);
		assert_non_null(api);
		assert_int_equal(docker_api_ping(api, &err), -1);
		assert_true(docker_api_unreachable(&err));
		assert_non_null(strstr(err.text, dead[i].engine.docker));
		assert_non_null(strstr(err.text, dead[i].says));
		docker_api_close(api);
	}
	setenv("DOCKER_CERT_PATH", "/nowhere", 1);
	api = docker_api_open(&wrong[4], &err);
	assert_non_null(api);
	docker_api_close(api);
}

static void test_shorten(void **state)
{
	char out[31];

	(void)state;
	assert_string_equal(docker_api_shorten(STR("short\n"), out,
		sizeof(out)), "short\\x0a");
	assert_string_equal(docker_api_shorten(
		STR("pull of a very long name: and at its end the cause"), out,
		sizeof(out)), "pull of a ... ts end the cause");
}

/* As the container's user, which is root nowhere; 0: it says what to do. */
static int denied_as_nobody(const char *path)
{
	const struct conf_engine engine = {.docker = (char *)path};
	struct docker_api *api = docker_api_open(&engine, NULL);
	struct err err = {0};
	bool ok;

	if (setgroups(0, NULL) != 0 || setgid(65534) != 0 ||
		setuid(65534) != 0)
		return 1;
	ok = docker_api_ping(api, &err) != 0 && docker_api_unreachable(&err) &&
		strstr(err.text, "permission denied: user 65534 is not in "
				 "group 4711") != NULL &&
		strstr(err.text, "DOCKER_GID=4711") != NULL;
	if (!ok)
		fprintf(stderr, "%s\n", err.text);
	docker_api_close(api);
	return ok ? 0 : 1;
}

static void test_denied(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), told = -1;
	char url[160], said[360];
	struct stat st = {.st_mode = S_IFSOCK | 0600, .st_gid = 7};
	pid_t child;

	(void)state;
	docker_denied_say(&st, 8, said, sizeof(said));
	assert_non_null(strstr(said, "user 8 is not the owner"));
	docker_denied_say(NULL, 8, said, sizeof(said));
	assert_non_null(strstr(said, "folder above"));
	snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/pw-denied-%d",
		(int)getpid());
	snprintf(url, sizeof(url), "unix://%s", at.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)(void *)&at, sizeof(at)), 0);
	assert_false(docker_denied(at.sun_path, said, sizeof(said)));
	if (geteuid() == 0) {
		assert_int_equal(chown(at.sun_path, 0, 4711), 0);
		assert_int_equal(chmod(at.sun_path, 0660), 0);
		child = fork();
		if (child == 0)
			_exit(denied_as_nobody(url));
		assert_int_equal(waitpid(child, &told, 0), child);
		assert_int_equal(told, 0);
	}
	unlink(at.sun_path);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_parse_nul),
		cmocka_unit_test(test_shorten),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_denied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
