#include "logger/outcomes.h"

#include <pthread.h>
#include <time.h>

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/vec.h"

#define LOOK_MS 1000
#define FIRST_MS 300     /* who asks first waits so long */
#define ASKED_MS 120000  /* nobody looks any more */
/* An hour is counted again after so long: rows may come late, and the one
 * that is under way grows. Counting takes at most a tenth of the time. */
#define NOW_MS 2000
#define LATELY_MS 30000
#define LONG_AGO_MS 600000

struct count {
	char *trigger, *status; /* trigger: NULL for none */
	int64_t n;
};

struct hour {
	int64_t start;   /* UTC ms; 0: never counted */
	int64_t counted; /* mono ms */
	int64_t took;    /* ms */
	bool failed;
	VEC(struct count) counts;
};

struct outcomes {
	struct store *store;
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake, told;
	bool stopping;
	size_t hours;   /* that are looked at */
	int64_t asked;  /* mono ms; 0: never */
	struct hour ring[OUTCOMES_HOURS];
};

static void release(struct hour *h)
{
	for (size_t i = 0; i < h->counts.n; i++) {
		free(h->counts.v[i].trigger);
		free(h->counts.v[i].status);
	}
	VEC_RELEASE(&h->counts);
}

static struct hour *hour_at(struct outcomes *o, int64_t start)
{
	return &o->ring[(size_t)(start / OUTCOMES_HOUR_MS) % OUTCOMES_HOURS];
}

static int64_t start_of(int64_t now, size_t back)
{
	return (now / OUTCOMES_HOUR_MS - (int64_t)back) * OUTCOMES_HOUR_MS;
}

static bool is_due(const struct hour *h, int64_t start, size_t back,
	int64_t mono)
{
	int64_t again = back == 0 ? NOW_MS :
		back == 1 || h->failed ? LATELY_MS : LONG_AGO_MS;

	if (h->start != start)
		return true;
	if (again < 10 * h->took)
		again = 10 * h->took;
	return mono - h->counted >= again;
}

/* ---- the thread ------------------------------------------------------------ */

static void add(void *ctx, const char *trigger, const char *status, int64_t n)
{
	struct hour *h = ctx;
	struct count new = {.trigger = xstrdup_null(trigger),
		.status = xstrdup(status), .n = n};

	VEC_PUSH(&h->counts, new);
}

static void count_hour(struct outcomes *o, int64_t start)
{
	struct hour new = {.start = start}, *h;
	int64_t began = clock_mono();
	struct err err = {0};

	if (store_count(o->store, start, start + OUTCOMES_HOUR_MS, add, &new,
		    &err) < 0) {
		log_limited(LOG_WARN, "outcomes", "rows cannot be counted: %s",
			err.text);
		release(&new);
		new.failed = true;
	}
	new.counted = clock_mono();
	new.took = new.counted - began;
	pthread_mutex_lock(&o->lock);
	h = hour_at(o, start);
	if (new.failed && h->start == start) {
		h->counted = new.counted; /* and stays what it was */
		h->failed = true;
	} else {
		release(h);
		*h = new;
	}
	pthread_mutex_unlock(&o->lock);
}

/* Newest first; true when one was counted. */
static bool count_one(struct outcomes *o)
{
	int64_t wall = clock_wall(), mono = clock_mono(), start = 0;
	bool due = false;

	pthread_mutex_lock(&o->lock);
	for (size_t back = 0; back < o->hours && !due; back++) {
		start = start_of(wall, back);
		due = is_due(hour_at(o, start), start, back, mono);
	}
	due = due && !o->stopping;
	pthread_mutex_unlock(&o->lock);
	if (due)
		count_hour(o, start);
	return due;
}

static void in_ms(int64_t ms, struct timespec *until)
{
	clock_gettime(CLOCK_MONOTONIC, until);
	until->tv_nsec += (ms % 1000) * 1000000L;
	until->tv_sec += ms / 1000 + until->tv_nsec / 1000000000L;
	until->tv_nsec %= 1000000000L;
}

static bool wait(struct outcomes *o)
{
	struct timespec until;
	bool go_on;

	pthread_mutex_lock(&o->lock);
	pthread_cond_broadcast(&o->told);
	in_ms(LOOK_MS, &until);
	if (!o->stopping)
		pthread_cond_timedwait(&o->wake, &o->lock, &until);
	while (!o->stopping &&
		(o->asked == 0 || clock_mono() - o->asked > ASKED_MS))
		pthread_cond_wait(&o->wake, &o->lock);
	go_on = !o->stopping;
	pthread_mutex_unlock(&o->lock);
	return go_on;
}

static void *run(void *arg)
{
	struct outcomes *o = arg;

	while (wait(o)) {
		while (count_one(o))
			continue;
	}
	return NULL;
}

/* ---- life ------------------------------------------------------------------ */

struct outcomes *outcomes_start(struct store *s)
{
	struct outcomes *o = xcalloc(1, sizeof(*o));
	pthread_condattr_t attr;

	o->store = s;
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->wake, &attr);
	pthread_cond_init(&o->told, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&o->thread, NULL, run, o) != 0)
		log_fatal("cannot start a thread");
	return o;
}

void outcomes_stop(struct outcomes *o)
{
	if (o == NULL)
		return;
	pthread_mutex_lock(&o->lock);
	o->stopping = true;
	pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
	pthread_join(o->thread, NULL);
	for (size_t i = 0; i < OUTCOMES_HOURS; i++)
		release(&o->ring[i]);
	pthread_cond_destroy(&o->wake);
	pthread_cond_destroy(&o->told);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

/* ---- asking ---------------------------------------------------------------- */

/* With the lock. */
static bool is_complete(struct outcomes *o, size_t hours, int64_t now)
{
	for (size_t back = 0; back < hours; back++) {
		int64_t start = start_of(now, back);

		if (hour_at(o, start)->start != start)
			return false;
	}
	return true;
}

bool outcomes_each(struct outcomes *o, size_t hours, int64_t now,
	void (*fn)(void *ctx, const char *trigger, const char *status,
		int64_t hour, int64_t n),
	void *ctx)
{
	struct timespec until;
	bool complete, idle;

	if (hours > OUTCOMES_HOURS)
		hours = OUTCOMES_HOURS;
	in_ms(FIRST_MS, &until);
	pthread_mutex_lock(&o->lock);
	idle = o->asked == 0 || clock_mono() - o->asked > ASKED_MS;
	o->asked = clock_mono();
	if (o->hours < hours)
		o->hours = hours;
	pthread_cond_signal(&o->wake);
	/* After a pause, what is there is old. */
	if (idle || !is_complete(o, hours, now))
		pthread_cond_timedwait(&o->told, &o->lock, &until);
	complete = is_complete(o, hours, now);
	for (size_t back = 0; back < hours; back++) {
		int64_t start = start_of(now, back);
		const struct hour *h = hour_at(o, start);

		for (size_t i = 0; h->start == start && i < h->counts.n; i++)
			fn(ctx, h->counts.v[i].trigger, h->counts.v[i].status,
				start, h->counts.v[i].n);
	}
	pthread_mutex_unlock(&o->lock);
	return complete;
}
