#include "ingress/ready.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/statvfs.h>

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/metrics.h"

#define MATCHER_GRACE_MS 10000

struct ready {
	struct daemon *daemon;
	char *dir;
	struct spool *spool;
	atomic_bool low, draining;
	int64_t lonely_since; /* mono ms without a matcher; 0: there is one */
};

struct ready *ready_new(struct daemon *d, const char *dir,
	struct spool *spool)
{
	struct ready *r = xcalloc(1, sizeof(*r));

	r->daemon = d;
	r->dir = xstrdup(dir);
	r->spool = spool;
	atomic_init(&r->low, false);
	atomic_init(&r->draining, false);
	return r;
}

void ready_free(struct ready *r)
{
	if (!r)
		return;
	free(r->dir);
	free(r);
}

bool ready_low(uint64_t left, uint64_t total)
{
	return left < total / 20;
}

static void look_at_disk(struct ready *r)
{
	struct statvfs fs;
	bool low;

	if (statvfs(r->dir, &fs) < 0) {
		log_limited(LOG_WARN, "statvfs", "%s: %s", r->dir,
			strerror(errno));
		return;
	}
	low = ready_low(fs.f_bavail, fs.f_blocks) ||
		ready_low(fs.f_favail, fs.f_files);
	if (low && !atomic_load(&r->low))
		log_error(NULL, "less than 5 %% of the blocks or inodes below "
			"%s is free: webhooks are answered 503 until there "
			"is room", r->dir);
	atomic_store(&r->low, low);
}

static void look_at_matchers(struct ready *r, size_t matchers, int64_t now)
{
	if (matchers) {
		r->lonely_since = 0;
		daemon_ready(r->daemon, "matcher");
		return;
	}
	if (!r->lonely_since)
		r->lonely_since = now;
	if (now - r->lonely_since >= MATCHER_GRACE_MS)
		daemon_not_ready(r->daemon, "matcher", "no matcher is "
			"connected: events are accepted and wait");
}

void ready_tick(struct ready *r, struct dispatch *dispatch, int64_t now)
{
	struct err err = {0};

	look_at_disk(r);
	look_at_matchers(r, dispatch_matchers(dispatch), now);
	if (!spool_healthy(r->spool))
		spool_probe(r->spool);
	if (ready_check(r, &err) < 0)
		daemon_not_ready(r->daemon, "accept", "%s", err.text);
	else
		daemon_ready(r->daemon, "accept");
	metric_set(METRIC_SPOOL, NULL, NULL, dispatch_pending(dispatch));
	metric_set(METRIC_SPOOL_OLDEST, NULL, NULL,
		dispatch_oldest(dispatch, clock_wall()) * 1000);
	metric_set(METRIC_LEASES, NULL, NULL,
		(int64_t)dispatch_in_flight(dispatch));
}

void ready_drain(struct ready *r)
{
	atomic_store(&r->draining, true);
}

int ready_accepts(const struct ready *r, struct err *err)
{
	if (atomic_load(&r->draining))
		return err_set(err, ERR_RETRY, 2, "ingress is stopping");
	if (atomic_load(&r->low))
		return err_set(err, ERR_RETRY, 30, "less than 5 %% of the "
			"spool's disk is free");
	return 0;
}

int ready_check(const struct ready *r, struct err *err)
{
	if (ready_accepts(r, err) < 0)
		return -1;
	if (!spool_healthy(r->spool))
		return err_set(err, ERR_RETRY, 5, "the spool cannot commit; "
			"the log of ingress says why");
	return 0;
}
