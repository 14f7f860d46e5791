/*
 * The driver of Docker engines: `deploy: {container: NAME}` and `{compose:
 * PROJECT/SERVICE}`, one container after the other; the first failure ends it.
 * `{service: NAME}` is swarm_deploy.h's.
 */
#include "deployer/driver.h"

#include <inttypes.h>

#include "deployer/docker/docker_claims.h"
#include "deployer/docker/docker_compose.h"
#include "deployer/docker/docker_hook.h"
#include "deployer/docker/docker_kept.h"
#include "deployer/docker/docker_memory.h"
#include "deployer/docker/docker_labels.h"
#include "deployer/docker/docker_pick.h"
#include "deployer/docker/docker_recover.h"
#include "deployer/docker/docker_ref.h"
#include "deployer/docker/docker_replace.h"
#include "deployer/docker/docker_settle.h"
#include "deployer/docker/docker_verify.h"
#include "deployer/swarm/swarm_deploy.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"

#define SETTLE_PATIENCE_MS 60000

struct deploy {
	struct docker_task t;
	struct json *list;    /* the target's containers, as listed */
	struct json *kept;    /* docker_kept.h's: none of them */
	struct docker_claims claims;
	/* Containers that run the new image: replaced now, by an earlier
	 * attempt at this job, or anyhow. */
	int64_t done, before, same;
	bool looked;		/* at the target: the checks belong to it */
	struct strbuf told;	/* what failed of them */
};

/* ---- the target --------------------------------------------------------------- */

static void fail(const struct err *err, struct driver_result *res)
{
	driver_result_err(res,
		docker_api_unreachable(err) ? DRIVER_WAITING : DRIVER_FAILED,
		err);
}

static int claim_name(void *ctx, const char *name, struct err *err)
{
	struct deploy *d = ctx;

	return docker_claims_take(&d->claims, str_from(name), err);
}

/* Lists the target and takes the names of all that belongs to it. */
static int list(struct deploy *d, struct err *err)
{
	const struct conf_deploy *target = &d->t.run->trigger->deploy;
	struct str name, base;

	json_free(d->list);
	d->list = NULL;
	if (target->container != NULL &&
		docker_claims_take(&d->claims, str_from(target->container),
			err) != 0)
		return -1;
	d->list = docker_pick_list(d->t.api, target, err);
	if (d->list == NULL)
		return -1;
	docker_kept_hide(d->kept, d->list);
	for (const struct json *c = json_first(d->list); c; c = json_next(c)) {
		name = str_from(docker_swap_name(c));
		if (docker_swap_is_alias(name, NULL, &base))
			name = base;
		if (docker_claims_take(&d->claims, name, err) != 0)
			return -1;
	}
	return 0;
}

/* All of the engine's: what goes along with a target is none of its. */
static struct json *list_all(const struct deploy *d, struct err *err)
{
	struct json *filters = json_new_object();
	struct json *all = docker_container_list(d->t.api, filters, err);

	json_free(filters);
	return all;
}

/*
 * Ends what an earlier attempt left of this target: of this job, or of one
 * that has ended. 0: d->list is the target now. -1 with *res.
 */
static int settle(struct deploy *d, struct driver_result *res)
{
	struct docker_note *note = &d->t.note;
	int64_t patience = d->t.run->trigger->deploy.rollback_timeout;
	const struct docker_settle how = {
		.api = d->t.api,
		.grace_ms = d->t.run->trigger->grace,
		.health_ms = d->t.run->trigger->health_timeout,
		.patience_ms = patience < SETTLE_PATIENCE_MS
			? patience
			: SETTLE_PATIENCE_MS,
		.mend = true,
		.keep_ms = d->t.run->trigger->deploy.keep_failed,
		.kept = d->kept,
	};
	struct err err = {0};
	struct json *all = NULL;
	char *stuck = NULL;
	int rc = -1;

	if (list(d, &err) != 0 || (all = list_all(d, &err)) == NULL ||
		docker_settle_job(&how, all, note, &err) != 0 ||
		docker_settle_rest(&how, d->list, note, 1, &stuck, &err) != 0 ||
		list(d, &err) != 0)
		fail(&err, res);
	else if (note->stuck != NULL)
		driver_result_set(res, DRIVER_FAILED, "%s", note->stuck);
	else if (docker_note_is_returned(note))
		driver_result_set(res, DRIVER_ROLLED_BACK, "%s", note->reason);
	else
		rc = 0;
	/* What an ended job could not put back, this push may mend. */
	d->t.mends = stuck != NULL;
	free(stuck);
	json_free(all);
	return rc;
}

