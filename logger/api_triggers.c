/*
 * The triggers: what each is, its last outcome, and how it ended hour by
 * hour. Those of the configuration first, in its order; then names that only
 * the log knows.
 */
#include "logger/api_call.h"

#include "logger/row.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/data/json.h"

#define TRIGGERS_MAX 500
#define LAST_LOOK 20 /* rows back for an outcome that is one */
#define HOURS_DEFAULT 24

struct tally {
	struct json *outcomes;
	VEC(char *) names; /* that the log knows */
};

static void count(void *ctx, const char *trigger, const char *status,
	int64_t hour, int64_t n)
{
	struct tally *t = ctx;
	struct json *j = json_new_object();

	json_set_str(j, "trigger", trigger);
	json_set_i64(j, "hour", hour);
	json_set_str(j, "status", status);
	json_set_i64(j, "n", n);
	json_push(t->outcomes, j);
	for (size_t i = 0; trigger && i < t->names.n; i++) {
		if (strcmp(t->names.v[i], trigger) == 0)
			return;
	}
	if (trigger && t->names.n < TRIGGERS_MAX)
		VEC_PUSH(&t->names, xstrdup(trigger));
}

/* ---- a trigger's last outcome ---------------------------------------------- */

struct last {
	struct strbuf row; /* the newest final one that tells something */
	bool told;
};

static int see_row(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	struct last *l = ctx;
	bool says = r->final && strcmp(r->status, "untriggered") != 0;

	(void)at;
	if (!says && l->row.len > 0)
		return 0;
	strbuf_truncate(&l->row, 0);
	row_json(r, &l->row);
	l->told = says;
	return l->told;
}

static struct json *last_of(struct api *a, const char *trigger,
	struct err *err)
{
	struct last l = {0};
	struct json *j = NULL;
	struct query q;

	query_init(&q);
	q.limit = LAST_LOOK;
	q.trigger = xstrdup(trigger);
	if (store_query(a->store, &q, see_row, &l, err) == 0 && l.row.len > 0)
		j = json_parse(strbuf_str(&l.row), NULL, NULL);
	query_release(&q);
	strbuf_release(&l.row);
	return j ? j : json_new_null();
}

/* ---- what it is ------------------------------------------------------------ */

static struct json *texts_of(const struct opt_strs *texts)
{
	struct json *list = json_new_array();

	for (size_t i = 0; i < texts->n; i++)
		json_push(list, json_new_str(texts->v[i]));
	return list;
}

static void describe(const struct conf_trigger *t, struct json *j)
{
	struct strbuf target = {0};

	conf_trigger_target(t, &target);
	json_set_str(j, "repository", t->repository);
	json_set_str(j, "expression", t->expression);
	json_set(j, "tags", texts_of(&t->tags));
	json_set_str(j, "target", strbuf_cstr(&target));
	json_set_str(j, "lane", conf_trigger_lane(t));
	json_set_str(j, "exclude", t->exclude);
	json_set_str(j, "semver", t->semver);
	json_set_bool(j, "newer_only", t->newer_only);
	json_set_bool(j, "digest_changed", t->digest_changed);
	json_set(j, "platforms", texts_of(&t->platforms));
	json_set(j, "window", texts_of(&t->window));
	json_set_i64(j, "min_age_ms", t->min_age);
	json_set_bool(j, "approve", t->approve);
	json_set_bool(j, "dry_run", t->dry_run);
	strbuf_release(&target);
}

static void add_trigger(struct api *a, const char *name,
	const struct conf_trigger *t, struct json *list, struct err *err)
{
	struct json *j = json_new_object();

	json_set_str(j, "name", name);
	json_set_bool(j, "configured", t != NULL);
	if (t != NULL)
		describe(t, j);
	json_set(j, "last", last_of(a, name, err));
	json_push(list, j);
}

