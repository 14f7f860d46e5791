#include "matcher/payload.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/mem.h"
#include "proto/data/json.h"

#define PROGRAM "pullwire-ingress"
#define OUTPUT_MAX ((size_t)8 << 20)

extern char **environ;

/* The faults that the program wrote to `said`, under the name that was typed. */
static void relay(int said)
{
	FILE *f = fdopen(said, "r");
	char *line = NULL;
	size_t size = 0;

	if (f == NULL) {
		close(said);
		return;
	}
	rewind(f);
	while (getline(&line, &size, f) > 0) {
		bool its = strncmp(line, PROGRAM ": ", sizeof(PROGRAM) + 1) == 0;

		fprintf(stderr, "%s%s", its ? "pullwire-matcher: " : "",
			its ? line + sizeof(PROGRAM) + 1 : line);
	}
	free(line);
	fclose(f);
}

/* In the folder that our own program is in. */
static int find_program(char path[PATH_MAX], struct err *err)
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL || (size_t)(slash + 1 - path) + sizeof(PROGRAM) >
				     PATH_MAX)
		return err_fail(err, "where this program is cannot be told");
	memcpy(slash + 1, PROGRAM, sizeof(PROGRAM));
	if (access(path, X_OK) == 0)
		return 0;
	return err_fail(err, "a body is read by %s, which is not there: %s",
		path, strerror(errno));
}

/* Its standard output, to its end. */
static int run(const char *path, char *const *args, struct strbuf *out,
	int *status, struct err *err)
{
	posix_spawn_file_actions_t actions;
	char buf[4096];
	int ends[2], rc, said = memfd_create("said", MFD_CLOEXEC);
	ssize_t n;
	pid_t pid;

	if (said < 0 || pipe(ends) < 0) {
		err_retry(err, "no pipe: %s", strerror(errno));
		if (said >= 0)
			close(said);
		return -1;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, said, STDERR_FILENO);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	posix_spawn_file_actions_addclose(&actions, ends[1]);
	rc = posix_spawn(&pid, path, &actions, NULL, args, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	while (rc == 0 && (n = read(ends[0], buf, sizeof(buf))) > 0)
		strbuf_add(out, buf, (size_t)n);
	close(ends[0]);
	while (rc == 0 && waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	relay(said);
	if (rc != 0)
		return err_retry(err, "%s does not start: %s", path,
			strerror(rc));
	return 0;
}

static int take_line(struct payload *p, struct str line, struct err *err)
{
	struct json *j = json_parse(line, NULL, err);
	const char *ignored = json_str(json_get(j, "ignored"));
	struct event e = {
		.registry = xstrdup_null(json_str(json_get(j, "registry"))),
		.repository = xstrdup_null(json_str(json_get(j, "repository"))),
		.tag = xstrdup_null(json_str(json_get(j, "tag"))),
		.digest = xstrdup_null(json_str(json_get(j, "digest"))),
	};
	int rc = j != NULL ? 0 : -1;

	if (ignored != NULL)
		VEC_PUSH(&p->ignored, xstrdup(ignored));
	if (rc == 0 && ignored == NULL && e.repository && e.tag)
		VEC_PUSH(&p->events, e);
	else
		field_release(&event_table, &e);
	json_free(j);
	return rc;
}

int payload_read(char *const *args, struct payload *p, struct err *err)
{
	struct strbuf out = {.limit = OUTPUT_MAX};
	struct str rest, line;
	char path[PATH_MAX];
	int status = 0, rc;

	rc = find_program(path, err);
	if (rc == 0)
		rc = run(path, args, &out, &status, err);
	if (rc == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
		err_clear(err);
		rc = -1;
	}
	rest = strbuf_str(&out);
	while (rc == 0 && str_split(&rest, '\n', &line))
		if (line.n > 0)
			rc = take_line(p, line, err);
	strbuf_release(&out);
	return rc;
}

void payload_release(struct payload *p)
{
	for (size_t i = 0; i < p->events.n; i++)
		field_release(&event_table, &p->events.v[i]);
	VEC_RELEASE(&p->events);
	for (size_t i = 0; i < p->ignored.n; i++)
		free(p->ignored.v[i]);
	VEC_RELEASE(&p->ignored);
}
