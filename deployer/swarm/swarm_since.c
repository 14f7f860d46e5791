#include "deployer/swarm/swarm_since.h"

#include "proto/base/map.h"
#include "proto/base/mem.h"

struct swarm_since {
	struct map *first; /* a task's id: its int64_t, when it was first seen */
	int64_t now;       /* of the last look */
};

static void free_all(struct map *m)
{
	struct str id;
	size_t it = 0;
	void *at;

	while (map_next(m, &it, &id, &at))
		free(at);
	map_free(m);
}

struct swarm_since *swarm_since_new(void)
{
	struct swarm_since *s = xcalloc(1, sizeof(*s));

	s->first = map_new();
	return s;
}

void swarm_since_free(struct swarm_since *s)
{
	if (s == NULL)
		return;
	free_all(s->first);
	free(s);
}

static struct str id_of(const struct json *task)
{
	const char *id = json_str(json_get(task, "ID"));

	return str_from(id != NULL ? id : "");
}

void swarm_since_see(struct swarm_since *s, const struct json *tasks,
	int64_t now)
{
	struct map *first = map_new();

	for (const struct json *t = json_first(tasks); t; t = json_next(t)) {
		const char *state = json_str(json_path(t, "Status.State"));
		int64_t *at;

		if (state == NULL || strcmp(state, "running") != 0)
			continue;
		at = map_del(s->first, id_of(t));
		if (at == NULL) {
			at = xmalloc(sizeof(*at));
			*at = now;
		}
		free(map_put(first, id_of(t), at));
	}
	free_all(s->first);
	s->first = first;
	s->now = now;
}

int64_t swarm_since_up(const struct swarm_since *s, const struct json *task)
{
	const int64_t *at = map_get(s->first, id_of(task));

	return at != NULL ? s->now - *at : 0;
}
