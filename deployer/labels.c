#include "deployer/labels.h"

#include "deployer/driver.h"
#include "deployer/intake.h"
#include "deployer/queue/queue_read.h"
#include "deployer/target.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/io/loop_drop.h"

#define AGAIN_MS 5000 /* an engine that did not answer */
/* Containers often change in groups: they are looked at together. */
#define SETTLE_MS 300

/* One look at an engine: the worker's, and it outlives us if it must. */
struct look {
	struct watch *w; /* NULL: nobody waits for it any more */
	struct conf *conf; /* a reference: engine is in it */
	const struct conf_engine *engine;
	const struct driver *driver;
	bool wait; /* until something has changed since */
	int64_t since;
	/* the outcome */
	int64_t at; /* the engine's time of it */
	struct strbuf set;
	struct opt_errors faults;
	struct err err;
	int rc;
};

struct watch {
	struct labels *of;
	char *engine;
	const struct driver *driver;
	char *set;    /* NULL: not known yet */
	char *faults; /* the last ones, for they are told once */
	struct loop_timer *timer;
	struct look *look; /* under way */
	bool wait;
	int64_t since;
};

struct labels {
	struct deployer *d;
	struct watch *watches;
	size_t n;
};

/* ---- what is known counts -------------------------------------------------- */

static void tell(struct watch *w, uint64_t peer)
{
	struct msg_triggers t = {.engine = w->engine, .set = w->set};

	if (w->set && w->of->d->intake)
		intake_tell_triggers(w->of->d->intake, peer, &t);
}

static void log_faults(const struct opt_errors *faults)
{
	for (size_t i = 0; i < faults->list.n; i++)
		log_warn(NULL, "labels: %s", faults->list.v[i]);
}

void labels_apply(struct labels *l)
{
	const char **sets = xcalloc(l->n + 1, sizeof(*sets));
	struct opt_errors faults = {0};
	struct conf *conf;
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->watches[i].set)
			sets[n++] = l->watches[i].set;
	conf = conf_with_labels(l->d->conf, sets, n, &faults);
	free(sets);
	log_faults(&faults);
	opt_errors_release(&faults);
	if (conf_labelled_triggers(conf).n ||
		conf_labelled_triggers(l->d->conf).n)
		log_info(NULL, "%zu triggers are labels of containers and "
			"services",
			conf_labelled_triggers(conf).n);
	conf_free(l->d->conf);
	l->d->conf = conf;
}

/* ---- looking --------------------------------------------------------------- */

/* Also on its worker, when the loop has ended meanwhile. */
static void look_free(void *ctx)
{
	struct look *k = ctx;

	conf_free(k->conf);
	strbuf_release(&k->set);
	opt_errors_release(&k->faults);
	free(k);
}

/* Worker. */
static void look_work(void *ctx)
{
	struct look *k = ctx;

	k->rc = 0;
	if (k->wait) {
		k->rc = k->driver->labels_wait(k->engine, k->since, &k->err);
		clock_sleep(SETTLE_MS);
	}
	if (k->rc == 0)
		k->rc = k->driver->labels(k->engine, &k->set, &k->faults,
			&k->at, &k->err);
}

static void look_start(void *ctx);

static void look_again(struct watch *w, int64_t ms)
{
	loop_timer_cancel(&w->timer);
	w->timer = loop_timer_start(w->of->d->loop, ms, 0, look_start, w);
}

/* The same faults are found at every look. */
static void tell_faults(struct watch *w, const struct opt_errors *faults)
{
	struct strbuf all = {0};

	for (size_t i = 0; i < faults->list.n; i++)
		strbuf_addf(&all, "%s\n", faults->list.v[i]);
	if (!w->faults || strcmp(w->faults, strbuf_cstr(&all)) != 0)
		log_faults(faults);
	free(w->faults);
	w->faults = strbuf_detach(&all);
}

static void take(struct watch *w, struct look *k)
{
	struct deployer *d = w->of->d;

	tell_faults(w, &k->faults);
	if (w->set && strcmp(w->set, strbuf_cstr(&k->set)) == 0)
		return;
	if (k->set.len > MSG_TRIGGERS_MAX || k->set.failed) {
		log_limited(LOG_ERROR, w->engine, "engine %s: the labels of "
			"its containers are over %zu KiB, more than matchers "
			"can be told: they are not taken", w->engine,
			MSG_TRIGGERS_MAX >> 10);
		return;
	}
	free(w->set);
	w->set = strbuf_detach(&k->set);
	/* Before jobs come for them: the next start must know them. */
	queue_store_labels(d->store, w->engine, w->set);
	labels_apply(w->of);
	tell(w, 0);
}

static void look_done(void *ctx)
{
	struct look *k = ctx;
	struct watch *w = k->w;

	if (w) {
		w->look = NULL;
		w->wait = k->rc == 0;
		w->since = k->at;
		if (k->rc == 0)
			take(w, k);
		else
			log_debug(NULL, "engine %s: labels: %s", w->engine,
				k->err.text);
		look_again(w, k->rc == 0 ? 0 : AGAIN_MS);
	}
	look_free(k);
}

static void look_start(void *ctx)
{
	struct watch *w = ctx;
	struct look *k;

	w->timer = NULL;
	if (w->of->d->draining)
		return;
	k = xcalloc(1, sizeof(*k));
	k->w = w;
	k->conf = conf_ref(w->of->d->conf);
	k->engine = conf_engine(k->conf, w->engine);
	k->driver = w->driver;
	k->wait = w->wait;
	k->since = w->since;
	w->look = k;
	loop_drop_spawn(w->of->d->loop, look_work, look_done, look_free, k);
}

/* ---- life ------------------------------------------------------------------ */

/* Matchers wait until they have heard of an engine: also of one without. */
static char *empty_set(const char *engine)
{
	return xprintf("{\"engine\":\"%s\",\"triggers\":[]}", engine);
}

static int add(struct labels *l, const struct conf_engine *e, struct err *err)
{
	struct watch *w = &l->watches[l->n++];
	bool looks;

	w->of = l;
	w->engine = xstrdup(e->name);
	w->driver = driver_for(e);
	looks = e->labels && w->driver && w->driver->labels;
	if (!looks)
		w->set = empty_set(e->name);
	else if (queue_read_labels(queue_store_reader(l->d->store), e->name,
			 &w->set, err) < 0)
		return -1;
	else
		look_again(w, 0);
	return 0;
}

struct labels *labels_new(struct deployer *d, struct err *err)
{
	struct labels *l = xcalloc(1, sizeof(*l));

	l->d = d;
	l->watches = xcalloc(d->conf->engines.n + 1, sizeof(*l->watches));
	CONF_EACH(d->conf->engines, const struct conf_engine, e)
		if (target_serves(d->conf, e->name) && add(l, e, err) < 0) {
			labels_free(l);
			return NULL;
		}
	labels_apply(l);
	return l;
}

void labels_free(struct labels *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++) {
		struct watch *w = &l->watches[i];

		loop_timer_cancel(&w->timer);
		if (w->look)
			w->look->w = NULL;
		free(w->engine);
		free(w->set);
		free(w->faults);
	}
	free(l->watches);
	free(l);
}

void labels_greet(struct labels *l, uint64_t peer)
{
	for (size_t i = 0; i < l->n; i++)
		tell(&l->watches[i], peer);
}
