#include "deployer/docker/docker_plan.h"

#include <inttypes.h>

#include "deployer/docker/docker_compose.h"
#include "deployer/docker/docker_diff.h"
#include "deployer/docker/docker_follow.h"
#include "deployer/docker/docker_kept.h"
#include "deployer/docker/docker_order.h"
#include "deployer/docker/docker_pick.h"
#include "deployer/docker/docker_ref.h"
#include "deployer/labels_command.h"
#include "deployer/orders/orders.h"
#include "deployer/queue/queue_schema.h"
#include "deployer/swarm/swarm_plan.h"
#include "proto/base/mem.h"
#include "proto/io/http_client.h"

/* ---- what is remembered, to be read only ------------------------------- */

struct memory {
	struct journal journal;
	struct db *db; /* NULL: no deployer has run here */
};

static int kept(struct journal *j, const char *key, char **json,
	struct err *err)
{
	struct memory *m = CONTAINER_OF(j, struct memory, journal);
	struct db_stmt *s;

	*json = NULL;
	if (m->db == NULL)
		return 0;
	s = db_prepare(m->db,
		"SELECT value FROM driver_kept WHERE key = ?1", err);
	if (s == NULL)
		return -1;
	db_bind_str(s, 1, key);
	if (db_step(s, err) > 0)
		*json = xstrdup(db_col_str(s, 0));
	db_reset(s);
	return 0;
}

static void memory_open(struct memory *m, const struct conf *conf)
{
	char *path = xprintf("%s/queue.db", conf->deployer.state);

	m->journal = (struct journal){.kept = kept};
	m->db = db_open(path, &queue_schema, true, NULL);
	free(path);
}

/* ---- the image --------------------------------------------------- */

/* As the engine has it; or, not yet pulled, one of which nothing is known. */
static void look_at_image(struct docker_task *t, const char *name)
{
	struct docker_ref ref;

	t->image = docker_image_inspect(t->api, name, NULL);
	if (t->image == NULL) {
		printf("The image %s is not at the engine: it would be pulled. "
		       "What it brings along is not known here.\n", name);
		docker_ref_split(str_from(name), &ref);
		if (ref.path.n == ref.repository.n)
			printf("A name without a registry is Docker Hub's: "
			       "for another registry write HOST/%s.\n", name);
		t->image = json_new_object();
		json_set_str(t->image, "Id", "sha256:not-pulled-yet");
		json_set(t->image, "Config", json_new_object());
		return;
	}
	docker_note_digest(t->note.to,
		docker_image_digest(t->image, t->repository));
}

/* ---- one container --------------------------------------------------- */

static void print_keep(const struct docker_replace *r, int64_t ms)
{
	const char *not = docker_kept_not(r->old);

	if (not != NULL)
		printf("  (were it not good it would not be kept: %s)\n", not);
	else
		printf("  (were it not good it would be kept for %" PRId64
		       " s as %s.failed-%s)\n", ms / 1000, r->swap->name,
			r->swap->did);
}

static void print_steps(const struct docker_replace *r,
	const struct docker_follow *f)
{
	const struct conf_deploy *d = &r->t->run->trigger->deploy;
	const struct docker_swap *s = r->swap;
	char why[200] = "";
	bool first = d->order == ORDER_START_FIRST &&
		docker_order_may_start_first(r->old, s->was, f->list.n > 0, d,
			why, sizeof(why));
	bool starts = strcmp(s->was, "stopped") != 0;

	printf("steps, %s%s%s\n", first ? "start-first" : "stop-first",
		*why ? ", because " : "", why);
	if (d->pre_check.n > 0)
		printf("  run the pre check in %s\n", s->name);
	if (d->pre_hook.n > 0)
		printf("  run the pre hook in %s\n", s->name);
	printf("  create %s.new-%s%s\n", s->name, s->did,
		json_len(r->spec.connect) > 0 ? ", connect it to its other "
						"networks" : "");
	if (first)
		printf("  start it, wait until it is good\n"
		       "  rename %s to %s.old-%s, the new one to %s\n"
		       "  stop the old one\n", s->name, s->name, s->did,
			s->name);
	for (size_t i = f->list.n; i-- > 0;)
		printf("  stop %s, which depends on it\n",
			docker_swap_name(f->list.v[i].old));
	if (!first)
		printf("  stop %s\n"
		       "  rename it to %s.old-%s, the new one to %s\n",
			s->name, s->name, s->did, s->name);
	if (!first && starts)
		printf("  start the new one, wait until it is good\n");
	for (size_t i = 0; i < f->list.n; i++)
		printf("  replace %s by one that refers to the new one\n",
			docker_swap_name(f->list.v[i].old));
	if (d->keep_failed > 0 && starts)
		print_keep(r, d->keep_failed);
	printf("  remove the old one\n");
	if (d->post_hook.n > 0)
		printf("  run the post hook in %s\n", s->name);
	for (size_t i = 0; i < d->restart_after.n; i++)
		printf("  restart %s\n", d->restart_after.v[i]);
	if (d->post_check.n > 0)
		printf("  run the post check in %s\n", s->name);
}

