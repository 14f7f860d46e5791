#include "proto/base/fail.h"

#ifdef PULLWIRE_FAIL_POINTS

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/str.h"

/* The action that PULLWIRE_FAIL names for this point; empty for none. */
static struct str action_of(const char *name)
{
	struct str rest = str_from(getenv("PULLWIRE_FAIL"));
	struct str part;

	while (str_split(&rest, ',', &part)) {
		size_t colon = str_find(part, ':');

		if (str_is(str_cut(part, 0, colon), name))
			return str_cut(part, colon + 1, part.n);
	}
	return STR("");
}

static const char *mark_path(const char *name, const char *suffix, char *buf,
	size_t size)
{
	const char *dir = getenv("PULLWIRE_FAIL_DIR");

	if (dir == NULL)
		log_fatal("PULLWIRE_FAIL needs PULLWIRE_FAIL_DIR");
	snprintf(buf, size, "%s/%s%s", dir, name, suffix);
	return buf;
}

/* O_EXCL makes it once for all processes that share the folder. */
static bool first_hit(const char *name)
{
	char path[512];
	int fd;

	fd = open(mark_path(name, ".hit", path, sizeof(path)),
		O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void wait_for_go(const char *name)
{
	char path[512];

	mark_path(name, ".go", path, sizeof(path));
	while (access(path, F_OK) != 0)
		clock_sleep(10);
}

bool fail_point(const char *name)
{
	struct str action = action_of(name);

	if (action.n == 0)
		return false;
	if (str_is(action, "error"))
		return true;
	if (str_is(action, "die"))
		raise(SIGKILL);
	if (str_is(action, "kill")) {
		if (first_hit(name))
			raise(SIGKILL);
		return false;
	}
	if (str_is(action, "pause")) {
		if (first_hit(name))
			wait_for_go(name);
		return false;
	}
	log_fatal("PULLWIRE_FAIL: %s has no known action (kill, pause, error, "
		"die)", name);
}

bool fail_point_of(const char *name, const char *what)
{
	char point[256];

	snprintf(point, sizeof(point), "%s.%s", name, what);
	return fail_point(point);
}

#endif
