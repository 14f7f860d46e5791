/*
 * What a kind of engine does: redeploy one target, tidy up after a crash, and
 * say whether the engine can be reached. A driver is a const struct in the one
 * array of drivers.c; a new one is a new file and one line there.
 *
 * All calls are plain sequential code on a worker thread that may block
 * for minutes. They run at the same time for different targets, so a driver
 * keeps no state of its own. The runner promises:
 *   - recover() of an engine has returned 0 before its first deploy(), and
 *     again after each time that the engine did not answer; it never runs
 *     beside a deploy() of that engine;
 *   - one deploy() at a time for one target (conf_trigger_target);
 *   - everything the driver is given outlives the call.
 */
#ifndef DEPLOYER_DRIVER_H
#define DEPLOYER_DRIVER_H

#include <stdatomic.h>

#include "proto/base/err.h"
#include "proto/data/conf.h"
#include "proto/msg/job.h"

/*
 * The driver's durable notes: one JSON text a job, on disk (fsynced) before
 * put returns 0; a second put replaces the first. An entry stays until del, or
 * until the job's final record is committed, in the same transaction. Any
 * thread. Errors are ERR_RETRY: do not take the step the note was for.
 */
struct journal {
	int (*put)(struct journal *j, const char *job, const char *json,
		struct err *err);
	/* *json is the caller's to free, NULL when the job has no entry. */
	int (*get)(struct journal *j, const char *job, char **json,
		struct err *err);
	int (*del)(struct journal *j, const char *job, struct err *err);
	/* Each entry of a lane (an engine's name), in the order of the jobs'
	 * arrival; texts are borrowed, fn may call put and del. Nonzero from
	 * fn ends the walk. */
	int (*each)(struct journal *j, const char *lane,
		int (*fn)(void *ctx, const char *job, const char *json),
		void *ctx, struct err *err);
	/* What outlives the jobs: one JSON text a key, NULL deletes it. On disk
	 * before it returns 0. Any thread; errors as above. */
	int (*keep)(struct journal *j, const char *key, const char *json,
		struct err *err);
	int (*kept)(struct journal *j, const char *key, char **json,
		struct err *err);
	/* Each whose key begins so; texts are borrowed. */
	int (*kept_each)(struct journal *j, const char *prefix,
		void (*fn)(void *ctx, const char *key, const char *json),
		void *ctx, struct err *err);
};

/* How a deploy ended. The word in the access log is driver_status_words[]. */
enum driver_status {
	DRIVER_DEPLOYED,    /* final: the new container runs and is healthy */
	DRIVER_UNCHANGED,   /* final: that image runs there already */
	DRIVER_ROLLED_BACK, /* final: the old one runs again */
	DRIVER_FAILED,      /* cls RETRY: tried again on the schedule; FAIL: final */
	DRIVER_REFUSED,     /* final: will not be done, nothing was touched */
	DRIVER_WAITING,     /* the engine does not answer: the job waits for it */
	/* The engine answers, but cannot do this now: the job waits by itself,
	 * is tried again after again_ms, and that uses up no try. */
	DRIVER_LATER,
	DRIVER_STALE,       /* final: the registry does not confirm the push */
	DRIVER_CANCELLED,   /* *cancel was seen: no row, the job runs again */
};

extern const char *const driver_status_words[];

#define DRIVER_DIGEST_MAX 72 /* sha256:, 64 hex digits, the NUL */

struct driver_result {
	enum driver_status status;
	enum err_class cls; /* of DRIVER_FAILED */
	int64_t again_ms;   /* of DRIVER_LATER */
	char reason[512];   /* a sentence without a final stop */
	char from_digest[DRIVER_DIGEST_MAX]; /* "" when not known */
	char to_digest[DRIVER_DIGEST_MAX];
	/* What the new container did before it was given up, a JSON object for
	 * the row's response; or NULL. The caller of the driver frees it. */
	char *evidence;
};

