#include "proto/daemon/harden.h"

#include "proto/base/log.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* What finds leaks looks at its own process from outside. */
#if defined(__SANITIZE_ADDRESS__)
#define WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif
#ifndef WATCHED
#define WATCHED 0
#endif

/* ---- system calls -------------------------------------------------------- */

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define NUMBERS_MAX 0x3fffffffu /* above: the calls of another ABI */
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#define ARCH AUDIT_ARCH_AARCH64
#define NUMBERS_MAX 0xffffffffu
#endif

#ifdef ARCH

/* Each ends the process; the first two only where programs are not started. */
static const unsigned forbidden[] = {
	SYS_execve, SYS_execveat,
	SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp,
	SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot,
	SYS_unshare, SYS_setns, SYS_bpf, SYS_perf_event_open,
	SYS_init_module, SYS_finit_module, SYS_delete_module,
	SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct,
	SYS_userfaultfd,
	SYS_open_by_handle_at, SYS_settimeofday, SYS_clock_settime,
	SYS_personality, SYS_quotactl, SYS_sethostname, SYS_setdomainname,
};
#define PROGRAMS 2 /* of them */

/* Anything else is a kind of socket that no daemon has. */
static const unsigned families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

#define DATA(field) ((unsigned)offsetof(struct seccomp_data, field))
#define LOW(arg) (DATA(args) + 8 * (arg)) /* its low half: little-endian */
#define WX (PROT_WRITE | PROT_EXEC)
#define FILTER_MAX 128

struct program {
	struct sock_filter code[FILTER_MAX];
	unsigned short n;
};

static void add(struct program *p, unsigned code, unsigned k, unsigned yes,
	unsigned no)
{
	if (p->n == FILTER_MAX)
		BUG("the filter is too long");
	p->code[p->n++] = (struct sock_filter){(unsigned short)code,
		(unsigned char)yes, (unsigned char)no, k};
}

#define LOAD(field) add(p, BPF_LD | BPF_W | BPF_ABS, field, 0, 0)
#define END(what) add(p, BPF_RET | BPF_K, what, 0, 0)
#define IF_EQUAL(k, yes, no) add(p, BPF_JMP | BPF_JEQ | BPF_K, k, yes, no)

/* mmap, mprotect: memory to be written and run at once is refused. */
static void add_memory(struct program *p, unsigned call)
{
	LOAD(DATA(nr));
	IF_EQUAL(call, 0, 4);
	LOAD(LOW(2));
	add(p, BPF_ALU | BPF_AND | BPF_K, WX, 0, 0);
	IF_EQUAL(WX, 0, 1);
	END(SECCOMP_RET_ERRNO | EACCES);
}

static void add_sockets(struct program *p)
{
	const unsigned n = ARRAY_LEN(families);

	LOAD(DATA(nr));
	IF_EQUAL(SYS_socket, 0, n + 2);
	LOAD(LOW(0));
	for (unsigned i = 0; i < n; i++)
		IF_EQUAL(families[i], n - i, 0);
	END(SECCOMP_RET_ERRNO | EAFNOSUPPORT);
}

static int confine(bool runs_programs)
{
	struct program program = {.n = 0}, *p = &program;
	struct sock_fprog prog = {.filter = p->code};

	LOAD(DATA(arch));
	IF_EQUAL(ARCH, 1, 0);
	END(SECCOMP_RET_KILL_PROCESS);
	LOAD(DATA(nr));
	add(p, BPF_JMP | BPF_JGT | BPF_K, NUMBERS_MAX, 0, 1);
	END(SECCOMP_RET_KILL_PROCESS);
	for (size_t i = runs_programs ? PROGRAMS : 0;
		i < ARRAY_LEN(forbidden); i++) {
		IF_EQUAL(forbidden[i], 0, 1);
		END(SECCOMP_RET_KILL_PROCESS);
	}
	add_memory(p, SYS_mmap);
	add_memory(p, SYS_mprotect);
	add_sockets(p);
	END(SECCOMP_RET_ALLOW);
	prog.len = p->n;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0);
}

#else

static int confine(bool runs_programs UNUSED)
{
	errno = ENOSYS;
	return -1;
}

#endif

/* ---- the whole ------------------------------------------------------------ */

/* Requests come and go by the thousand: their memory is not given back to the
 * kernel after each, to be had page by page for the next. */
static void keep_memory(void)
{
	mallopt(M_TOP_PAD, 256 << 10);
	mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

void harden(bool runs_programs)
{
	struct rlimit none = {0, 0};

	umask(077);
	signal(SIGPIPE, SIG_IGN);
	keep_memory();
	/* Not dumpable: a system's own crash helper is kept from it, too. */
	if (setrlimit(RLIMIT_CORE, &none) < 0 ||
		(!WATCHED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		log_fatal("the kernel refuses to drop rights: %s",
			strerror(errno));
	if (!WATCHED && confine(runs_programs) < 0)
		log_warn(NULL, "this system does not filter system calls: %s",
			strerror(errno));
}