/* What Compose makes of it is in its files. */
static void print_compose(const struct docker_task *t,
	const struct docker_compose *c)
{
	const struct opt_strs *after = &t->run->trigger->deploy.restart_after;

	printf("steps, by Compose and its files, which may change more\n"
	       "  give the image the name %s\n"
	       "  docker compose --project-name %s", t->reference, c->project);
	for (size_t i = 0; i < c->files.n; i++)
		printf(" --file %s", c->files.v[i]);
	for (size_t i = 0; i < c->env_files.n; i++)
		printf(" --env-file %s", c->env_files.v[i]);
	printf(" up -d --no-deps --no-build %s\n"
	       "  wait until what it started is good\n", c->service);
	for (size_t i = 0; i < after->n; i++)
		printf("  restart %s\n", after->v[i]);
}

static int allow(void *ctx, const char *name, struct err *err)
{
	(void)ctx;
	(void)name;
	(void)err;
	return 0;
}

/* compose: not NULL, it replaces them. Nonzero: it would not be replaced. */
static int plan_one(struct docker_task *t, struct docker_follow *follow,
	const struct json *targets, const struct json *listed,
	const struct docker_compose *compose)
{
	struct docker_replace r = {.t = t,
		.swap = &t->note.now,
		.by_compose = compose != NULL};
	const char *name = docker_swap_name(listed);
	struct driver_result res = {0};
	struct strbuf diff = {0};
	struct err err = {0};
	int rc = docker_prepare(&r, json_str(json_get(listed, "Id")), &res);

	if (rc == 0 && compose == NULL &&
		docker_follow_prepare(follow, t, targets, allow, NULL, &err) !=
			0) {
		driver_result_err(&res, DRIVER_REFUSED, &err);
		rc = -1;
	}
	if (rc != 0) {
		printf("\n%s: %s: %s\n", name, driver_status_words[res.status],
			res.reason);
	} else {
		docker_diff_lines(r.old, r.spec.body, t->image, &diff);
		printf("\n%s: %s -> %s\nsettings that change\n%s", name,
			json_str(json_path(r.old, "Config.Image")),
			t->reference, strbuf_cstr(&diff));
		if (compose != NULL)
			print_compose(t, compose);
		else
			print_steps(&r, follow);
	}
	docker_swap_release(r.swap);
	docker_prepare_release(&r);
	strbuf_release(&diff);
	return rc;
}

static int plan_all(struct docker_task *t, const char *image)
{
	const struct conf_deploy *target = &t->run->trigger->deploy;
	struct docker_follow follow = {0};
	struct docker_compose compose;
	struct err err = {0};
	struct json *list = NULL;
	bool by_compose = false;
	int code = 1;

	if (target->service != NULL)
		return swarm_plan(t);
	if (docker_api_negotiate(t->api, &err) == 0)
		list = docker_pick_list(t->api, target, &err);
	if (list == NULL) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	look_at_image(t, image);
	docker_pick_sort(list);
	if (json_len(list) == 0)
		printf("There is no container of this target at engine %s.\n",
			t->run->engine->name);
	else if (target->compose_files && target->compose != NULL) {
		by_compose = docker_compose_find(t, list, &compose, &err) == 0;
		if (!by_compose)
			printf("Without its Compose files: %s\n", err.text);
	}
	for (const struct json *c = json_first(list); c; c = json_next(c))
		if (plan_one(t, &follow, list, c,
			    by_compose ? &compose : NULL) == 0)
			code = 0;
	if (by_compose)
		docker_compose_release(&compose);
	docker_follow_release(&follow);
	json_free(list);
	return code;
}

