#include "logger/processes.h"

#include <pthread.h>

#include "proto/base/log.h"
#include "proto/base/vec.h"
#include "proto/data/json.h"

struct process {
	char *role, *instance;
	struct msg_status last; /* role is NULL before the first */
	int64_t seen_mono, seen_wall;
	unsigned connections;
};

struct processes {
	pthread_mutex_t lock;
	VEC(struct process) list;
};

struct processes *processes_new(void)
{
	struct processes *p = xcalloc(1, sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	return p;
}

static void release(struct process *x)
{
	free(x->role);
	free(x->instance);
	field_release(&status_table, &x->last);
}

void processes_free(struct processes *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->list.n; i++)
		release(&p->list.v[i]);
	VEC_RELEASE(&p->list);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static struct process *find(struct processes *p, const char *role,
	const char *instance)
{
	for (size_t i = 0; i < p->list.n; i++) {
		struct process *x = &p->list.v[i];

		if (strcmp(x->role, role) == 0 &&
			strcmp(x->instance, instance) == 0)
			return x;
	}
	return NULL;
}

/* The process, new if need be; NULL when there are too many. */
static struct process *get(struct processes *p, const char *role,
	const char *instance)
{
	struct process *x = find(p, role, instance), new = {0};

	if (x != NULL)
		return x;
	if (p->list.n >= PROCESSES_MAX) {
		log_limited(LOG_WARN, "processes", "more than %d processes: "
			"%s %s is not shown", PROCESSES_MAX, role, instance);
		return NULL;
	}
	new.role = xstrdup(role);
	new.instance = xstrdup(instance);
	VEC_PUSH(&p->list, new);
	return &p->list.v[p->list.n - 1];
}

static void forget(struct processes *p, struct process *x)
{
	release(x);
	VEC_REMOVE_SWAP(&p->list, (size_t)(x - p->list.v));
}

void processes_status(struct processes *p, const struct msg_status *s,
	int64_t mono, int64_t wall)
{
	struct process *x;

	pthread_mutex_lock(&p->lock);
	x = get(p, s->role, s->instance);
	if (x != NULL) {
		field_release(&status_table, &x->last);
		field_copy(&status_table, &x->last, s);
		x->seen_mono = mono;
		x->seen_wall = wall;
	}
	pthread_mutex_unlock(&p->lock);
}

void processes_up(struct processes *p, const char *role, const char *instance)
{
	struct process *x;

	pthread_mutex_lock(&p->lock);
	x = get(p, role, instance);
	if (x != NULL)
		x->connections++;
	pthread_mutex_unlock(&p->lock);
}

void processes_down(struct processes *p, const char *role,
	const char *instance, bool bye)
{
	struct process *x;

	pthread_mutex_lock(&p->lock);
	x = find(p, role, instance);
	if (x != NULL && x->connections > 0)
		x->connections--;
	/* Another connection is the same process, started anew. */
	if (x != NULL && x->connections == 0 && (bye || x->last.role == NULL))
		forget(p, x);
	pthread_mutex_unlock(&p->lock);
}

static void drop_forgotten(struct processes *p, int64_t mono)
{
	for (size_t i = p->list.n; i > 0; i--) {
		struct process *x = &p->list.v[i - 1];

		if (x->last.role != NULL &&
			mono - x->seen_mono > PROCESSES_FORGET_MS)
			forget(p, x);
	}
}

void processes_forget(struct processes *p, int64_t mono)
{
	pthread_mutex_lock(&p->lock);
	drop_forgotten(p, mono);
	pthread_mutex_unlock(&p->lock);
}

static int by_name(const void *a, const void *b)
{
	const struct process *x = a, *y = b;
	int c = strcmp(x->role, y->role);

	return c != 0 ? c : strcmp(x->instance, y->instance);
}

static struct json *reasons_of(const struct process *x, bool silent)
{
	struct json *list = json_new_array();
	char since[STR_TIME_LEN], *text;

	if (silent) {
		text = xprintf("no sign of life since %s",
			str_time(x->seen_wall, since));
		json_push(list, json_new_str(text));
		free(text);
		return list;
	}
	for (size_t i = 0; i < x->last.reasons.n; i++)
		json_push(list, json_new_str(x->last.reasons.v[i]));
	return list;
}

static struct json *metrics_of(const struct process *x)
{
	static const struct json_limits limits = {.nodes = 20000};
	struct json *j = x->last.metrics ? json_parse(
		str_from(x->last.metrics), &limits, NULL) : NULL;

	return j ? j : json_new_object();
}

static bool add_process(struct json *list, const struct process *x,
	int64_t mono, bool metrics)
{
	bool silent = mono - x->seen_mono > PROCESSES_SILENT_MS;
	bool ready = x->last.ready && !silent;
	struct json *j = json_new_object();
	char time[STR_TIME_LEN];

	json_set_str(j, "role", x->role);
	json_set_str(j, "instance", x->instance);
	json_set_bool(j, "ready", ready);
	json_set_str(j, "time", str_time(x->last.time, time));
	json_set(j, "reasons", reasons_of(x, silent));
	if (metrics)
		json_set(j, "metrics", metrics_of(x));
	json_push(list, j);
	return ready;
}

bool processes_json(struct processes *p, int64_t mono, bool metrics,
	struct strbuf *out)
{
	struct json *j = json_new_object(), *list = json_new_array();
	bool ready = true;

	processes_forget(p, mono);
	pthread_mutex_lock(&p->lock);
	if (p->list.n > 0)
		qsort(p->list.v, p->list.n, sizeof(*p->list.v), by_name);
	for (size_t i = 0; i < p->list.n; i++) {
		/* One that has only said hello says more within a second. */
		if (p->list.v[i].last.role != NULL)
			ready &= add_process(list, &p->list.v[i],
				mono, metrics);
	}
	pthread_mutex_unlock(&p->lock);
	json_set_bool(j, "ready", ready);
	json_set(j, "processes", list);
	json_write(j, out);
	json_free(j);
	return ready;
}

void processes_each(struct processes *p, int64_t mono,
	void (*fn)(void *ctx, const struct msg_status *last), void *ctx)
{
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->list.n; i++) {
		const struct process *x = &p->list.v[i];

		if (x->last.role != NULL &&
			mono - x->seen_mono <= PROCESSES_SILENT_MS)
			fn(ctx, &x->last);
	}
	pthread_mutex_unlock(&p->lock);
}