static struct json *all_triggers(struct api *a, const struct conf *conf,
	const struct tally *t, struct err *err)
{
	struct json *list = json_new_array();
	size_t n = 0;

	CONF_EACH(conf->triggers, const struct conf_trigger, ct) {
		if (n++ < TRIGGERS_MAX)
			add_trigger(a, ct->name, ct, list, err);
	}
	for (size_t i = 0; i < t->names.n && n < TRIGGERS_MAX; i++) {
		if (conf_trigger(conf, t->names.v[i]) != NULL)
			continue;
		add_trigger(a, t->names.v[i], NULL, list, err);
		n++;
	}
	return list;
}

static struct conf *take_conf(struct api *a)
{
	struct conf *conf;

	pthread_mutex_lock(&a->lock);
	conf = conf_ref(a->conf);
	pthread_mutex_unlock(&a->lock);
	return conf;
}

/* hours=1..168, 24 without; anything else is no parameter. */
static int read_hours(const struct http_request *req, int64_t *hours,
	struct err *err)
{
	const char *key, *value;

	*hours = HOURS_DEFAULT;
	for (size_t i = 0; http_request_query_at(req, i, &key, &value); i++) {
		if (strcmp(key, "hours") != 0)
			return err_fail(err, "`%.64s` is no parameter: hours",
				key);
		if (str_to_i64(str_from(value ? value : ""), hours) < 0 ||
			*hours < 1 || *hours > OUTCOMES_HOURS)
			return err_fail(err, "hours: takes 1 to %d",
				OUTCOMES_HOURS);
	}
	return 0;
}

void api_get_triggers(struct api_call *c)
{
	struct tally t = {0};
	struct json *j, *list;
	struct strbuf body = {.limit = (size_t)64 << 20};
	struct err err = {0};
	int64_t hours, now = clock_wall();
	struct conf *conf;
	bool complete;

	if (read_hours(c->req, &hours, &err) < 0) {
		answer_error(c->req, 400, NULL, "%s", err.text);
		return;
	}
	t.outcomes = json_new_array();
	complete = outcomes_each(c->api->outcomes, (size_t)hours, now, count,
		&t);
	conf = take_conf(c->api);
	list = all_triggers(c->api, conf, &t, &err);
	conf_free(conf);
	j = json_new_object();
	json_set_i64(j, "now", now);
	json_set_i64(j, "hours", hours);
	json_set_bool(j, "complete", complete);
	json_set(j, "triggers", list);
	json_set(j, "outcomes", t.outcomes);
	json_write(j, &body);
	json_free(j);
	for (size_t i = 0; i < t.names.n; i++)
		free(t.names.v[i]);
	VEC_RELEASE(&t.names);
	if (err.cls == ERR_NONE) {
		answer_json(c->req, 200, &body);
		return;
	}
	strbuf_release(&body);
	answer_error(c->req, 503, NULL, "%s", err.text);
}

/* ---- what a new user needs ------------------------------------------------- */

static struct json *names_of(const struct conf *conf)
{
	struct json *list = json_new_array();
	size_t n = 0;

	CONF_EACH(conf->triggers, const struct conf_trigger, t) {
		if (n++ < TRIGGERS_MAX)
			json_push(list, json_new_str(t->name));
	}
	return list;
}

/* Where registries post to: no secrets, no names of hosts but the public one. */
void api_get_setup(struct api_call *c)
{
	struct conf *conf = take_conf(c->api);
	struct json *j = json_new_object(), *list = json_new_array();
	const char *port = conf->ingress.http
		? strrchr(conf->ingress.http, ':') : NULL;
	struct strbuf body = {0};

	CONF_EACH(conf->sources, const struct conf_source, s) {
		struct json *one = json_new_object();
		char *path = xprintf("/v1/webhooks/%s", s->name);

		if (s->enabled) {
			json_set_str(one, "name", s->name);
			json_set_str(one, "type", conf_source_types[s->type]);
			json_set_str(one, "path", path);
			json_push(list, one);
		} else {
			json_free(one);
		}
		free(path);
	}
	json_set_str(j, "url", conf->ingress.url);
	json_set_str(j, "port", port ? port + 1 : NULL);
	json_set(j, "triggers", names_of(conf));
	json_set(j, "sources", list);
	conf_free(conf);
	json_write(j, &body);
	json_free(j);
	answer_json(c->req, 200, &body);
}
