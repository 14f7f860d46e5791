#include "deployer/orders.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "deployer/intake.h"
#include "deployer/notify.h"
#include "deployer/queue_read.h"
#include "deployer/results.h"
#include "deployer/runner.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/vec.h"

#define FILE_MAX ((size_t)4 << 20)

struct orders {
	struct deployer *d;
	char *folder;
};

/* A job that is being opened again. */
struct reopening {
	struct deployer *d;
	char *id;
};

/* ---- redeliver ------------------------------------------------------------------- */

static void row_written(void *ctx)
{
	struct deployer *d = ctx;

	results_pump(d->results);
}

static void run_again(struct deployer *d, const char *id)
{
	struct db *db = queue_store_reader(d->store);
	struct queue_spec spec = {.id = id, .enqueued = clock_wall()};
	struct strbuf key = {0};
	struct record refused;
	struct job job = {0};
	struct err err;
	struct queue_store_change c = {.id = id, .state = QUEUE_DONE,
		.now = spec.enqueued, .row = &refused};

	if (queue_read_job(db, id, &job, &err) < 0 ||
		queue_read_tries(db, id, &spec.attempt, &spec.base, &err) < 0) {
		log_error(id, "is not redelivered: %s", err.text);
		field_release(&job_table, &job);
		return;
	}
	spec.event = job.event.id;
	spec.time = job.event.time;
	spec.tag = job.event.tag;
	spec.lane = job.lane;
	c.attempt = spec.attempt;
	if (intake_accepts(d->conf, &job, spec.enqueued, &key, &spec.coalesce,
		    &refused)) {
		spec.target = strbuf_cstr(&key);
		runner_add(d, &spec);
	} else {
		refused.final = false;
		queue_store_change(d->store, &c, row_written, d);
	}
	strbuf_release(&key);
	field_release(&job_table, &job);
}

static void reopened(void *ctx, bool nothing, const struct err *err)
{
	struct reopening *r = ctx;

	if (err)
		log_error(r->id, "is not redelivered: %s", err->text);
	else if (nothing)
		log_warn(r->id, "is not redelivered: it is no ended "
				"notification that is kept here");
	else if (!r->d->draining)
		run_again(r->d, r->id);
	free(r->id);
	free(r);
}

static void redeliver(struct deployer *d, const char *id)
{
	struct reopening *r = xcalloc(1, sizeof(*r));

	r->d = d;
	r->id = xstrdup(id);
	queue_store_reopen(d->store, id, reopened, r);
}

/* ---- a file ------------------------------------------------------------------------- */

static void enable(struct deployer *d, const char *name)
{
	const struct conf_trigger *t = conf_trigger(d->conf, name);

	if (t && t->url && d->notify)
		notify_enable(d->notify, t);
	else
		log_warn(name, "is no trigger of ours with a URL: not enabled");
}

static void approve(struct deployer *d, const char *id)
{
	struct queue_job *job = queue_find(d->queue, id);

	if (!job) {
		log_warn(id, "does not wait here: not approved");
		return;
	}
	job->approved = true;
	log_info(id, "approved");
	if (job->state == QUEUE_WAITING)
		queue_hurry(d->queue, job, clock_wall());
	runner_kick(d);
}

static void carry_out(struct deployer *d, struct str line)
{
	char text[256];
	struct str s = line, verb;

	if (line.n == 0)
		return;
	str_split(&s, ' ', &verb);
	snprintf(text, sizeof(text), "%.*s", (int)s.n, s.p);
	if (str_is(verb, "redeliver"))
		redeliver(d, text);
	else if (str_is(verb, "enable"))
		enable(d, text);
	else if (str_is(verb, "approve"))
		approve(d, text);
	else
		log_warn(NULL, "an order is none of ours: %s",
			str_safe(line, text, sizeof(text)));
}

static void carry_out_file(struct deployer *d, const char *path)
{
	FILE *f = fopen(path, "r");
	struct strbuf sb = {.limit = FILE_MAX};
	struct str rest, line;
	char buf[4096];
	size_t n;

	if (!f) {
		log_limited(LOG_ERROR, path, "cannot be read: %s",
			strerror(errno));
		return;
	}
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(&sb, buf, n);
	fclose(f);
	rest = strbuf_str(&sb);
	if (sb.failed)
		log_error(path, "has more than %zu bytes of orders", FILE_MAX);
	else
		while (str_split(&rest, '\n', &line))
			carry_out(d, line);
	strbuf_release(&sb);
	if (unlink(path) < 0)
		log_limited(LOG_ERROR, path, "cannot be removed: %s",
			strerror(errno));
}

void orders_tick(struct orders *o)
{
	DIR *dir = opendir(o->folder);
	const struct dirent *e;

	if (!dir || o->d->draining) {
		if (dir)
			closedir(dir);
		return;
	}
	while ((e = readdir(dir))) {
		size_t n = strlen(e->d_name);
		char *path;

		if (n < 6 || strcmp(e->d_name + n - 6, ".order") != 0)
			continue;
		path = xprintf("%s/%s", o->folder, e->d_name);
		carry_out_file(o->d, path);
		free(path);
	}
	closedir(dir);
}

struct orders *orders_new(struct deployer *d)
{
	struct orders *o = xcalloc(1, sizeof(*o));

	o->d = d;
	o->folder = xprintf("%s/orders", d->conf->deployer.state);
	return o;
}

void orders_free(struct orders *o)
{
	if (!o)
		return;
	free(o->folder);
	free(o);
}
