/*
 * What is asked of the deployers: the queue, and the orders of operators. The
 * request waits, without a thread, for their answers.
 */
#include "logger/api_call.h"

#include "logger/ask.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/data/json.h"

/* ---- the queue ------------------------------------------------------------- */

static const char *const states[] = {"running", "held", "waiting"};

/* Its jobs into the list, with whose they are; its numbers to the sums. */
static struct json *add_deployer(const struct ask_answer *x, struct json *jobs,
	int64_t sums[ARRAY_LEN(states)])
{
	static const struct json_limits limits = {.nodes = 100000};
	struct json *of = json_new_object();
	struct json *body = x->ok && x->body ?
		json_parse(str_from(x->body), &limits, NULL) : NULL;

	json_set_str(of, "instance", x->instance);
	json_set_str(of, "error", !x->ok ? x->text : body ? NULL :
		"what it told of its queue cannot be read");
	json_set_bool(of, "more", json_bool(json_get(body, "more")));
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		int64_t n = json_i64(json_get(body, states[i]), 0);

		json_set_i64(of, states[i], n);
		sums[i] += n;
	}
	for (struct json *j = json_first(json_get(body, "jobs")); j;
		j = json_next(j)) {
		struct json *job = json_copy(j);

		json_set_str(job, "instance", x->instance);
		json_push(jobs, job);
	}
	json_free(body);
	return of;
}

static void queue_told(struct ask *a, void *ctx)
{
	struct json *j = json_new_object(), *jobs = json_new_array();
	struct json *deployers = json_new_array();
	int64_t sums[ARRAY_LEN(states)] = {0};
	struct strbuf body = {.limit = (size_t)64 << 20};

	for (size_t i = 0; i < a->answers.n; i++)
		json_push(deployers,
			add_deployer(&a->answers.v[i], jobs, sums));
	json_set_i64(j, "now", clock_wall());
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		json_set_i64(j, states[i], sums[i]);
	json_set(j, "deployers", deployers);
	json_set(j, "jobs", jobs);
	json_write(j, &body);
	json_free(j);
	ask_free(a);
	answer_json(ctx, 200, &body);
}

void api_get_queue(struct api_call *c)
{
	struct ask *a = ask_new("queue", "deployer", NULL);

	VEC_PUSH(&a->args, xstrdup("{}"));
	ask_send(a, c->api->loop, c->api->intake, queue_told, c->req);
}

/* ---- orders ---------------------------------------------------------------- */

static int status_of(const struct ask_answer *best)
{
	static const struct {
		const char *code;
		int status;
	} codes[] = {
		{ANSWER_UNKNOWN, 501}, {ANSWER_MALFORMED, 400},
		{ANSWER_ABSENT, 404}, {ANSWER_REFUSED, 409},
		{ANSWER_FAILED, 503}, {ASK_SILENT, 504},
	};

	if (best == NULL)
		return 503;
	for (size_t i = 0; !best->ok && i < ARRAY_LEN(codes); i++) {
		if (strcmp(codes[i].code, best->code) == 0)
			return codes[i].status;
	}
	return best->ok ? 200 : 503;
}

static void add_text(struct json *j, const struct ask *a,
	const struct ask_answer *best, const char *key)
{
	char *text;

	if (best == NULL)
		text = xstrdup("no deployer is connected to this logger");
	else if (!best->ok && strcmp(best->code, ANSWER_UNKNOWN) == 0)
		text = xprintf("no deployer here can %s", a->what);
	else if (!best->ok && strcmp(best->code, ASK_SILENT) == 0)
		text = xprintf("%s: %s; look whether it was done",
			best->instance, best->text);
	else
		text = xstrdup(best->text ? best->text : "");
	json_set_str(j, key, text);
	free(text);
}

/* {"text"} of what was done, or {"error"}; and what each deployer said. */
static void told(struct ask *a, void *ctx)
{
	const struct ask_answer *best = ask_best(a);
	int status = status_of(best);
	struct json *j = json_new_object(), *list = json_new_array();
	struct strbuf body = {0};

	add_text(j, a, best, status == 200 ? "text" : "error");
	for (size_t i = 0; i < a->answers.n; i++) {
		const struct ask_answer *x = &a->answers.v[i];
		struct json *one = json_new_object();

		json_set_str(one, "instance", x->instance);
		json_set_bool(one, "ok", x->ok);
		json_set_str(one, "code", x->code);
		json_set_str(one, "text", x->text);
		json_push(list, one);
	}
	json_set(j, "answers", list);
	json_write(j, &body);
	json_free(j);
	ask_free(a);
	answer_json(ctx, status, &body);
}

