#include "matcher/outage.h"

#define DELAY_MIN_MS 1000
#define DELAY_MAX_MS 30000

static struct outage *find(struct outages *o, const char *name)
{
	struct outage new = {0};

	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->v[i].name, name) == 0)
			return &o->v[i];
	new.name = xstrdup(name);
	VEC_PUSH(o, new);
	return &o->v[o->n - 1];
}

int64_t outage_note(
	struct outages *o, const char *name, bool there, int64_t now)
{
	struct outage *out = find(o, name);

	if (!there && !out->away)
		out->since = now;
	out->away = !there;
	return out->away ? now - out->since : 0;
}

void outages_release(struct outages *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->v[i].name);
	VEC_RELEASE(o);
}

int64_t outage_delay(int64_t away_ms)
{
	int64_t delay = away_ms / 4;

	if (delay < DELAY_MIN_MS)
		return DELAY_MIN_MS;
	return delay > DELAY_MAX_MS ? DELAY_MAX_MS : delay;
}
