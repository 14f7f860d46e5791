/*
 * The worst legal power loss, as a library to preload. Below $SYNCSNAP_DIR
 * nothing counts as written until it was synced: $SYNCSNAP_DIR.synced/ always
 * holds what a disk would at least hold after the plug was pulled.
 *
 *   fsync or fdatasync of a file    its bytes are kept
 *   fsync of the folder             its names are kept: new ones appear with
 *                                   the bytes that were synced (or empty),
 *                                   removed ones go
 *
 * A name that was never synced is lost although its bytes were synced, as
 * POSIX allows. Sub-folders are not followed: a store's folder is flat.
 * A copy is made under another name and then renamed, so a kill in the middle
 * leaves the older state, which is legal too. The test replaces the folder by
 * the image after kill -9. Never used outside tests.
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
static char root[PATH_MAX];   /* the folder that is watched, "" for none */
static char image[PATH_MAX];  /* what a power loss leaves of it */
static char unseen[PATH_MAX]; /* synced bytes whose name is not synced */

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
	make_path(image, root, ".synced");
	make_path(unseen, root, ".unseen");
	make_folder(image);
	make_folder(unseen);
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

static void copy_bytes(const char *from, const char *to)
{
	char part[PATH_MAX];
	struct stat st;
	int in = open(from, O_RDONLY | O_CLOEXEC), out;
	off_t off = 0;

	if (in < 0 && errno == ENOENT)
		return; /* removed meanwhile */
	make_path(part, to, ".part");
	out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (in < 0 || out < 0 || fstat(in, &st) != 0)
		die(from);
	while (off < st.st_size) {
		ssize_t n = sendfile(out, in, &off, (size_t)(st.st_size - off));

		if (n < 0)
			die(from);
		if (n == 0)
			break; /* it shrank */
	}
	close(in);
	close(out);
	if (rename(part, to) != 0)
		die(to);
}

static void keep_file(const char *path, const char *name)
{
	char slash[PATH_MAX], to[PATH_MAX];

	make_path(slash, "/", name);
	make_path(to, image, slash);
	if (access(to, F_OK) != 0)
		make_path(to, unseen, slash);
	copy_bytes(path, to);
}

/* Shared memory of SQLite is not storage; our own half-made copies are not
 * the folder's. */
static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

static bool is_entry(const char *name)
{
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
		!ends_with(name, "-shm") && !ends_with(name, ".part");
}

static void keep_new_names(void)
{
	DIR *d = opendir(root);
	struct dirent *e;
	struct stat st;

	if (!d)
		die(root);
	while ((e = readdir(d)) != NULL) {
		char slash[PATH_MAX], from[PATH_MAX], to[PATH_MAX];
		int fd;

		if (!is_entry(e->d_name))
			continue;
		make_path(slash, "/", e->d_name);
		make_path(from, root, slash);
		make_path(to, image, slash);
		if (access(to, F_OK) == 0 || stat(from, &st) != 0 ||
			!S_ISREG(st.st_mode))
			continue;
		make_path(from, unseen, slash);
		if (rename(from, to) == 0)
			continue;
		fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			die(to);
		close(fd);
	}
	closedir(d);
}

static void forget_old_names(void)
{
	DIR *d = opendir(image);
	struct dirent *e;

	if (!d)
		die(image);
	while ((e = readdir(d)) != NULL) {
		char slash[PATH_MAX], there[PATH_MAX], here[PATH_MAX];

		if (!is_entry(e->d_name))
			continue;
		make_path(slash, "/", e->d_name);
		make_path(there, root, slash);
		make_path(here, image, slash);
		if (access(there, F_OK) != 0)
			unlink(here);
	}
	closedir(d);
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
			keep_file(path, name);
		} else {
			keep_new_names();
			forget_old_names();
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
