#include "proto/io/watch.h"

#include "proto/base/mem.h"
#include "proto/base/vec.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <sys/inotify.h>
#include <unistd.h>

/* Somebody writes: its end (CLOSE_WRITE) is waited for, but not for ever. */
#define WRITING_MS 5000
#define MASK \
	(IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_TO | \
		IN_MOVED_FROM | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

struct entry {
	int wd;
	char *name; /* NULL: all */
};

struct watch {
	struct loop *loop;
	int fd;
	struct loop_fd *reader;
	struct loop_timer *timer;
	VEC(struct entry) entries;
	int64_t settle_ms;
	void (*fn)(void *ctx);
	void *ctx;
};

static void settled(void *ctx)
{
	struct watch *w = ctx;

	w->timer = NULL;
	w->fn(w->ctx);
}

static bool concerns(const struct watch *w, const struct inotify_event *ev)
{
	if (ev->mask & IN_Q_OVERFLOW)
		return true;
	for (size_t i = 0; i < w->entries.n; i++) {
		const struct entry *e = &w->entries.v[i];

		if (e->wd != ev->wd || ev->mask & IN_IGNORED)
			continue;
		if (e->name == NULL || ev->len == 0 ||
			strcmp(e->name, ev->name) == 0)
			return true;
	}
	return false;
}

static void changed(struct watch *w, uint32_t mask)
{
	loop_timer_cancel(&w->timer);
	w->timer = loop_timer_start(w->loop,
		mask == IN_MODIFY ? WRITING_MS : w->settle_ms, 0, settled, w);
}

static void readable(void *ctx, int events)
{
	_Alignas(struct inotify_event) char buf[8192];
	struct watch *w = ctx;
	ssize_t n;

	(void)events;
	while ((n = read(w->fd, buf, sizeof(buf))) > 0) {
		const char *p = buf, *end = buf + n;

		while (p < end) {
			const struct inotify_event *ev = (const void *)p;

			if (concerns(w, ev))
				changed(w, ev->mask);
			p += sizeof(*ev) + ev->len;
		}
	}
}

struct watch *watch_new(struct loop *l, int64_t settle_ms,
	void (*fn)(void *ctx), void *ctx, struct err *err)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct watch *w;

	if (fd < 0) {
		err_fail(err, "files cannot be watched: %s", strerror(errno));
		return NULL;
	}
	w = xcalloc(1, sizeof(*w));
	w->loop = l;
	w->fd = fd;
	w->settle_ms = settle_ms;
	w->fn = fn;
	w->ctx = ctx;
	w->reader = loop_fd_start(l, fd, LOOP_READ, readable, w);
	return w;
}

void watch_clear(struct watch *w)
{
	for (size_t i = 0; i < w->entries.n; i++) {
		/* Two entries of a folder share its watch: the second removal
		 * of it finds nothing, and need not. */
		(void)inotify_rm_watch(w->fd, w->entries.v[i].wd);
		free(w->entries.v[i].name);
	}
	w->entries.n = 0;
}

void watch_add(struct watch *w, const char *folder, const char *name)
{
	struct entry e = {.wd = inotify_add_watch(w->fd, folder, MASK)};

	if (e.wd < 0)
		return;
	e.name = xstrdup_null(name);
	VEC_PUSH(&w->entries, e);
}

/* dirname() and basename() change what they are given, or give their own. */
static void watch_name(struct watch *w, const char *path)
{
	char *folder = xstrdup(path), *name = xstrdup(path);
	const char *in = dirname(folder);

	watch_add(w, in, basename(name));
	watch_add(w, in, "..data");
	free(folder);
	free(name);
}

void watch_file(struct watch *w, const char *path)
{
	char real[PATH_MAX];

	watch_name(w, path);
	if (realpath(path, real) && strcmp(real, path) != 0)
		watch_name(w, real);
}

void watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	loop_timer_cancel(&w->timer);
	loop_fd_stop(&w->reader);
	watch_clear(w);
	VEC_RELEASE(&w->entries);
	close(w->fd);
	free(w);
}
