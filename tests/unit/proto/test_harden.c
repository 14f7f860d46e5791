#include "proto/daemon/harden.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What a child does after harden(); its exit code is 0 for "it works". */
static int run_program(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return 1;
}

static int start_program(void)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0)
		_exit(run_program());
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}

static int trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0;
}

static int mounts(void)
{
	return mount("none", "/nowhere", "tmpfs", 0, NULL) < 0;
}

static int write_and_run(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int write_then_run(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) < 0;
}

static int raw_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) < 0;
}

static int ordinary(void)
{
	int fds[2];
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return pipe(fds) < 0 || p == MAP_FAILED ||
		socket(AF_INET6, SOCK_STREAM, 0) < 0 ||
		socket(AF_UNIX, SOCK_STREAM, 0) < 0 ||
		socket(AF_NETLINK, SOCK_RAW, 0) < 0 ||
		mprotect(p, 4096, PROT_READ) < 0;
}

static int dumps(void)
{
	struct rlimit core = {1, 1};

	getrlimit(RLIMIT_CORE, &core);
	return core.rlim_max != 0 || prctl(PR_GET_DUMPABLE) != 0 ||
		prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

static int after_harden(int (*fn)(void), bool runs_programs)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		harden(runs_programs);
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool is_filtered(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return false;
#else
	/* An own build for a machine whose calls are not known has none. */
	return after_harden(trace, false) != 0;
#endif
}

static void test_what_is_given_up(void **state UNUSED)
{
	static const struct {
		const char *what;
		int (*fn)(void);
		bool runs_programs;
		int signal, code;
	} rows[] = {
		{"a program in its place", run_program, false, SIGSYS, 0},
		{"a program", start_program, false, 0, 1},
		{"a helper", start_program, true, 0, 0},
		{"a debugger", trace, true, SIGSYS, 0},
		{"a mount", mounts, false, SIGSYS, 0},
		{"W+X", write_and_run, false, 0, 1},
		{"W, then X", write_then_run, false, 0, 1},
		{"a raw socket", raw_socket, false, 0, 1},
		{"what daemons do", ordinary, false, 0, 0},
		{"dumps", dumps, false, 0, 0},
	};

	if (!is_filtered())
		skip();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int status = after_harden(rows[i].fn, rows[i].runs_programs);

		if (rows[i].signal ? !WIFSIGNALED(status) ||
				    WTERMSIG(status) != rows[i].signal
				   : !WIFEXITED(status) ||
				    WEXITSTATUS(status) != rows[i].code)
			fail_msg("%s: status %x", rows[i].what, status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
