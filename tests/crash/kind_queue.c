#include "tests/crash/stores.h"

#include "deployer/queue/queue_read.h"
#include "deployer/queue/queue_store.h"
#include "proto/base/uid.h"

struct store {
	struct loop *loop;
	struct queue_store *queue;
	struct err err; /* of the put */
};

static void trouble(void *ctx, const struct err *err)
{
	(void)ctx;
	(void)err;
}

static void store_close(void *store)
{
	struct store *s = store;

	queue_store_close(s->queue);
	loop_free(s->loop);
	free(s);
}

static void *store_open(const char *dir, struct err *err)
{
	struct store *s = xcalloc(1, sizeof(*s));
	char *path = xprintf("%s/queue.db", dir);

	s->loop = loop_new();
	s->queue = queue_store_open(s->loop, path, trouble, s, err);
	free(path);
	if (s->queue)
		return s;
	store_close(s);
	return NULL;
}

static void arrived(void *ctx, bool known, const struct err *err)
{
	struct store *s = ctx;

	(void)known;
	s->err = err ? *err : (struct err){0};
	loop_stop(s->loop);
}

static int store_put(void *store, int i, struct err *err)
{
	struct store *s = store;
	char event[UID_LEN], id[UID_JOB_MAX], trigger[] = "web", lane[] = "http";
	char source[] = "registry", repository[] = "shop/web", tag[] = "v1";
	struct job job = {.id = id, .trigger = trigger, .lane = lane,
		.event = {.id = event, .source = source,
			.repository = repository, .tag = tag,
			.time = 1700000000000 + i}};
	struct queue_store_arrival a = {.job = &job, .target = "web",
		.now = job.event.time};

	snprintf(event, sizeof(event), STORES_ID, (unsigned)i);
	uid_job(event, trigger, id);
	queue_store_arrive(s->queue, &a, arrived, s);
	loop_run(s->loop);
	*err = s->err;
	return err->cls == ERR_NONE ? 0 : -1;
}

struct listing {
	void (*found)(void *ctx, const char *what, const char *id);
	void *ctx;
};

static void open_job(void *ctx, const struct queue_spec *spec,
	const struct job *job, const char *damage)
{
	struct listing *l = ctx;

	(void)job;
	l->found(l->ctx, damage ? "damaged" : "pending", spec->id);
}

static void row(void *ctx, int64_t seq, struct record *r)
{
	struct listing *l = ctx;

	(void)seq;
	if (r->final) {
		char *id = xprintf("%s/%s", r->event, r->trigger);

		l->found(l->ctx, "row", id);
		free(id);
	}
	field_release(&record_table, r);
}

static int store_list(void *store,
	void (*found)(void *ctx, const char *what, const char *id), void *ctx,
	struct err *err)
{
	struct store *s = store;
	struct listing l = {found, ctx};
	struct db *db = queue_store_reader(s->queue);

	if (queue_read_open(db, open_job, &l, err) < 0)
		return -1;
	return queue_read_rows(db, 0, INT64_MAX, row, &l, err);
}

const struct kind kind = {store_open, store_close, store_put, store_list};
