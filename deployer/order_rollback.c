/*
 * The order `rollback`: back to what the target ran before its last deploy, by
 * a job like any other, so that it is gated, written down and can fail.
 */
#include "deployer/docker_memory.h"
#include "deployer/docker_ref.h"
#include "deployer/intake.h"
#include "deployer/order.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/base/uid.h"

struct going_back {
	struct order *o;
	struct job job;
};

static void taken(void *ctx)
{
	struct going_back *g = ctx;

	order_done(g->o, NULL, "%s goes back to %s:%s as job %s",
		g->job.trigger, g->job.event.repository, g->job.event.tag,
		g->job.id);
	field_release(&job_table, &g->job);
	free(g);
}

static char *copy(struct str s)
{
	return xmemdup0(s.p, s.n);
}

static void fill(struct job *job, const struct conf_trigger *t,
	const struct docker_memory_image *image, const char *who)
{
	struct docker_ref ref;
	char id[UID_JOB_MAX], event[UID_LEN];
	int64_t now = clock_wall();

	docker_ref_split(str_from(image->reference), &ref);
	job->event.id = xstrdup(uid_new(now, event));
	job->event.source = xstrdup("rollback");
	job->event.registry = copy(ref.registry);
	job->event.repository = copy(ref.path);
	job->event.tag = copy(ref.tag.n > 0 ? ref.tag : STR("latest"));
	job->event.digest = xstrdup(image->digest);
	job->event.time = now;
	job->id = xstrdup(uid_job(event, t->name, id));
	job->trigger = xstrdup(t->name);
	job->lane = xstrdup(conf_trigger_lane(t));
	job->reason = xprintf("a way back was asked for by %s", who);
}

void order_rollback(struct deployer *d, struct order *o)
{
	const char *name = order_arg(o, "trigger");
	const struct conf_trigger *t = name ? conf_trigger(d->conf, name) : NULL;
	struct docker_memory_image image = {0};
	struct strbuf target = {0};
	struct going_back *g;

	if (!name || !t || t->url) {
		order_refuse(o, name ? ANSWER_ABSENT : ANSWER_MALFORMED,
			"rollback takes the name of a trigger that redeploys");
		return;
	}
	conf_trigger_target(t, &target);
	docker_memory_previous(queue_store_journal(d->store),
		conf_trigger_lane(t), strbuf_cstr(&target), &image);
	if (!image.reference) {
		order_refuse(o, ANSWER_ABSENT, "it is not known what %s ran "
			"before: nothing was deployed there from here, or that "
			"image had no digest", strbuf_cstr(&target));
	} else {
		g = xcalloc(1, sizeof(*g));
		g->o = o;
		fill(&g->job, t, &image, order_who(o));
		intake_own(d->intake, &g->job, true, taken, g);
	}
	docker_memory_image_release(&image);
	strbuf_release(&target);
}
