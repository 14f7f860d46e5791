#include "proto/daemon/reload.h"

#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/metrics.h"
#include "proto/io/loop_drop.h"
#include "proto/io/watch.h"

#include <libgen.h>
#include <stdlib.h>

#define SETTLE_MS 200

struct reload {
	struct loop *loop;
	struct reload_spec spec;
	struct watch *watch;
	bool again; /* something changed while it was being read */
	bool asked; /* by a person: told even when nothing is new */
	uint64_t refused; /* state of the files that was refused last, or 0 */
	struct conf *conf; /* what is in force */
	struct reading *reading;
};

/* The worker's, while it reads. Outlives the reload if that ends first. */
struct reading {
	struct reload *r; /* NULL: it has ended */
	char *path;
	void (*check)(const struct conf *conf, struct opt_errors *errs);
	struct conf *conf;
	struct opt_errors errs;
	uint64_t state;
};

static void start(struct reload *r);

/* ---- what is watched ------------------------------------------------------- */

/* A configuration is refused while these are no good; perhaps it was for that. */
static void watch_tls(struct watch *w, const struct conf_tls *tls)
{
	const char *const files[] = {tls->cert, tls->key, tls->client_ca};

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (files[i] != NULL)
			watch_file(w, files[i]);
}

/*
 * The file; triggers.d, also when it is still to come; and the files of
 * secrets. Anew each time: links may lead elsewhere since.
 */
static void watch_all(struct reload *r)
{
	char *copy = xstrdup(r->spec.path), *folder = dirname(copy);
	char *fragments = xprintf("%s/triggers.d", folder);

	watch_clear(r->watch);
	watch_file(r->watch, r->spec.path);
	for (size_t i = 0; i < r->conf->secret_files.n; i++)
		watch_file(r->watch, r->conf->secret_files.v[i]);
	if (r->refused != 0) {
		watch_tls(r->watch, &r->conf->ingress.tls);
		watch_tls(r->watch, &r->conf->logger.tls);
	}
	watch_add(r->watch, folder, "triggers.d");
	watch_add(r->watch, fragments, NULL);
	free(fragments);
	free(copy);
}

/* ---- reading --------------------------------------------------------------- */

static void work(void *ctx)
{
	struct reading *j = ctx;

	for (int i = 0; i < 5; i++) {
		uint64_t before = conf_files_state(j->path);

		j->conf = conf_load_checked(j->path, j->check, &j->errs);
		j->state = conf_files_state(j->path);
		/* Changed while it was read: what was read is neither. */
		if (j->state == before)
			return;
		conf_free(j->conf);
		j->conf = NULL;
		opt_errors_release(&j->errs);
	}
	opt_error(&j->errs, j->path, 0, "changes all the time");
}

static void refuse(struct reload *r, const struct reading *j)
{
	if (j->state == r->refused && !r->asked)
		return;
	/* Once more, now that the files of TLS are watched. */
	r->again |= j->state != r->refused;
	r->refused = j->state;
	metric_add(METRIC_RELOADS, "refused", NULL, 1);
	for (size_t i = 0; i < j->errs.list.n; i++)
		log_error(NULL, "%s", j->errs.list.v[i]);
	log_error(NULL, "the changed configuration has %zu fault%s: nothing "
			"is changed, generation %s stays in force",
		j->errs.list.n, j->errs.list.n == 1 ? "" : "s", r->conf->generation);
}

static bool same_files(const struct opt_strs *a, const struct opt_strs *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = !strcmp(a->v[i], b->v[i]);
	return same;
}

static void accept_conf(struct reload *r, struct conf *conf)
{
	struct err err = {0};

	r->refused = 0;
	if (conf->secrets == r->conf->secrets &&
		strcmp(conf->generation, r->conf->generation) == 0) {
		if (r->asked)
			log_info(NULL, "read again: nothing has changed");
		return;
	}
	if (r->spec.take(r->spec.ctx, conf, &err) < 0) {
		metric_add(METRIC_RELOADS, "refused", NULL, 1);
		log_error(NULL, "the changed configuration is not taken: %s",
			err.text);
		return;
	}
	metric_add(METRIC_RELOADS, "taken", NULL, 1);
	if (conf->secrets != r->conf->secrets)
		log_info(NULL, "secrets have changed");
	/* Files that were not watched while they were read: once more. */
	r->again |= !same_files(&conf->secret_files, &r->conf->secret_files);
	conf_free(r->conf);
	r->conf = conf_ref(conf);
	log_info(NULL, "generation %s is in force: %zu triggers",
		conf->generation, conf->triggers.n);
	if (conf->fixed != r->spec.running->fixed)
		log_warn(NULL, "more than `triggers`, `sources`, `notify` and "
			       "`trusted_proxies` has changed: for the rest "
			       "restart the process");
}

/* Also on the thread that has read, when the loop has ended meanwhile. */
static void reading_free(void *ctx)
{
	struct reading *j = ctx;

	conf_free(j->conf);
	opt_errors_release(&j->errs);
	free(j->path);
	free(j);
}

static void done(void *ctx)
{
	struct reading *j = ctx;
	struct reload *r = j->r;

	if (r != NULL) {
		r->reading = NULL;
		if (j->conf == NULL)
			refuse(r, j);
		else
			accept_conf(r, j->conf);
		r->asked = false;
	}
	reading_free(j);
	/* A whole generation has ended, and where it lay there are holes. */
	mem_give_back();
	if (r != NULL && r->again)
		start(r);
}

static void start(struct reload *r)
{
	r->again = r->reading != NULL;
	if (r->reading != NULL)
		return;
	if (r->watch != NULL)
		watch_all(r);
	r->reading = xcalloc(1, sizeof(*r->reading));
	r->reading->r = r;
	r->reading->path = xstrdup(r->spec.path);
	r->reading->check = r->spec.check;
	loop_drop_spawn(r->loop, work, done, reading_free, r->reading);
}

/* ---- life ------------------------------------------------------------------ */

static void changed(void *ctx)
{
	start(ctx);
}

struct reload *reload_new(struct loop *l, const struct reload_spec *spec)
{
	struct reload *r = xcalloc(1, sizeof(*r));
	struct err err = {0};

	r->loop = l;
	r->spec = *spec;
	r->conf = conf_ref(spec->running);
	r->watch = watch_new(l, SETTLE_MS, changed, r, &err);
	if (r->watch != NULL)
		watch_all(r);
	else
		log_warn(NULL, "%s: a changed configuration is taken on SIGHUP "
			       "only", err.text);
	return r;
}

void reload_free(struct reload *r)
{
	if (r == NULL)
		return;
	if (r->reading != NULL)
		r->reading->r = NULL;
	watch_free(r->watch);
	conf_free(r->conf);
	free(r);
}

void reload_now(struct reload *r)
{
	r->asked = true;
	start(r);
}