/* Is there anything that an earlier attempt may have left? */
static bool is_unsettled(const struct deploy *d)
{
	struct str base;
	const struct json *c = json_first(d->list);

	for (; c; c = json_next(c))
		if (docker_swap_is_alias(
			    str_from(docker_swap_name(c)), NULL, &base))
			return true;
	return d->t.note.found;
}

static void missing(const struct deploy *d, struct driver_result *res)
{
	const struct conf_deploy *target = &d->t.run->trigger->deploy;
	const char *engine = d->t.run->engine->name;

	if (target->container != NULL)
		driver_result_set(res, DRIVER_FAILED,
			"there is no container %s at engine %s; create it once "
			"(docker run --name %s ...), then push again",
			target->container, engine, target->container);
	else
		driver_result_set(res, DRIVER_FAILED,
			"there is no container of Compose service %s at engine "
			"%s; start it once (docker compose up -d), then push "
			"again", target->compose, engine);
}

/* ---- one after the other ------------------------------------------------------ */

/* What the row says when all containers have been looked at. */
static void sum_up(const struct deploy *d, struct driver_result *res)
{
	const struct docker_task *t = &d->t;
	int64_t all = (int64_t)json_len(d->list);
	const char *first = docker_swap_name(json_first(d->list));
	const char *late = d->done == 0
		? "; finished after a restart of the deployer"
		: "";

	if (d->done + d->before + d->same == 0)
		return; /* refused: the last reason stays */
	if (d->done + d->before == 0)
		driver_result_set(res, DRIVER_UNCHANGED,
			"%s runs the image of %s already", first, t->reference);
	else if (all == 1)
		driver_result_set(res, DRIVER_DEPLOYED, "%s runs %s%s%s%s",
			first, t->reference, late,
			*t->pulled != '\0' ? "; pulled " : "", t->pulled);
	else
		driver_result_set(res, DRIVER_DEPLOYED,
			"%" PRId64 " of %" PRId64 " containers run %s%s%s%s",
			d->done + d->before + d->same, all, t->reference, late,
			*t->pulled != '\0' ? "; pulled " : "", t->pulled);
}

/* A failure that is not of the first container: say how far it got. */
static void add_progress(const struct deploy *d, struct driver_result *res)
{
	char reason[sizeof(res->reason)];
	int64_t all = (int64_t)json_len(d->list);

	if (all < 2)
		return;
	memcpy(reason, res->reason, sizeof(reason));
	/* All of them went back together. */
	snprintf(res->reason, sizeof(res->reason),
		"%.440s (%" PRId64 " of %" PRId64 " containers run the new "
		"image)", reason, d->same, all);
}

static void add_words(struct driver_result *res, const char *words,
	const char *why)
{
	size_t n = strlen(res->reason);

	snprintf(res->reason + n, sizeof(res->reason) - n, "%s%s", words, why);
}

static void replace_all(struct deploy *d, struct docker_replacing *p,
	struct driver_result *res)
{
	struct docker_task *t = &d->t;
	const struct json *c = json_first(d->list);
	const char *name;

	t->note.total = (int64_t)json_len(d->list);
	for (; c; c = json_next(c)) {
		name = docker_swap_name(c);
		if (docker_note_is_done(&t->note, name) ||
			docker_note_kept(&t->note, name) != NULL) {
			d->before++;
			continue;
		}
		docker_replace_container(
			p, json_str(json_get(c, "Id")), res);
		if (res->status == DRIVER_DEPLOYED)
			d->done++;
		else if (res->status == DRIVER_UNCHANGED)
			d->same++;
		else if (res->status != DRIVER_REFUSED)
			break;
	}
	if (c == NULL) {
		sum_up(d, res);
		if (res->status == DRIVER_DEPLOYED && *p->stop_first != '\0')
			add_words(res, "; stop-first, because ", p->stop_first);
		if ((res->status == DRIVER_DEPLOYED ||
			    res->status == DRIVER_REFUSED) &&
			*p->without_files != '\0')
			add_words(res, "; without its Compose files: ",
				p->without_files);
		docker_replace_end(p, res);
	}
	if (res->status == DRIVER_FAILED || res->status == DRIVER_ROLLED_BACK)
		add_progress(d, res);
}

/* True: it is over. */
static bool by_compose(struct deploy *d, struct docker_replacing *p,
	struct driver_result *res)
{
	const struct conf_deploy *target = &d->t.run->trigger->deploy;
	struct err why = {0};