static int plan(const struct conf *conf, const struct conf_trigger *trigger,
	const char *image)
{
	atomic_bool cancel = false;
	struct memory memory = {0};
	struct strbuf target = {0};
	struct docker_ref ref;
	struct job job = {.id = (char[]){"plan"},
		.event = {.tag = (char[]){"latest"}}};
	struct driver_run run = {
		.engine = conf_engine(conf, conf_trigger_lane(trigger)),
		.trigger = trigger,
		.job = &job,
		.cancel = &cancel,
		.journal = &memory.journal,
	};
	struct docker_task t = {.run = &run};
	struct err err = {0};
	int code = 1;

	docker_ref_split(str_from(image), &ref);
	if (ref.tag.n == 0)
		ref.tag = STR("latest");
	memory_open(&memory, conf);
	conf_trigger_target(trigger, &target);
	t.repository = xmemdup0(ref.repository.p, ref.repository.n);
	t.reference = xprintf("%s:%.*s", t.repository, (int)ref.tag.n,
		ref.tag.p);
	t.platform = xstrdup("");
	t.note = (struct docker_note){.job = job.id,
		.journal = &memory.journal, .engine = run.engine->name,
		.target = strbuf_detach(&target), .done = json_new_array()};
	t.api = docker_api_open(run.engine, &err);
	if (t.api == NULL)
		fprintf(stderr, "%s\n", err.text);
	else
		code = plan_all(&t, image);
	docker_note_release(&t.note);
	docker_api_close(t.api);
	json_free(t.image);
	free(t.repository);
	free(t.reference);
	free(t.platform);
	db_close(memory.db);
	return code;
}

/* Is it an image that a push can bring to the trigger? */
static bool is_of(const struct conf_trigger *t, const char *image)
{
	struct docker_ref ref;
	char *registry, *path;
	bool is;

	docker_ref_split(str_from(image), &ref);
	registry = xmemdup0(ref.registry.p, ref.registry.n);
	path = xmemdup0(ref.path.p, ref.path.n);
	is = conf_repository_match(t->repository, registry, path);
	free(registry);
	free(path);
	return is;
}

/* By labels, as the engines have them now; NULL is told. */
static const struct conf_trigger *find_labelled(const struct conf *conf,
	const char *text, struct conf **labelled)
{
	struct strbuf told = {0};
	const struct conf_trigger *t;

	*labelled = labels_of_engines(conf, &told);
	t = orders_find_target(*labelled, text);
	if (t == NULL)
		fprintf(stderr, ORDERS_NO_TARGET "\n%s", text,
			strbuf_cstr(&told));
	strbuf_release(&told);
	return t;
}

int docker_plan_run(const struct conf *conf, int argc, char **argv)
{
	const struct conf_trigger *t;
	struct conf *labelled = NULL;
	int code;

	if (argc != 3) {
		fprintf(stderr, "give a trigger that redeploys, or the "
				"container or the service that it is for; and "
				"an image, NAME:TAG\n");
		return 2;
	}
	http_global_init();
	t = orders_find_target(conf, argv[1]);
	if (t == NULL)
		t = find_labelled(conf, argv[1], &labelled);
	if (t == NULL) {
		code = 2;
	} else if (!is_of(t, argv[2])) {
		fprintf(stderr, "trigger %s is for %s: no push of %s would be "
				"done by it\n", t->name, t->repository, argv[2]);
		code = 1;
	} else {
		code = plan(labelled != NULL ? labelled : conf, t, argv[2]);
	}
	conf_free(labelled);
	return code;
}
