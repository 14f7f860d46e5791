#include "deployer/arriving.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "proto/base/log.h"
#include "proto/base/map.h"
#include "proto/base/mem.h"
#include "proto/base/uid.h"
#include "proto/base/vec.h"

#define KEEP_MS ((int64_t)7 * 24 * 3600 * 1000)
#define ALONE_MS 1000 /* so long nobody else is taken, for one that waits */

/* As it is in the file, in this machine's order of bytes; free: no id. */
struct slot {
	char id[UID_JOB_MAX];
	uint32_t begun; /* times, without an end */
	int64_t time;   /* of the first; UTC ms */
};

struct arriving {
	int fd; /* -1: there is no file */
	struct slot slots[ARRIVING_MAX];
	unsigned here[ARRIVING_MAX]; /* begun by this process, and not ended */
	struct map *by_id;   /* id -> its slot */
	VEC(size_t) unused;  /* slots */
	size_t under_way;
	bool alone;          /* the one that is under way died before */
	int64_t alone_until; /* mono ms: one that died before waits for that */
};

static void write_slot(struct arriving *a, const struct slot *s)
{
	off_t at = (s - a->slots) * (off_t)sizeof(*s);

	if (a->fd >= 0 &&
		pwrite(a->fd, s, sizeof(*s), at) != (ssize_t)sizeof(*s))
		log_limited(LOG_WARN, "arriving", "what is being taken cannot "
			"be noted: %s", strerror(errno));
}

/* Half written, or by another version: it is nobody's. */
static bool is_sane(const struct slot *s, int64_t now)
{
	const char *slash = memchr(s->id, '/', sizeof(s->id));
	char event[UID_LEN] = "";

	if (!memchr(s->id, '\0', sizeof(s->id)) ||
		slash != s->id + sizeof(event) - 1)
		return false;
	memcpy(event, s->id, sizeof(event) - 1);
	return uid_valid(event) && s->begun > 0 && s->time <= now &&
		now - s->time < KEEP_MS;
}

static void read_slots(struct arriving *a, int64_t now)
{
	size_t got = 0, found = 0;
	ssize_t n = 1;

	while (a->fd >= 0 && n > 0 && got < sizeof(a->slots)) {
		n = pread(a->fd, (char *)a->slots + got,
			sizeof(a->slots) - got, (off_t)got);
		got += n > 0 ? (size_t)n : 0;
	}
	for (size_t i = ARRAY_LEN(a->slots); i-- > 0;) {
		struct slot *s = &a->slots[i];

		if (is_sane(s, now) && !map_get(a->by_id, str_from(s->id))) {
			map_put(a->by_id, str_from(s->id), s);
			found++;
			continue;
		}
		*s = (struct slot){0};
		VEC_PUSH(&a->unused, i);
	}
	if (found)
		log_warn(NULL, "%zu jobs were being taken when the deployer "
			"died: they are taken one at a time", found);
}

struct arriving *arriving_open(const char *folder, int64_t now)
{
	struct arriving *a = xcalloc(1, sizeof(*a));
	char *path = xprintf("%s/arriving", folder);

	a->by_id = map_new();
	a->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (a->fd < 0)
		log_warn(path, "cannot be opened, so a job that kills the "
			"deployer while it comes in is not found: %s",
			strerror(errno));
	free(path);
	read_slots(a, now);
	return a;
}

void arriving_close(struct arriving *a)
{
	if (!a)
		return;
	if (a->fd >= 0)
		close(a->fd);
	map_free(a->by_id);
	VEC_RELEASE(&a->unused);
	free(a);
}

/* Has it to wait, or the others for it? */
static bool is_later(struct arriving *a, unsigned deaths, int64_t mono)
{
	if (deaths && a->under_way) {
		a->alone_until = mono + ALONE_MS;
		return true;
	}
	return a->alone || (!deaths && mono < a->alone_until);
}

static struct slot *slot_new(struct arriving *a, const char *id, int64_t now)
{
	struct slot *s = &a->slots[a->unused.v[--a->unused.n]];

	snprintf(s->id, sizeof(s->id), "%s", id);
	s->time = now;
	map_put(a->by_id, str_from(s->id), s);
	return s;
}

enum arriving_answer arriving_begin(struct arriving *a, const char *id,
	int64_t now, int64_t mono, unsigned *deaths)
{
	struct slot *s = map_get(a->by_id, str_from(id));
	bool again = s && a->here[s - a->slots];

	*deaths = s && !again ? s->begun : 0;
	if (*deaths >= ARRIVING_LEAVE)
		return ARRIVING_LEFT;
	if (is_later(a, *deaths, mono) || (!s && a->unused.n == 0))
		return ARRIVING_LATER;
	if (!s)
		s = slot_new(a, id, now);
	a->under_way++;
	a->here[s - a->slots]++;
	/* From a second matcher: one of the two is known by then. */
	if (again)
		return ARRIVING_GO;
	s->begun++;
	write_slot(a, s);
	a->alone = *deaths > 0;
	if (a->alone)
		a->alone_until = 0;
	return *deaths >= ARRIVING_PARK ? ARRIVING_ENDS : ARRIVING_GO;
}

void arriving_end(struct arriving *a, const char *id)
{
	struct slot *s = map_get(a->by_id, str_from(id));

	if (!s || !a->here[s - a->slots])
		return;
	a->under_way--;
	if (--a->here[s - a->slots])
		return;
	map_del(a->by_id, str_from(id));
	*s = (struct slot){0};
	write_slot(a, s);
	VEC_PUSH(&a->unused, (size_t)(s - a->slots));
	a->alone = false;
}