	if (!target->compose_files || target->compose == NULL)
		return false;
	if (docker_ref_is_digest(d->t.run->job->event.tag))
		err_fail(&why, "they name a tag, and this is a digest");
	else if (docker_compose_deploy(&d->t, d->list, res, &why))
		return true;
	snprintf(p->without_files, sizeof(p->without_files), "%.290s",
		why.text);
	return false;
}

static void run(struct deploy *d, struct driver_result *res)
{
	struct docker_task *t = &d->t;
	struct docker_replacing replacing = {
		.t = t, .claim = claim_name, .ctx = d};
	struct err err = {0};

	d->kept = docker_kept_all(
		t->run->journal, t->run->engine->name, &err);
	if (d->kept == NULL || docker_api_negotiate(t->api, &err) != 0 ||
		list(d, &err) != 0) {
		fail(&err, res);
		return;
	}
	if (is_unsettled(d) && settle(d, res) != 0)
		return;
	if (docker_verify(t, res) != 0)
		return;
	/* Not before: who is only a hint runs nothing. */
	d->looked = true;
	docker_hook_check(t, d->list, true, &d->told);
	docker_pick_sort(d->list);
	if (json_len(d->list) == 0) {
		missing(d, res);
		return;
	}
	replacing.targets = d->list;
	if (by_compose(d, &replacing, res))
		return;
	replace_all(d, &replacing, res);
	docker_follow_release(&replacing.follow);
}

/* ---- the driver --------------------------------------------------------------- */

/* The target as it is now. What ends by a stop or goes on later has not. */
static void check_after(struct deploy *d, struct driver_result *res)
{
	const struct conf_deploy *target = &d->t.run->trigger->deploy;
	struct json *now;

	if (!d->looked || res->status == DRIVER_WAITING ||
		res->status == DRIVER_CANCELLED)
		return;
	now = target->post_check.n > 0
		? docker_pick_list(d->t.api, target, NULL) : NULL;
	docker_hook_check(&d->t, now, false, &d->told);
	json_free(now);
	add_words(res, strbuf_cstr(&d->told), "");
}

static void docker_deploy(struct driver_run *run_, struct driver_result *res)
{
	const struct event *e = &run_->job->event;
	struct deploy d = {.t = {.run = run_, .lap = clock_mono()},
		.claims = {.endpoint = run_->engine->docker}};
	struct strbuf repository = {0};
	struct err err = {0};

	*res = (struct driver_result){0};
	d.t.api = docker_api_open(run_->engine, &err);
	if (d.t.api == NULL) {
		driver_result_err(res, DRIVER_FAILED, &err);
		return;
	}
	docker_ref_repository(e->registry, e->repository, &repository);
	d.t.reference = docker_ref_join(strbuf_cstr(&repository), e->tag);
	d.t.repository = strbuf_detach(&repository);
	d.t.platform = xstrdup("");
	docker_task_progress(&d.t, "inspecting");
	if (docker_task_begin(&d.t, res) == 0) {
		if (run_->trigger->deploy.service != NULL)
			swarm_deploy(&d.t, res);
		else
			run(&d, res);
	}
	check_after(&d, res);
	memcpy(res->from_digest, d.t.note.from, sizeof(d.t.note.from));
	memcpy(res->to_digest, d.t.note.to, sizeof(d.t.note.to));
	docker_memory_result(&d.t.note, res);
	if (res->status == DRIVER_ROLLED_BACK || res->status == DRIVER_FAILED)
		res->evidence = xstrdup_null(d.t.note.evidence);
	docker_claims_release(&d.claims);
	docker_note_release(&d.t.note);
	docker_api_close(d.t.api);
	json_free(d.t.image);
	json_free(d.list);
	json_free(d.kept);
	free(d.t.reference);
	free(d.t.repository);
	free(d.t.platform);
	strbuf_release(&d.told);
}

static int docker_check(const struct conf_engine *engine, struct err *err)
{
	struct docker_api *api = docker_api_open(engine, err);
	int rc = api != NULL ? docker_api_ping(api, err) : -1;

	docker_api_close(api);
	return rc;
}

static bool docker_serves(const struct conf_engine *engine)
{
	return engine->docker != NULL;
}

const struct driver docker_driver = {
	.name = "docker",
	.serves = docker_serves,
	.check = docker_check,
	.recover = docker_recover_engine,
	.tend = docker_kept_tend,
	.deploy = docker_deploy,
	.labels = docker_labels,
	.labels_wait = docker_labels_wait,
};
