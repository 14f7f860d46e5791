#include "matcher/task.h"

#include <stdarg.h>

#include "proto/base/mem.h"
#include "proto/base/uid.h"

static void make_job(struct task *t, const struct rule_result *result)
{
	struct task_job *j = &t->jobs[t->n_jobs++];
	char id[UID_JOB_MAX];

	j->task = t;
	j->rule = result->rule;
	j->job = (struct job){
		.id = xstrdup(uid_job(t->event.id, j->rule->name, id)),
		.trigger = j->rule->name,
		.lane = j->rule->lane,
		.reason = result->reason,
		.version = result->version,
		.generation = result->set->generation,
		.event = t->event,
	};
	j->item.type = MSG_JOB;
	j->item.body = &j->job;
	j->item.credit.lane = j->rule->lane;
	j->item.credit.affinity = j->rule->affinity;
}

struct task *task_new(const struct event *e, struct ruleset *rules,
	struct ruleset *labels, const struct chan_from *from, int64_t deadline)
{
	struct task *t = xcalloc(1, sizeof(*t));

	list_init(&t->rows);
	t->from = *from;
	t->deadline = deadline;
	t->rules = ruleset_ref(rules);
	t->labels = ruleset_ref(labels);
	field_copy(&event_table, &t->event, e);
	rule_eval(rules, labels, &t->event, &t->results);
	t->jobs = xcalloc(t->results.n, sizeof(*t->jobs));
	for (size_t i = 0; i < t->results.n; i++)
		if (t->results.v[i].verdict == RULE_MATCHED)
			make_job(t, &t->results.v[i]);
	return t;
}

void task_free(struct task *t)
{
	LIST_EACH(&t->rows, node)
		task_drop_row(CONTAINER_OF(node, struct task_row, node));
	for (size_t i = 0; i < t->n_jobs; i++) {
		if (t->jobs[i].open)
			BUG("job %s is still open", t->jobs[i].job.id);
		free(t->jobs[i].job.id);
	}
	free(t->jobs);
	rule_results_release(&t->results);
	field_release(&event_table, &t->event);
	ruleset_unref(t->rules);
	ruleset_unref(t->labels);
	free(t);
}

void task_open_job(struct task *t, struct task_job *j)
{
	j->open = true;
	t->left++;
}

void task_close_job(struct task *t, struct task_job *j)
{
	if (!j->open)
		BUG("job %s is not open", j->job.id);
	j->open = false;
	t->left--;
}

void task_add_row(struct task *t, struct task_row *row)
{
	row->task = t;
	list_push_back(&t->rows, &row->node);
	t->left++;
}

void task_drop_row(struct task_row *row)
{
	if (row->task == NULL)
		return;
	list_remove(&row->node);
	row->task->left--;
	row->task = NULL;
}

void task_miss(struct task *t, int64_t delay, const char *fmt, ...)
{
	va_list ap;

	if (t->missed[0] != '\0' && delay <= t->delay)
		return;
	t->delay = delay;
	va_start(ap, fmt);
	vsnprintf(t->missed, sizeof(t->missed), fmt, ap);
	va_end(ap);
}
