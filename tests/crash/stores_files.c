/* The files of a store, for stores.c: taken, and laid down again. */
#include "tests/crash/stores.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void stores_clear(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[512];

	while (d && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	if (d)
		closedir(d);
	else if (mkdir(dir, 0700) < 0)
		BUG("%s: %s", dir, strerror(errno));
}

static size_t read_file(const char *path, char **bytes)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		BUG("%s: %s", path, strerror(errno));
	*bytes = xmalloc((size_t)st.st_size + 1);
	n = read(fd, *bytes, (size_t)st.st_size);
	close(fd);
	return n < 0 ? 0 : (size_t)n;
}

static void write_file(const char *path, const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		BUG("%s: %s", path, strerror(errno));
	close(fd);
}

/* The files of a store that is not closed: pages in the log and in the
 * database both. */
static size_t take_files(const char *dir, struct stores_file *files)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[512];
	size_t n = 0;

	while (d && (e = readdir(d)) != NULL) {
		const char *end = strrchr(e->d_name, '.');

		if (!end || (strcmp(end, ".db") != 0 &&
				    strcmp(end, ".db-wal") != 0))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		files[n].name = xstrdup(e->d_name);
		files[n].n = read_file(path, &files[n].bytes);
		if (files[n].n) {
			n++;
		} else {
			free(files[n].name);
			free(files[n].bytes);
		}
	}
	closedir(d);
	return n;
}

size_t stores_prepare(const char *dir, struct stores_file *files)
{
	struct err err = {0};
	void *store = NULL;
	size_t n;

	stores_clear(dir);
	for (int i = 0; i < STORES_AGED; i++) {
		if (i % (STORES_AGED / 2) == 0) /* the first half in the file */
			store = i ? (kind.close(store), kind.open(dir, &err))
				  : kind.open(dir, &err);
		if (!store || kind.put(store, i, &err) < 0)
			BUG("%s", err.text);
	}
	n = take_files(dir, files);
	kind.close(store);
	return n;
}

void stores_free(struct stores_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(files[i].name);
		free(files[i].bytes);
	}
}

void stores_lay(const char *dir, const struct stores_file *files, size_t n)
{
	char path[512];

	stores_clear(dir);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
		write_file(path, files[i].bytes, files[i].n);
	}
}
