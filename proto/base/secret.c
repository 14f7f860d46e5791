#include "proto/base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "proto/base/enc.h"
#include "proto/base/mem.h"

#define SECRET_MAX ((size_t)64 << 10)

void secret_set(struct secret *s, struct str value)
{
	char *copy = xmemdup0(value.p, value.n);

	secret_release(s);
	s->p = copy;
	s->n = value.n;
}

/* Reads up to size bytes of fd; *n is how many came. 0 or -1 and errno. */
static int read_all(int fd, char *buf, size_t size, size_t *n)
{
	*n = 0;
	while (*n < size) {
		ssize_t got = read(fd, buf + *n, size - *n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		*n += (size_t)got;
	}
	return 0;
}

static int take(struct secret *s, struct str text, const char *path,
	struct err *err)
{
	if (str_ends(text, STR("\n")))
		text.n--;
	if (str_ends(text, STR("\r")))
		text.n--;
	if (text.n > SECRET_MAX)
		return err_fail(
			err, "secret file %s is larger than 64 KiB", path);
	if (text.n == 0)
		return err_fail(err, "secret file %s is empty", path);
	secret_set(s, text);
	return 0;
}

int secret_read(struct secret *s, const char *path, struct err *err)
{
	char *buf;
	size_t n;
	int fd, rc;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, ERR_FAIL, errno,
			"cannot open secret file %s: %s", path,
			strerror(errno));
	buf = xmalloc(SECRET_MAX + 3); /* a final newline, and one too many */
	if (read_all(fd, buf, SECRET_MAX + 3, &n) == 0)
		rc = take(s, (struct str){buf, n}, path, err);
	else
		rc = err_set(err, ERR_FAIL, errno,
			"cannot read secret file %s: %s", path,
			strerror(errno));
	close(fd);
	enc_wipe(buf, n);
	free(buf);
	return rc;
}

bool secret_matches(const struct secret *s, struct str candidate)
{
	return s->p != NULL && enc_equal((struct str){s->p, s->n}, candidate);
}

void secret_release(struct secret *s)
{
	if (s->p != NULL)
		enc_wipe(s->p, s->n);
	free_null(&s->p);
	s->n = 0;
}
