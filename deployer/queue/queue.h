/*
 * Which job next? Pure: the jobs that are not ended, by target, with the time
 * passed in. No clock, no disk; the owner writes down what is decided here.
 *
 *   WAITING -> RUNNING   queue_next          HELD -> WAITING  queue_release
 *   WAITING -> DONE      a newer one came,   HELD -> DONE     queue_end
 *                        or queue_end
 *   RUNNING -> WAITING   queue_retry         RUNNING -> DONE  queue_end
 *   RUNNING -> HELD      queue_hold
 *
 * HELD is what an earlier process was running, or what an engine that went away
 * was doing: how it stands is not known yet. A target that coalesces (a
 * redeploy) keeps only its newest push, by (event time, event id): an older one
 * that waits, or comes late, ends at once as superseded. Other targets (trigger
 * URLs) deliver every job, the oldest of those that are due first. One target
 * has one job running at a time; a slow one holds no other.
 *
 * Jobs belong to the queue until they are DONE: then they are out of it and
 * the caller frees them.
 */
#ifndef DEPLOYER_QUEUE_H
#define DEPLOYER_QUEUE_H

#include "proto/base/list.h"
#include "proto/base/uid.h"

struct queue;
struct queue_target;

enum queue_state { QUEUE_WAITING, QUEUE_RUNNING, QUEUE_HELD, QUEUE_DONE };

extern const char *const queue_state_words[];

struct queue_job {
	struct list node;  /* of the target's jobs; of the caller's when DONE */
	struct list ready; /* WAITING and due: in its target's line */
	size_t later;      /* WAITING, not due: place in the heap + 1 */
	struct queue_target *target;
	char *id;
	char event[UID_LEN];
	int64_t time;      /* of the event, UTC ms */
	int64_t enqueued;  /* committed here, UTC ms */
	int64_t since;     /* waits since, UTC ms */
	int64_t due;       /* not before, UTC ms */
	int64_t attempt;   /* tries that have ended */
	int64_t base;      /* of them, those before it was redelivered */
	uint64_t seq;      /* order of arrival */
	enum queue_state state;
	bool approved;     /* by a person, and so are these two: */
	bool paused;       /* not before it is released */
	bool forced;       /* also what failed before */
	bool confirmed;    /* by the registry, since this process began */
	bool suspect;      /* was running when the process died */
	bool told;         /* the row `waiting` of this attempt is written */
};

struct queue_spec {
	const char *id, *event;
	int64_t time, enqueued, due, attempt, base;
	int64_t crashes; /* in a row; 0 but at a start */
	bool held, approved, paused, forced;
	const char *target; /* key: the same text, the same target */
	const char *lane;   /* "http", or an engine */
	bool coalesce;
	const char *tag;    /* for the sentence that names the newer push */
};

struct queue_limits {
	size_t coalescing; /* running at once: redeploys */
	size_t others;     /* running at once: deliveries */
};

struct queue *queue_new(const struct queue_limits *limits);
void queue_free(struct queue *q); /* with all jobs in it */
void queue_job_free(struct queue_job *job); /* NULL is fine */

/* What an earlier process knew to be the target's newest push. */
void queue_newest(struct queue *q, const char *target, const char *lane,
	int64_t time, const char *event, const char *tag);
/* Takes a job in. Jobs that this ends as superseded, itself perhaps, are
 * moved to *ended. */
void queue_add(struct queue *q, const struct queue_spec *spec,
	struct list *ended);

/* A lane is closed until it is opened; its jobs wait. */
void queue_open(struct queue *q, const char *lane, bool open);
/* The next job that may run; it is RUNNING from here. NULL: none now. */
struct queue_job *queue_next(struct queue *q, int64_t now);
/* When queue_next has to be asked again if nothing else happens; UTC ms,
 * INT64_MAX for never. */
int64_t queue_next_time(const struct queue *q);

/* RUNNING waits again until due; superseded instead when a newer one came.
 * attempt and told are the caller's to set before. */
void queue_retry(struct queue *q, struct queue_job *job, int64_t due,
	int64_t now, struct list *ended);
/* RUNNING is HELD: its slot is free, nothing supersedes it. */
void queue_hold(struct queue *q, struct queue_job *job);
/* HELD waits, as if it had just come. */
void queue_release(struct queue *q, struct queue_job *job, struct list *ended);
/* The job is over: the caller's from here. */
void queue_end(struct queue *q, struct queue_job *job);

/* WAITING is due at once. */
void queue_hurry(struct queue *q, struct queue_job *job, int64_t now);
/* A suspect has run for so long that it does not kill: others may run. */
void queue_absolve(struct queue *q, struct queue_job *job);
/* The clock was set back by so many ms: what waits would wait that much
 * longer. */
void queue_set_back(struct queue *q, int64_t by);
/* The job, if it has not ended. */
struct queue_job *queue_find(struct queue *q, const char *id);
/* Each job of a lane in this state; fn may end or release it. */
void queue_each(struct queue *q, const char *lane, enum queue_state state,
	void (*fn)(void *ctx, struct queue_job *job), void *ctx);
/* The i-th lane and how many of its jobs are in each state; false past the
 * last. */
bool queue_count(const struct queue *q, size_t i, const char **lane,
	size_t n[QUEUE_DONE]);
/* Each job of the target (its key) in this state; fn ends none. */
void queue_target_each(struct queue *q, const char *target,
	enum queue_state state, void (*fn)(void *ctx, struct queue_job *job),
	void *ctx);
size_t queue_len(const struct queue *q);
size_t queue_running(const struct queue *q);

/* Of the job's target. */
const char *queue_job_lane(const struct queue_job *job);
const char *queue_job_target(const struct queue_job *job); /* its key */
/* The newest push of the target: what superseded an older one. */
const char *queue_newest_event(const struct queue_job *job);
const char *queue_newest_tag(const struct queue_job *job);

#endif
