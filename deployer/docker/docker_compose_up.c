#include "deployer/docker/docker_compose_up.h"

#include "deployer/registry/helper.h"
#include "proto/base/mem.h"

#define LIMIT_MS (10 * 60 * 1000)
#define OUTPUT_MAX ((size_t)1 << 20)

/* Both streams are one; arguments are never read by the shell. */
static int run(const char *const *command, size_t n, const char *endpoint,
	struct strbuf *out, int *status, struct err *err)
{
	char *host = xprintf("DOCKER_HOST=%s", endpoint);
	VEC(const char *) argv = {0};
	struct helper h = {.limit_ms = LIMIT_MS, .max = OUTPUT_MAX};
	int rc;

	VEC_PUSH(&argv, "sh");
	VEC_PUSH(&argv, "-c");
	VEC_PUSH(&argv, "exec \"$@\" 2>&1");
	VEC_PUSH(&argv, "sh");
	VEC_PUSH(&argv, "env");
	VEC_PUSH(&argv, host);
	for (size_t i = 0; i < n; i++)
		VEC_PUSH(&argv, command[i]);
	VEC_PUSH(&argv, NULL);
	h.argv = argv.v;
	rc = helper_run(&h, out, status, err);
	VEC_RELEASE(&argv);
	free(host);
	return rc;
}

/* Compose v2 as a plugin of docker's, else docker-compose of either. */
static bool has_plugin(const char *endpoint)
{
	static const char *const ask[] = {"docker", "compose", "version"};
	struct strbuf out = {0};
	int status = 1;
	bool has = run(ask, ARRAY_LEN(ask), endpoint, &out, &status, NULL) ==
			0 && status == 0;

	strbuf_release(&out);
	return has;
}

int docker_compose_up(const struct docker_api *api,
	const struct docker_compose *c, struct err *err)
{
	const char *endpoint = docker_api_endpoint(api);
	VEC(const char *) argv = {0};
	struct strbuf out = {0};
	struct str rest, line, last = {0};
	char safe[400];
	int status = 0, rc;

	if (has_plugin(endpoint)) {
		VEC_PUSH(&argv, "docker");
		VEC_PUSH(&argv, "compose");
	} else {
		VEC_PUSH(&argv, "docker-compose");
	}
	VEC_PUSH(&argv, "--project-name");
	VEC_PUSH(&argv, c->project);
	VEC_PUSH(&argv, "--project-directory");
	VEC_PUSH(&argv, c->folder);
	for (size_t i = 0; i < c->files.n; i++) {
		VEC_PUSH(&argv, "--file");
		VEC_PUSH(&argv, c->files.v[i]);
	}
	for (size_t i = 0; i < c->env_files.n; i++) {
		VEC_PUSH(&argv, "--env-file");
		VEC_PUSH(&argv, c->env_files.v[i]);
	}
	VEC_PUSH(&argv, "up");
	VEC_PUSH(&argv, "-d");
	VEC_PUSH(&argv, "--no-deps");
	VEC_PUSH(&argv, "--no-build");
	VEC_PUSH(&argv, c->service);
	rc = run(argv.v, argv.n, endpoint, &out, &status, err);
	for (rest = strbuf_str(&out); str_split(&rest, '\n', &line);)
		if (str_trim(line).n > 0)
			last = str_trim(line);
	if (rc == 0 && status != 0)
		rc = err_fail(err, "Compose ended with code %d: %s", status,
			str_safe(str_cut(last, 0, 200), safe, sizeof(safe)));
	strbuf_release(&out);
	VEC_RELEASE(&argv);
	return rc;
}