/* Sets status, reason and cls: of FAILED the error's, or FAIL; else NONE. */
void driver_result_set(struct driver_result *res, enum driver_status status,
	const char *fmt, ...) PRINTF_LIKE(3, 4);
void driver_result_err(struct driver_result *res, enum driver_status status,
	const struct err *err);

/* The phases of duration_ms: inspect pull create stop start gate cleanup, and
 * rollback. A name used twice adds up. */
#define DRIVER_PHASES_MAX 16

struct driver_phases {
	struct {
		const char *name; /* a literal */
		int64_t ms;
	} v[DRIVER_PHASES_MAX];
	size_t n;
	int64_t stopped_at; /* UTC ms: the old container had stopped; 0: not */
};

/* One deploy. The driver reads all and writes phases and *result only. */
struct driver_run {
	const struct conf_engine *engine;
	const struct conf_trigger *trigger; /* what to redeploy, and how */
	const struct job *job;              /* what was pushed */
	/* Who says so; NULL: not one of the configuration's (verify.h). */
	const struct conf_source *source;
	/* Set when the process is told to end: stop at the next place where
	 * everything is as before (until the old container is stopped), or
	 * what was begun goes on without us (a Swarm's update), with
	 * DRIVER_CANCELLED; past it go on: 9 s are left, then recovery. */
	const atomic_bool *cancel;
	struct journal *journal;
	bool force; /* a person wants it: also what failed before */
	struct driver_phases phases;
	/* A few words for `pullwire-deployer queue`: "pulling". Few a run. */
	void (*progress)(struct driver_run *run, const char *text);
};

/* ms spent in the phase, from clock_mono() at both ends. */
void driver_phase(struct driver_run *run, const char *name, int64_t ms);
bool driver_cancelled(const struct driver_run *run);

/* After a start: what an earlier process left half done at this engine. */
struct driver_recovery {
	const struct conf_engine *engine;
	const struct conf *conf;
	const atomic_bool *cancel; /* set: return -1 at the next safe place */
	struct journal *journal;
	/*
	 * The outcome of a job found in the journal or at the engine; durable
	 * when it returns. A final status ends the job with that row;
	 * DRIVER_WAITING says that its work is undone and that it runs again,
	 * as a job does of which nothing is reported. Of an ended one (it was
	 * cancelled meanwhile) the journal's entry goes. -1: not committed,
	 * stop and return -1.
	 */
	int (*report)(struct driver_recovery *rec, const char *job,
		const struct driver_result *result);
};

struct driver {
	const char *name; /* "docker" */
	bool (*serves)(const struct conf_engine *engine);
	/* Does the engine answer? 0, or -1 with a sentence for /readyz and the
	 * `waiting` row, naming the engine's address. Seconds at most. */
	int (*check)(const struct conf_engine *engine, struct err *err);
	/* 0, or -1 (engine down, journal not written): called again later.
	 * Doing it twice is harmless. */
	int (*recover)(struct driver_recovery *rec, struct err *err);
	/* Now and then while the engine answers, beside deploys: what is to go
	 * at its time goes. NULL: nothing ever is. */
	void (*tend)(const struct conf_engine *engine, struct journal *journal);
	/* Always fills *result. */
	void (*deploy)(struct driver_run *run, struct driver_result *result);
	/* The triggers that containers have as labels: the set for
	 * conf_with_labels(). What one container says wrong is told in faults
	 * and left out. *at is the time of the look by the engine's own clock,
	 * which need not be ours. NULL where there is no such thing. 0, or -1. */
	int (*labels)(const struct conf_engine *engine, struct strbuf *set,
		struct opt_errors *faults, int64_t *at, struct err *err);
	/* Waits, for half a minute at most, until that may have changed since
	 * (such a time, UTC ms). 0, or -1. */
	int (*labels_wait)(const struct conf_engine *engine, int64_t since,
		struct err *err);
};

/* The first that serves it; NULL when there is none. */
const struct driver *driver_for(const struct conf_engine *engine);

extern const struct driver docker_driver; /* docker_deploy.c */

#endif