static void order(struct api_call *c, struct ask *a)
{
	ask_send(a, c->api->loop, c->api->intake, told, c->req);
}

static void add_arg(struct ask *a, const char *key, const char *value)
{
	struct json *j = json_new_object();
	struct strbuf text = {0};

	json_set_str(j, key, value);
	json_write(j, &text);
	json_free(j);
	VEC_PUSH(&a->args, strbuf_detach(&text));
}

/* POST /v1/jobs/EVENT/TRIGGER/VERB */
void api_job(struct api_call *c)
{
	struct ask *a = ask_new(c->verb, "deployer", c->who->name);

	add_arg(a, "job", c->id);
	order(c, a);
}

/* POST /v1/targets/TRIGGER/rollback: of what the trigger redeploys. */
void api_target(struct api_call *c)
{
	struct ask *a = ask_new(c->verb, "deployer", c->who->name);

	add_arg(a, "trigger", c->id);
	order(c, a);
}

/* ---- redeliver ------------------------------------------------------------- */

struct jobs {
	struct ask *a;
	const char *event, *trigger; /* trigger: this one only; or NULL */
	size_t rows;
};

static void add_job(struct jobs *j, const char *trigger)
{
	char *job = xprintf("%s/%s", j->event, trigger);
	struct ask *a = j->a;
	size_t before = a->args.n;

	add_arg(a, "job", job);
	for (size_t i = 0; i < before; i++) {
		if (strcmp(a->args.v[i], a->args.v[before]) != 0)
			continue;
		free(a->args.v[before]);
		a->args.n = before;
		break;
	}
	free(job);
}

/* A job has a target, and is no mere verdict of the matcher's. */
static bool is_job(const struct record *r)
{
	return r->trigger && *r->trigger && r->target && *r->target &&
		strcmp(r->status, "untriggered") != 0 &&
		strcmp(r->status, "expression_error") != 0;
}

/* A notice by its own name only. */
static int see_row(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	struct jobs *j = ctx;

	(void)at;
	j->rows++;
	if (is_job(r) && (j->trigger ? strcmp(j->trigger, r->trigger) == 0
			: strncmp(r->trigger, "notify:", 7) != 0))
		add_job(j, r->trigger);
	return 0;
}

static void redeliver_jobs(struct api_call *c, struct jobs *j)
{
	struct err err = {0};
	struct query q;
	int rc;

	query_init(&q);
	q.limit = QUERY_LIMIT_MAX;
	rc = query_set(&q, "event", c->id, 0, &err);
	if (rc == 0)
		rc = store_query(c->api->store, &q, see_row, j, &err);
	query_release(&q);
	if (rc == 0 && j->a->args.n > 0) {
		order(c, j->a);
		return;
	}
	if (rc < 0)
		answer_error(c->req, 503, NULL, "%s", err.text);
	else if (j->rows == 0)
		answer_error(c->req, 404, NULL, "there is no such event");
	else
		answer_error(c->req, 409, NULL, "nothing was done for this "
			"event%s%s, so there is nothing to redeliver",
			j->trigger ? " by " : "", j->trigger ? j->trigger : "");
	ask_free(j->a);
}

/* POST /v1/events/EVENT/redeliver, {"trigger"}: its jobs, or one of them. */
void api_redeliver(struct api_call *c)
{
	struct json *body = api_body(c);
	struct jobs j = {.event = c->id,
		.trigger = json_str(json_get(body, "trigger"))};

	if (body == NULL)
		return;
	j.a = ask_new("redeliver", "deployer", c->who->name);
	redeliver_jobs(c, &j);
	json_free(body);
}

/* POST /v1/redeliver, {"trigger","status","since","until"}: all ended jobs that
 * fit. What these mean is the deployers' to say. */
void api_redeliver_range(struct api_call *c)
{
	struct json *body = api_body(c);
	struct strbuf text = {0};
	struct ask *a;

	if (body == NULL)
		return;
	/* A single job goes by its event. */
	json_del(body, "job");
	json_write(body, &text);
	json_free(body);
	a = ask_new("redeliver", "deployer", c->who->name);
	VEC_PUSH(&a->args, strbuf_detach(&text));
	order(c, a);
}
