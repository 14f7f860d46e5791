#include "deployer/registry/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/enc.h"

extern char **environ;

static void close_pair(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* Starts it with our ends' counterparts as its input and output. */
static int start(const struct helper *h, int in, int out, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
		POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	rc = posix_spawnp(pid, h->argv[0], &files, &attr,
		(char *const *)(uintptr_t)h->argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

/* Little: it fits the socket's buffer, and a helper that reads nothing is no
 * error. */
static void feed(int fd, struct str input)
{
	ssize_t n = send(fd, input.p, input.n, MSG_NOSIGNAL | MSG_DONTWAIT);

	(void)n;
}

/* 0 at its output's end, else an errno. */
static int drain(const struct helper *h, int fd, struct strbuf *out)
{
	int64_t end = clock_mono() + h->limit_ms, left;
	char part[4096];
	ssize_t n;

	while ((left = end - clock_mono()) > 0) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(fd, part, sizeof(part));
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0)
			strbuf_add(out, part, (size_t)n);
		enc_wipe(part, sizeof(part));
		if (n <= 0)
			return 0;
		if (out->len > h->max)
			return EMSGSIZE;
	}
	return ETIME;
}

/* Its status; a helper that closed its output and stays is killed in time. */
static int reap(pid_t pid, bool kill_now)
{
	int64_t end = clock_mono() + 1000;
	int status = 0;

	if (kill_now)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_mono() > end)
			kill(-pid, SIGKILL);
		clock_sleep(2);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : 128 + WTERMSIG(status);
}

int helper_run(const struct helper *h, struct strbuf *out, int *status,
	struct err *err)
{
	int in[2] = {-1, -1}, from[2] = {-1, -1}, rc;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0 ||
		pipe2(from, O_CLOEXEC) != 0) {
		rc = errno;
		close_pair(in);
		return err_set(err, ERR_RETRY, rc, "no pipe: %s", strerror(rc));
	}
	rc = start(h, in[0], from[1], &pid);
	close(in[0]);
	close(from[1]);
	in[0] = from[1] = -1;
	if (rc != 0) {
		close_pair(in);
		close_pair(from);
		return err_set(err, ERR_FAIL, rc, "%s cannot be started: %s",
			h->argv[0], strerror(rc));
	}
	feed(in[1], h->input);
	close(in[1]);
	rc = drain(h, from[0], out);
	close(from[0]);
	*status = reap(pid, rc != 0);
	if (rc == ETIME)
		return err_set(err, ERR_RETRY, rc, "%s did not answer within "
			"%lld s", h->argv[0], (long long)h->limit_ms / 1000);
	if (rc != 0)
		return err_set(err, ERR_FAIL, rc,
			"%s prints more than %zu bytes", h->argv[0], h->max);
	return 0;
}
