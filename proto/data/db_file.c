#include "proto/data/db_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/mem.h"

static bool not_known_here(int errnum)
{
	return errnum == EINVAL || errnum == EROFS || errnum == ENOTSUP;
}

/* A name is on the disk only when the folder that has it is. One that was there
 * may be of a process that died before it came to that; but a folder that we
 * may not open, or whose file system does not know this, is not of our making. */
static int sync_folder_of(const char *path, bool made, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? xstrdup(".")
		: slash == path	     ? xstrdup("/")
				     : xmemdup0(path, (size_t)(slash - path));
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if ((fd < 0 && (made || errno != EACCES)) ||
		(fd >= 0 && fsync(fd) < 0 && (made || !not_known_here(errno))))
		rc = err_retry(err, "%s cannot be written to the disk: %s",
			folder, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(folder);
	return rc;
}

int db_file_folders(const char *path, struct err *err)
{
	char *copy = xstrdup(path);
	int rc = 0;

	for (char *p = strchr(copy + 1, '/'); p && rc == 0;
		p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(copy, 0700) == 0)
			rc = sync_folder_of(copy, true, err);
		else if (errno == EEXIST)
			rc = sync_folder_of(copy, false, err);
		else
			rc = err_retry(err, "%s cannot be created: %s", copy,
				strerror(errno));
		*p = '/';
	}
	free(copy);
	return rc;
}

/* Only a file that is not there: closing a descriptor of an open one would
 * drop SQLite's locks. */
int db_file_make(const char *path, struct err *err)
{
	int fd;

	if (db_file_folders(path, err) < 0)
		return -1;
	fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0) {
		close(fd);
		return sync_folder_of(path, true, err);
	}
	if (errno == EEXIST)
		return sync_folder_of(path, false, err);
	return err_retry(err, "%s cannot be created: %s", path,
		strerror(errno));
}
