/* The families, in the order in which /metrics shows them. */
#include "proto/base/metrics.h"

#define US(ms) ((int64_t)(ms) * 1000)
#define SECONDS(s) US((s) * 1000)

/* A disk's or a database's answer. */
static const int64_t fast[] = {500, US(1), 2500, US(5), US(10), US(25), US(50),
	US(100), US(250), US(500), SECONDS(1), 2500000, SECONDS(5), SECONDS(10),
	0};
/* A registry's, an engine's or a receiver's. */
static const int64_t slow[] = {US(25), US(100), US(250), SECONDS(1), 2500000,
	SECONDS(5), SECONDS(10), SECONDS(30), SECONDS(60), SECONDS(120),
	SECONDS(300), SECONDS(600), 0};

#define COUNTER(n, r, a, b, h) \
	{.name = n, .kind = METRIC_COUNTER, .role = r, .label = {a, b}, .help = h}
#define GAUGE(n, r, a, b, h) \
	{.name = n, .kind = METRIC_GAUGE, .role = r, .label = {a, b}, .help = h}
#define HISTOGRAM(n, r, a, bs, h) \
	{.name = n, .kind = METRIC_HISTOGRAM, .role = r, .label = {a, NULL}, \
		.buckets = bs, .help = h}

const struct metric_family metric_families[METRICS] = {
	[METRIC_BUILD_INFO] = GAUGE("pullwire_build_info", "all", "version",
		NULL, "Always 1; the version is the label."),
	[METRIC_READY] = GAUGE("pullwire_ready", "all", NULL, NULL,
		"1 while the process is ready, else 0; /readyz has the "
		"reasons."),
	[METRIC_START_TIME] = GAUGE("pullwire_start_time_seconds", "all", NULL,
		NULL, "When the process started, since the epoch."),
	[METRIC_CPU] = COUNTER("pullwire_cpu_seconds_total", "all", NULL, NULL,
		"Processor time, user and system."),
	[METRIC_MEMORY] = GAUGE("pullwire_resident_memory_bytes", "all", NULL,
		NULL, "Memory that the process has."),
	[METRIC_FDS] = GAUGE("pullwire_open_fds", "all", NULL, NULL,
		"Open file descriptors."),
	[METRIC_LOG_LINES] = COUNTER("pullwire_log_lines_total", "all", "level",
		NULL, "Lines of the process's own log, those that were "
		"counted instead of written included."),
	[METRIC_LINK_PEERS] = GAUGE("pullwire_link_peers", "all", "link", NULL,
		"Processes at the other end of a link."),
	[METRIC_COMMIT] = HISTOGRAM("pullwire_commit_seconds", "all", "store",
		fast, "Time of a group's commit: written and synced (fsync). "
		"Stores: spool, queue, log."),
	[METRIC_COMMIT_FAILED] = COUNTER("pullwire_commit_failures_total",
		"all", "store", NULL, "Groups that could not be committed; "
		"nothing of them was acknowledged."),
	[METRIC_OUTBOX] = GAUGE("pullwire_outbox_rows", "all", NULL, NULL,
		"Rows of the access log on their way to a logger."),
	[METRIC_OUTBOX_DROPPED] = COUNTER("pullwire_outbox_dropped_rows_total",
		"all", NULL, NULL, "Observations (rejected, ignored) that were "
		"dropped because no logger took them for long."),
	[METRIC_RELOADS] = COUNTER("pullwire_reloads_total", "all", "result",
		NULL, "Changed configurations: taken or refused."),

	[METRIC_EVENTS] = COUNTER("pullwire_events_total", "ingress", "source",
		"result", "Pushes that were understood: accepted, duplicate or "
		"ignored."),
	[METRIC_REJECTED] = COUNTER("pullwire_rejected_requests_total",
		"ingress", "source", "code", "Webhooks that were refused, by "
		"the HTTP status: 400 malformed, 401 not authenticated, 413 "
		"too large, 429 too often, 503 not committed. Without a source "
		"when it is not known."),
	[METRIC_SPOOL] = GAUGE("pullwire_spool_events", "ingress", NULL, NULL,
		"Events that no matcher has acknowledged yet."),
	[METRIC_SPOOL_OLDEST] = GAUGE("pullwire_spool_oldest_seconds",
		"ingress", NULL, NULL, "Age of the oldest of them; 0 when there "
		"is none."),
	[METRIC_LEASES] = GAUGE("pullwire_leases", "ingress", NULL, NULL,
		"Events that are leased to matchers."),

	[METRIC_EVALUATED] = COUNTER("pullwire_evaluated_events_total",
		"matcher", NULL, NULL, "Events that were evaluated."),
	[METRIC_RETURNED] = COUNTER("pullwire_returned_events_total",
		"matcher", NULL, NULL, "Events given back to their ingress, "
		"because a deployer or a logger did not take what follows."),
	[METRIC_EVALUATING] = GAUGE("pullwire_evaluating_events", "matcher",
		NULL, NULL, "Events under way."),
	[METRIC_VERDICTS] = COUNTER("pullwire_verdicts_total", "matcher",
		"verdict", NULL, "What the rules said, for each trigger of the "
		"repository: matched, untriggered, expression_error; or "
		"no_trigger."),

	[METRIC_JOBS] = GAUGE("pullwire_jobs", "deployer", "lane", "state",
		"Jobs in the queue: waiting, running or held."),
	[METRIC_JOBS_ENDED] = COUNTER("pullwire_jobs_ended_total", "deployer",
		"lane", "status", "Jobs that are over, by the status of their "
		"final row."),
	[METRIC_ATTEMPTS] = COUNTER("pullwire_attempts_total", "deployer",
		"lane", "status", "Tries at jobs, by status; in lane http, "
		"these are the deliveries."),
	[METRIC_RETRIES] = COUNTER("pullwire_retries_total", "deployer",
		"lane", NULL, "Attempts after which another one follows."),
	[METRIC_ROLLBACKS] = COUNTER("pullwire_rollbacks_total", "deployer",
		"lane", NULL, "Redeploys whose old container runs again."),
	[METRIC_NOTICES_DROPPED] = COUNTER(
		"pullwire_dropped_notices_total", "deployer", NULL, NULL,
		"Notices that nobody took for a day and whose receiver is in "
		"`notify` no more."),
	[METRIC_PHASE] = HISTOGRAM("pullwire_deploy_phase_seconds", "deployer",
		"phase", slow, "Time of a redeploy's phases: inspect, pull, "
		"create, stop, start, gate, cleanup; of a service inspect, "
		"verify, update; of both rollback."),
	[METRIC_DELIVERY] = HISTOGRAM("pullwire_delivery_seconds", "deployer",
		NULL, slow, "Time of a POST to a trigger URL, to its answer."),

	[METRIC_ROWS_REPEATED] = COUNTER("pullwire_rows_repeated_total",
		"logger", NULL, NULL, "Rows that came again; they are stored "
		"once."),
	[METRIC_ROWS_EXTRA_FINAL] = COUNTER("pullwire_rows_extra_final_total",
		"logger", NULL, NULL, "Second final rows of an event and "
		"trigger: a broken promise of their sender."),
	[METRIC_ROWS_REFUSED] = COUNTER("pullwire_rows_refused_total",
		"logger", NULL, NULL, "Rows that could not be stored and went "
		"back to their senders, who keep them."),
	[METRIC_ROWS_PRUNED] = COUNTER("pullwire_rows_pruned_total", "logger",
		NULL, NULL, "Rows that went by age or size."),
	[METRIC_ROWS_DAMAGED] = COUNTER("pullwire_rows_damaged_total", "logger",
		NULL, NULL, "Rows that were read and are not what was stored: "
		"their checksum differs. Each counts once."),
	[METRIC_ROWS_NOT_PRINTED] = COUNTER("pullwire_rows_not_printed_total",
		"logger", NULL, NULL, "Rows left out on standard output, "
		"because nobody read it."),
	[METRIC_QUERY] = HISTOGRAM("pullwire_query_seconds", "logger", NULL,
		fast, "Time of a query of the access log."),
	[METRIC_ROWS] = COUNTER("pullwire_rows_total", "logger", "trigger",
		"status", "Rows stored, by trigger and access status code; "
		"without a trigger when none is concerned."),
};
