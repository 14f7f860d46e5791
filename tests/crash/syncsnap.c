/*
 * The worst legal power loss, as a library to preload. Below $SYNCSNAP_DIR
 * nothing counts as written until it was synced. Beside it
 *
 *   $SYNCSNAP_DIR.bytes/INODE-BIRTH  the bytes of each file when it was synced
 *   $SYNCSNAP_DIR.synced/NAME        symbolic links to them: the names when
 *                                    the folder was synced
 *
 * hold what a disk would at least hold after the plug was pulled; a link that
 * leads nowhere is a name whose bytes were never synced: an empty file. A file
 * that was synced and whose name was not is lost, as POSIX allows. A name given
 * to synced bytes by link() or rename() counts from the next sync of the
 * folder. Sub-folders are not followed: a store's folder is flat.
 *
 * Each change is made under another name and then renamed, so a kill in the
 * middle leaves the older state, which is legal too. The test builds the folder
 * anew from the links after kill -9. Never used outside tests.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];  /* the folder that is watched, "" for none */
static char names[PATH_MAX]; /* .synced */
static char bytes[PATH_MAX]; /* .bytes */

/* A test that cannot keep its promise must not pass by accident. */
static void die(const char *what)
{
	fprintf(stderr, "syncsnap: %s: %s\n", what, strerror(errno));
	abort();
}

static void make_path(char out[PATH_MAX], const char *dir, const char *name)
{
	if (snprintf(out, PATH_MAX, "%s%s", dir, name) >= PATH_MAX)
		die("path too long");
}

static void make_folder(const char *path)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		die(path);
}

__attribute__((constructor)) static void start(void)
{
	const char *dir = getenv("SYNCSNAP_DIR");

	if (!dir || !*dir)
		return;
	if (!realpath(dir, root))
		die(dir);
	make_path(names, root, ".synced");
	make_path(bytes, root, ".bytes");
	make_folder(names);
	make_folder(bytes);
}

/* The name inside the watched folder; "" for the folder; NULL for others. */
static const char *watched_name(int fd, char path[PATH_MAX])
{
	char proc[64];
	ssize_t n;
	size_t len = strlen(root);

	if (len == 0)
		return NULL;
	snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	n = readlink(proc, path, PATH_MAX - 1);
	if (n < 0)
		return NULL;
	path[n] = '\0';
	if (strncmp(path, root, len) != 0)
		return NULL;
	if (path[len] == '\0')
		return "";
	if (path[len] != '/' || strchr(path + len + 1, '/'))
		return NULL;
	return path + len + 1;
}

/* Where the bytes of the file are kept; inode numbers are used again, births
 * are not. -1: the file is gone, or none. */
static int place_of(const char *path, char out[PATH_MAX])
{
	char name[64];
	struct statx st;

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW,
		    STATX_INO | STATX_TYPE | STATX_BTIME, &st) != 0 ||
		!S_ISREG(st.stx_mode))
		return -1;
	snprintf(name, sizeof name, "/%llu-%lld.%u",
		(unsigned long long)st.stx_ino,
		(long long)st.stx_btime.tv_sec, st.stx_btime.tv_nsec);
	make_path(out, bytes, name);
	return 0;
}

static void keep_bytes(const char *path)
{
	char to[PATH_MAX], part[PATH_MAX];
	struct stat st;
	off_t off = 0;
	int in, out;

	if (place_of(path, to) != 0)
		return;
	make_path(part, to, ".part");
	in = open(path, O_RDONLY | O_CLOEXEC);
	out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (in < 0 || out < 0 || fstat(in, &st) != 0)
		die(path);
	while (off < st.st_size) {
		ssize_t n = sendfile(out, in, &off, (size_t)(st.st_size - off));

		if (n < 0)
			die(path);
		if (n == 0)
			break; /* it shrank */
	}
	close(in);
	close(out);
	if (rename(part, to) != 0)
		die(to);
}

static void each_entry(const char *dir, void (*fn)(const char *name))
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		die(dir);
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			fn(e->d_name);
	closedir(d);
}

static void keep_name(const char *name)
{
	char slash[PATH_MAX], path[PATH_MAX], place[PATH_MAX];
	char link[PATH_MAX], part[PATH_MAX];

	make_path(slash, "/", name);
	make_path(path, root, slash);
	make_path(link, names, slash);
	make_path(part, bytes, "/link.part");
	if (place_of(path, place) != 0)
		return;
	unlink(part);
	if (symlink(place, part) != 0 || rename(part, link) != 0)
		die(link);
}

static void forget_name(const char *name)
{
	char slash[PATH_MAX], path[PATH_MAX], link[PATH_MAX];

	make_path(slash, "/", name);
	make_path(path, root, slash);
	make_path(link, names, slash);
	if (access(path, F_OK) != 0)
		unlink(link);
}

/* Before the real call: what it is about to make safe is in the file now. */
static void snapshot(int fd)
{
	char path[PATH_MAX];
	int saved = errno;
	const char *name = watched_name(fd, path);

	if (name) {
		pthread_mutex_lock(&lock);
		if (*name) {
			keep_bytes(path);
		} else {
			each_entry(root, keep_name);
			each_entry(names, forget_name);
		}
		pthread_mutex_unlock(&lock);
	}
	errno = saved;
}

int fsync(int fd)
{
	static int (*real)(int);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fsync");
	snapshot(fd);
	return real(fd);
}

int fdatasync(int fd)
{
	static int (*real)(int);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	snapshot(fd);
	return real(fd);
}
