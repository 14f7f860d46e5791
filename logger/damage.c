#include "logger/damage.h"

#include <pthread.h>

#include "proto/base/log.h"
#include "proto/base/map.h"
#include "proto/base/mem.h"
#include "proto/base/metrics.h"

struct damage {
	pthread_mutex_t lock;
	struct map *known; /* by seq */
};

struct damage *damage_new(void)
{
	struct damage *d = xcalloc(1, sizeof(*d));

	pthread_mutex_init(&d->lock, NULL);
	d->known = map_new();
	return d;
}

void damage_free(struct damage *d)
{
	if (d == NULL)
		return;
	map_free(d->known);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

void damage_found(struct damage *d, int64_t seq, const struct record *r)
{
	char key[24];
	bool is_new, full;

	snprintf(key, sizeof(key), "%lld", (long long)seq);
	pthread_mutex_lock(&d->lock);
	full = map_len(d->known) >= DAMAGE_MAX;
	is_new = map_get(d->known, str_from(key)) == NULL;
	if (is_new && !full)
		map_put(d->known, str_from(key), d);
	pthread_mutex_unlock(&d->lock);
	if (!is_new)
		return;
	if (full) {
		log_limited(LOG_ERROR, "damaged rows", "more than %d rows of "
			"the access log are damaged", DAMAGE_MAX);
		return;
	}
	metric_add(METRIC_ROWS_DAMAGED, NULL, NULL, 1);
	log_error(r->event, "row %s of the access log (%s) is damaged: it is "
		"not what was stored, and shown as `damaged`", key,
		r->id ? r->id : "?");
}
