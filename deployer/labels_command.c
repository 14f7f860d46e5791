#include "deployer/labels_command.h"

#include "deployer/driver.h"
#include "deployer/queue/queue_read.h"
#include "deployer/queue/queue_schema.h"
#include "deployer/target.h"
#include "proto/base/mem.h"
#include "proto/base/vec.h"

struct sets {
	const struct conf *conf;
	VEC(char *) v; /* owned */
};

static bool has_labels(const struct conf *conf, const struct conf_engine *e)
{
	const struct driver *driver = driver_for(e);

	return e->labels && target_serves(conf, e->name) && driver &&
		driver->labels;
}

static struct conf *with(struct sets *s, struct strbuf *told)
{
	struct opt_errors faults = {0};
	struct conf *conf = conf_with_labels(s->conf,
		(const char *const *)s->v.v, s->v.n, &faults);

	for (size_t i = 0; told && i < faults.list.n; i++)
		strbuf_addf(told, "%s\n", faults.list.v[i]);
	opt_errors_release(&faults);
	for (size_t i = 0; i < s->v.n; i++)
		free(s->v.v[i]);
	VEC_RELEASE(&s->v);
	return conf;
}

struct conf *labels_of_deployer(const struct conf *conf, struct err *err)
{
	char *path = xprintf("%s/queue.db", conf->deployer.state), *set;
	struct db *db = db_open(path, &queue_schema, true, err);
	struct sets s = {.conf = conf};
	struct conf *out;
	int rc = db ? 0 : -1;

	free(path);
	CONF_EACH(conf->engines, const struct conf_engine, e) {
		set = NULL;
		if (rc == 0 && has_labels(conf, e))
			rc = queue_read_labels(db, e->name, &set, err);
		if (set)
			VEC_PUSH(&s.v, set);
	}
	db_close(db);
	out = with(&s, NULL);
	if (rc == 0)
		return out;
	conf_free(out);
	return NULL;
}

struct conf *labels_of_engines(const struct conf *conf, struct strbuf *told)
{
	struct sets s = {.conf = conf};

	CONF_EACH(conf->engines, const struct conf_engine, e) {
		struct opt_errors faults = {0};
		struct strbuf set = {0};
		struct err err = {0};
		int64_t at;

		if (!has_labels(conf, e))
			continue;
		if (driver_for(e)->labels(e, &set, &faults, &at, &err) != 0)
			strbuf_addf(told, "the labels of engine %s are not "
				"known: %s\n", e->name, err.text);
		else
			VEC_PUSH(&s.v, strbuf_detach(&set));
		for (size_t i = 0; i < faults.list.n; i++)
			strbuf_addf(told, "%s\n", faults.list.v[i]);
		opt_errors_release(&faults);
		strbuf_release(&set);
	}
	return with(&s, told);
}
