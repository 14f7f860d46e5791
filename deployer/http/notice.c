#include "deployer/http/notice.h"

#include "proto/base/uid.h"
#include "proto/data/json.h"

#define LANE_HTTP "http"

/* ---- made ------------------------------------------------------------------ */

void notice_write(const struct record *r, struct strbuf *out)
{
	struct json *j = json_new_object();
	char time[STR_TIME_LEN];

	json_set_str(j, "status", r->status);
	json_set_str(j, "trigger", r->trigger);
	json_set_str(j, "repository", r->repository);
	json_set_str(j, "tag", r->tag);
	json_set_str(j, "digest", r->digest);
	json_set_str(j, "target", r->target);
	json_set_str(j, "reason", r->reason);
	json_set_str(j, "from_digest", r->from_digest);
	json_set_str(j, "to_digest", r->to_digest);
	json_set_str(j, "event", r->event);
	json_set_str(j, "source", r->source);
	json_set_i64(j, "attempt", r->attempt);
	json_set_str(j, "time", str_time(r->time, time));
	json_write(j, out);
	json_free(j);
}

static void add(const struct conf_notify *n, const struct job *job,
	const struct record *row, const char *text, struct notice_list *out)
{
	char id[UID_JOB_MAX], again[24] = "";
	struct notice made = {0};
	char *trigger, *reason;
	struct err err;

	if (!row->final)
		snprintf(again, sizeof(again), ":%lld",
			(long long)row->attempt);
	trigger = xprintf("%s:%s%s", n->as.name, job->trigger, again);
	reason = xprintf("%s ended %s", job->trigger, row->status);
	/* A matcher's name for a trigger that is none of ours may be long. */
	if (strlen(trigger) <= UID_TRIGGER_MAX) {
		struct job notice = {
			.id = uid_job(job->event.id, trigger, id),
			.trigger = trigger,
			.lane = (char *)(uintptr_t)LANE_HTTP,
			.reason = reason,
			.event = job->event,
			.notice = (char *)(uintptr_t)text,
		};

		if (field_pack(&job_table, &notice, &made.payload, &err) < 0)
			BUG("notice %s: %s", id, err.text);
		made.id = xstrdup(id);
		VEC_PUSH(&out->list, made);
	}
	free(trigger);
	free(reason);
}

void notice_about(const struct conf *conf, const struct job *job,
	struct record *row, struct notice_list *out)
{
	struct strbuf text = {0};

	if (job->notice || strcmp(job->lane, LANE_HTTP) == 0)
		return;
	field_fit(&record_table, row);
	CONF_EACH(conf->notify, const struct conf_notify, n) {
		if (!conf_notify_wants(n, job->trigger, row->status))
			continue;
		if (!text.len)
			notice_write(row, &text);
		add(n, job, row, strbuf_cstr(&text), out);
	}
	strbuf_release(&text);
}

void notice_release(struct notice_list *list)
{
	for (size_t i = 0; i < list->list.n; i++) {
		free(list->list.v[i].id);
		strbuf_release(&list->list.v[i].payload);
	}
	VEC_RELEASE(&list->list);
}

/* ---- taken ------------------------------------------------------------------ */

/* A notice tells what its trigger's name says, and no more than we have asked
 * to be told. */
static bool is_wanted(const struct conf_notify *n, const struct job *job,
	const struct json *row)
{
	const char *status = json_str(json_get(row, "status"));
	const char *trigger = json_str(json_get(row, "trigger"));
	struct str rest = str_from(job->trigger);
	size_t name = strlen(n->as.name);

	if (!status || !trigger || !conf_notify_wants(n, trigger, status))
		return false;
	rest = str_cut(rest, name, rest.n);
	name = strlen(trigger) + 1;
	return rest.n >= name && *rest.p == ':' &&
		str_eq(str_cut(rest, 1, name), str_from(trigger)) &&
		(rest.n == name || rest.p[name] == ':');
}

const struct conf_trigger *notice_find(const struct conf *conf,
	const struct job *job, struct err *err)
{
	const struct conf_trigger *t = conf_notify(conf, job->trigger);
	struct json *row;
	bool wanted;

	if (!t) {
		err_fail(err, "`notify` of the deployer's configuration has "
			      "nothing of the name in %s", job->trigger);
		return NULL;
	}
	row = json_parse(str_from(job->notice), NULL, NULL);
	wanted = is_wanted(t->notify, job, row);
	json_free(row);
	if (wanted)
		return t;
	err_fail(err, "%s of the deployer's configuration does not ask for "
		      "this outcome of this trigger", t->name);
	return NULL;
}
