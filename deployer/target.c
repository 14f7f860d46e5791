#include "deployer/target.h"

#include "deployer/http/notice.h"
#include "deployer/queue/retry.h"
#include "proto/base/uid.h"

static void check_engine(const struct conf_engine *e, struct opt_errors *errs)
{
	const char *dir = getenv("DOCKER_CERT_PATH");

	if (strncmp(e->docker, "tcp:", 4) == 0 && !e->tls.cert &&
		!e->insecure && (!dir || !*dir))
		opt_error(errs, e->where.file, e->where.line,
			"docker: tcp without TLS makes everybody on the "
			"network root at engine %s; give `tls: {ca, cert, "
			"key}`, or DOCKER_CERT_PATH, or write `insecure: true`",
			e->name);
}

void target_check_conf(const struct conf *conf, struct opt_errors *errs)
{
	const struct conf_deployer *d = &conf->deployer;
	struct retry_schedule schedule;
	struct err err;

	/* What is no duration was told by conf_load(). */
	if (errs->list.n)
		return;
	CONF_EACH(conf->engines, const struct conf_engine, e)
		if (target_serves(conf, e->name))
			check_engine(e, errs);
	if (d->schedule.n && retry_parse(&schedule, d->schedule.v,
				     d->schedule.n, &err) < 0)
		opt_error(errs, d->where.file, d->where.line,
			"schedule: %s", err.text);
	if (conf->notify.n && !d->notices.n &&
		!target_serves(conf, TARGET_LANE_HTTP))
		opt_error(errs, d->where.file, d->where.line,
			"notices: this deployer does not serve http, so it "
			"cannot post what `notify` says; name the links of "
			"those that do, such as tcp://deployer-http:5702");
}

size_t target_lanes(const struct conf *conf, const char ***lanes)
{
	const struct opt_strs *own = &conf->deployer.lanes;
	size_t n = 0;

	*lanes = xcalloc(own->n + conf->engines.n + 1, sizeof(**lanes));
	for (size_t i = 0; i < own->n; i++)
		(*lanes)[n++] = own->v[i];
	if (n)
		return n;
	(*lanes)[n++] = TARGET_LANE_HTTP;
	CONF_EACH(conf->engines, const struct conf_engine, e)
		(*lanes)[n++] = e->name;
	return n;
}

bool target_serves(const struct conf *conf, const char *lane)
{
	const struct opt_strs *own = &conf->deployer.lanes;

	for (size_t i = 0; i < own->n; i++)
		if (strcmp(own->v[i], lane) == 0)
			return true;
	return own->n == 0 && (strcmp(lane, TARGET_LANE_HTTP) == 0 ||
				      conf_engine(conf, lane) != NULL);
}

int target_check_ids(const struct job *job, struct err *err)
{
	char id[UID_JOB_MAX];

	if (!uid_valid(job->event.id))
		return err_fail(err, "a job's event id is none of ours");
	if (strlen(job->trigger) > UID_TRIGGER_MAX)
		return err_fail(err, "a job's trigger has too long a name");
	uid_job(job->event.id, job->trigger, id);
	if (strcmp(id, job->id) != 0)
		return err_fail(err, "a job's id is not its event and trigger");
	return 0;
}

const struct conf_trigger *target_find(const struct conf *conf,
	const struct job *job, struct err *err)
{
	const struct conf_trigger *t = job->notice ?
		notice_find(conf, job, err) : conf_trigger(conf, job->trigger);
	const char *lane;

	if (!t && job->notice)
		return NULL;
	if (!t) {
		err_fail(err, "the deployer's configuration has no trigger "
			      "%s, nor has a container's labels: restart it "
			      "with the matcher's configuration", job->trigger);
		return NULL;
	}
	if (!job->notice && !conf_repository_match(t->repository, job->event.registry,
		    job->event.repository)) {
		err_fail(err, "trigger %s of the deployer's configuration is "
			      "for %s, not for %s%s%s", t->name, t->repository,
			job->event.registry ? job->event.registry : "",
			job->event.registry ? "/" : "", job->event.repository);
		return NULL;
	}
	lane = conf_trigger_lane(t);
	if (strcmp(lane, job->lane) != 0) {
		err_fail(err, "trigger %s of the deployer's configuration is "
			      "done in lane %s, not in %s", t->name, lane,
			job->lane);
		return NULL;
	}
	if (!target_serves(conf, lane)) {
		err_fail(err, "this deployer does not serve lane %s: add it to "
			      "its lanes", lane);
		return NULL;
	}
	return t;
}

void target_key(const struct conf_trigger *t, struct strbuf *out)
{
	if (t->url) {
		strbuf_addf(out, "url %s", t->name);
		return;
	}
	/* What does nothing takes no other push's place. */
	if (t->dry_run) {
		strbuf_addf(out, "dry_run %s", t->name);
		return;
	}
	strbuf_addf(out, "%s ", t->engine);
	conf_trigger_target(t, out);
}
