/*
 * What a process counts, told to the loggers with its status and shown by
 * their /metrics. One table says which families there are, in metrics_table.c:
 * name, kind, labels, help; docs/METRICS.md is printed from it. A new one is a
 * row there and a name here.
 *
 * Values of a family whose name ends with _seconds or _seconds_total are given
 * in microseconds. Labels' values come from the configuration or from a fixed
 * set of words, never from a request: a family has at most
 * METRICS_SERIES_MAX of them, what comes beyond is counted under "other".
 * Any thread; a process has one set.
 */
#ifndef PROTO_BASE_METRICS_H
#define PROTO_BASE_METRICS_H

#include "proto/base/strbuf.h"

#define METRICS_LABELS 2
#define METRICS_SERIES_MAX 250  /* of a family */
#define METRICS_TEXT_MAX 60000  /* bytes of a snapshot */
#define METRICS_VALUE_MAX 80    /* bytes of a label's value */

enum metric {
	/* all processes */
	METRIC_BUILD_INFO,
	METRIC_READY,
	METRIC_START_TIME,
	METRIC_CPU,
	METRIC_MEMORY,
	METRIC_FDS,
	METRIC_LOG_LINES,
	METRIC_LINK_PEERS,
	METRIC_COMMIT,
	METRIC_COMMIT_FAILED,
	METRIC_OUTBOX,
	METRIC_OUTBOX_DROPPED,
	METRIC_RELOADS,
	/* ingress */
	METRIC_EVENTS,
	METRIC_REJECTED,
	METRIC_SPOOL,
	METRIC_SPOOL_OLDEST,
	METRIC_LEASES,
	/* matcher */
	METRIC_EVALUATED,
	METRIC_RETURNED,
	METRIC_EVALUATING,
	METRIC_VERDICTS,
	/* deployer */
	METRIC_JOBS,
	METRIC_JOBS_ENDED,
	METRIC_ATTEMPTS,
	METRIC_RETRIES,
	METRIC_ROLLBACKS,
	METRIC_NOTICES_DROPPED,
	METRIC_PHASE,
	METRIC_DELIVERY,
	/* logger */
	METRIC_ROWS,
	METRIC_ROWS_REPEATED,
	METRIC_ROWS_EXTRA_FINAL,
	METRIC_ROWS_REFUSED,
	METRIC_ROWS_PRUNED,
	METRIC_ROWS_DAMAGED,
	METRIC_ROWS_NOT_PRINTED,
	METRIC_QUERY,
	METRICS
};

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_family {
	const char *name; /* of a counter, it ends with _total */
	enum metric_kind kind;
	const char *role; /* who has it, or "all" */
	const char *label[METRICS_LABELS]; /* names; NULL: none */
	const int64_t *buckets; /* of a histogram, us, rising; 0 at the end */
	const char *help;
};

extern const struct metric_family metric_families[METRICS];

/* Counters. a and b are the labels' values; NULL where there is no label. */
void metric_add(enum metric m, const char *a, const char *b, int64_t by);
/* Gauges, and counters that are counted elsewhere. */
void metric_set(enum metric m, const char *a, const char *b, int64_t value);
/* Histograms: something took us. */
void metric_time(enum metric m, const char *a, int64_t us);

/* The value, of a histogram how many; 0 when nothing was counted. */
int64_t metric_get(enum metric m, const char *a, const char *b);

/* All of it as a JSON object, NAME or NAME{LABEL="VALUE",...} -> number, at
 * most METRICS_TEXT_MAX bytes: what does not fit is left out, from the end of
 * the table. */
void metrics_snapshot(struct strbuf *out);
/* Forgets everything. */
void metrics_reset(void);

/* A label's value as it stands between quotes in an exposition. */
void metrics_escape(const char *value, struct strbuf *out);
/* The families as docs/METRICS.md. */
void metrics_markdown(struct strbuf *out);

#endif
