/* What is told about the work: is the matcher ready, and what does it lack? */
#include "matcher/work_inside.h"

#include "proto/base/clock.h"
#include "proto/base/metrics.h"

static void report_lanes(
	struct work *w, const struct ruleset *rules, struct daemon *d)
{
	for (size_t i = 0; i < rules->n_lanes; i++) {
		const char *lane = rules->lanes[i];

		if (chan_has_lane(w->out, lane))
			daemon_ready(d, lane);
		else
			daemon_not_ready(d, lane,
				"no deployer serves lane `%s`", lane);
	}
}

void work_report(struct work *w, struct daemon *d)
{
	int64_t now = clock_mono();

	if (chan_peers(w->in) == 0)
		daemon_not_ready(d, "the ingress", "no ingress is connected");
	else
		daemon_ready(d, "the ingress");
	if (rows_away(w->rows, now) > 0)
		daemon_not_ready(d, "the logger", "no logger takes rows");
	else
		daemon_ready(d, "the logger");
	if (labels_missing(w->labels) != NULL)
		daemon_not_ready(d, "labels", "no deployer has told yet which "
			"labels the containers of engine `%s` have: no push "
			"ends as no_trigger", labels_missing(w->labels));
	else
		daemon_ready(d, "labels");
	report_lanes(w, w->rules, d);
	report_lanes(w, labels_rules(w->labels), d);
	metric_set(METRIC_EVALUATING, NULL, NULL,
		(int64_t)map_len(w->by_event));
}
