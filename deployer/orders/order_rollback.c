/*
 * The order `rollback`: back to what the target ran before its last deploy, by
 * a job like any other, so that it is gated, written down and can fail.
 */
#include "deployer/orders/order.h"
#include "deployer/docker/docker_memory.h"
#include "deployer/docker/docker_ref.h"
#include "deployer/intake.h"
#include "deployer/orders/orders.h"
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

	char *image = docker_ref_join(
		g->job.event.repository, g->job.event.tag);

	order_done(g->o, NULL, "%s goes back to %s as job %s",
		g->job.trigger, image, g->job.id);
	free(image);
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
	struct str tag;
	char id[UID_JOB_MAX], event[UID_LEN];
	int64_t now = clock_wall();

	docker_ref_split(str_from(image->reference), &ref);
	/* What was pinned is pinned again. */
	tag = ref.digest.n > 0 ? ref.digest : ref.tag;
	job->event.id = xstrdup(uid_new(now, event));
	job->event.source = xstrdup("rollback");
	job->event.registry = copy(ref.registry);
	job->event.repository = copy(ref.path);
	job->event.tag = copy(tag.n > 0 ? tag : STR("latest"));
	job->event.digest = xstrdup(image->digest);
	job->event.time = now;
	job->id = xstrdup(uid_job(event, t->name, id));
	job->trigger = xstrdup(t->name);
	job->lane = xstrdup(conf_trigger_lane(t));
	job->reason = xprintf("a way back was asked for by %s", who);
}

/* Could a push have brought it? 0, or -1 with why not. */
static int check(const struct conf_trigger *t, const char *target,
	const struct docker_memory_image *image, struct err *err)
{
	struct docker_ref ref;
	char *registry, *path;
	bool ours;

	if (!image->reference)
		return err_fail(err, "it is not known what %s ran before: "
			"nothing was deployed there from here", target);
	if (!image->digest || docker_ref_is_id(str_from(image->reference)))
		return err_fail(err, "%s ran %s before, which came from no "
			"registry: create it by hand", target,
			image->reference);
	docker_ref_split(str_from(image->reference), &ref);
	registry = copy(ref.registry);
	path = copy(ref.path);
	ours = conf_repository_match(t->repository, registry, path);
	free(registry);
	free(path);
	return ours ? 0
		: err_fail(err, "%s ran %s before, which is not of trigger %s's "
			"repository: create it by hand", target,
			image->reference, t->name);
}

void order_rollback(struct deployer *d, struct order *o)
{
	const char *name = order_arg(o, "trigger");
	const struct conf_trigger *t = name ? orders_find_target(d->conf, name)
					 : NULL;
	struct docker_memory_image image = {0};
	struct strbuf target = {0};
	struct going_back *g;
	char safe[160];
	struct err err;

	if (!name) {
		order_refuse(o, ANSWER_MALFORMED, "rollback takes a trigger "
			"that redeploys, or what it redeploys");
		return;
	}
	if (!t) {
		order_refuse(o, ANSWER_ABSENT, "no trigger here redeploys `%s`",
			str_safe(str_from(name), safe, sizeof(safe)));
		return;
	}
	conf_trigger_target(t, &target);
	docker_memory_previous(queue_store_journal(d->store),
		conf_trigger_lane(t), strbuf_cstr(&target), &image);
	if (check(t, strbuf_cstr(&target), &image, &err) != 0) {
		order_refuse(o, ANSWER_ABSENT, "%s", err.text);
	} else {
		g = xcalloc(1, sizeof(*g));
		g->o = o;
		fill(&g->job, t, &image, order_who(o));
		intake_own(d->intake, &g->job, true, taken, g);
	}
	docker_memory_image_release(&image);
	strbuf_release(&target);
}
