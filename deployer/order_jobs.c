#include "deployer/notify.h"
#include "deployer/order.h"
#include "deployer/runner.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

/* ---- enable ---------------------------------------------------------------- */

void order_enable(struct deployer *d, struct order *o)
{
	const char *name = order_arg(o, "trigger");
	const struct conf_trigger *t = name ? conf_poster(d->conf, name) : NULL;

	if (!name) {
		order_refuse(o, ANSWER_MALFORMED,
			"enable takes the name of a trigger");
	} else if (!t || !d->notify) {
		order_refuse(o, ANSWER_ABSENT,
			"%s is no trigger of ours with a URL: not enabled",
			name);
	} else {
		notify_enable(d->notify, t);
		order_done(o, NULL, "%s may post again", name);
	}
}

/* ---- approve ---------------------------------------------------------------- */

/* A job that is waiting for it. */
struct approval {
	struct deployer *d;
	struct order *o;
	char *id;
};

static void approved(void *ctx)
{
	struct approval *a = ctx;
	struct queue_job *job = queue_find(a->d->queue, a->id);

	if (job)
		job->approved = true;
	order_done(a->o, NULL, "%s is approved", a->id);
	if (job && job->state == QUEUE_WAITING)
		queue_hurry(a->d->queue, job, clock_wall());
	runner_kick(a->d);
	free(a->id);
	free(a);
}

/* On disk first: whoever said yes is not asked again. */
void order_approve(struct deployer *d, struct order *o)
{
	const char *id = order_arg(o, "job");
	struct approval *a;

	if (!id) {
		order_refuse(o, ANSWER_MALFORMED, "approve takes a job: "
			"EVENT/TRIGGER");
		return;
	}
	if (!queue_find(d->queue, id)) {
		order_refuse(o, ANSWER_ABSENT,
			"%s does not wait here: not approved", id);
		return;
	}
	a = xcalloc(1, sizeof(*a));
	a->d = d;
	a->o = o;
	a->id = xstrdup(id);
	queue_store_approve(d->store, id, approved, a);
}
