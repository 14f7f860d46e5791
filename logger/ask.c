#include "logger/ask.h"

#include "proto/io/loop_drop.h"

struct ask *ask_new(const char *what, const char *role, const char *who)
{
	struct ask *a = xcalloc(1, sizeof(*a));

	a->what = xstrdup(what);
	a->role = xstrdup_null(role);
	a->who = xstrdup_null(who);
	return a;
}

void ask_free(struct ask *a)
{
	for (size_t i = 0; i < a->args.n; i++)
		free(a->args.v[i]);
	for (size_t i = 0; i < a->answers.n; i++) {
		free(a->answers.v[i].instance);
		free(a->answers.v[i].code);
		free(a->answers.v[i].text);
		free(a->answers.v[i].body);
	}
	VEC_RELEASE(&a->args);
	VEC_RELEASE(&a->answers);
	free(a->what);
	free(a->role);
	free(a->who);
	free(a);
}

static void end_one(struct ask *a)
{
	if (--a->open == 0)
		a->done(a, a->ctx);
}

static void on_answer(void *ctx, const struct chan_peer *peer,
	const struct msg_answer *m, const char *why)
{
	struct ask *a = ctx;
	struct ask_answer new = {
		.instance = xstrdup(peer->instance ? peer->instance : "?"),
		.ok = m != NULL && m->ok,
		.text = xstrdup_null(m != NULL ? m->text : why),
		.body = m != NULL ? xstrdup_null(m->body) : NULL,
	};

	if (m == NULL)
		new.code = xstrdup(ASK_SILENT);
	else if (!m->ok)
		new.code = xstrdup(m->code ? m->code : ANSWER_FAILED);
	VEC_PUSH(&a->answers, new);
	end_one(a);
}

static void send_all(void *ctx)
{
	struct ask *a = ctx;
	struct chan_order o = {.role = a->role, .what = a->what,
		.who = a->who, .timeout_ms = ASK_MS};
	struct err err;

	a->open = 1; /* this, so that the last answer is not before the end */
	for (size_t i = 0; i < a->args.n; i++) {
		o.args = a->args.v[i];
		a->open += intake_ask(a->intake, &o, on_answer, a, &err);
	}
	end_one(a);
}

/* The loop has ended, nobody was asked. */
static void drop(void *ctx)
{
	struct ask *a = ctx;
	struct ask_answer ended = {
		.instance = xstrdup("logger"),
		.code = xstrdup(ANSWER_FAILED),
		.text = xstrdup("this logger ends: nobody was asked"),
	};

	VEC_PUSH(&a->answers, ended);
	a->done(a, a->ctx);
}

void ask_send(struct ask *a, struct loop *loop, struct intake *in,
	void (*done)(struct ask *a, void *ctx), void *ctx)
{
	a->intake = in;
	a->done = done;
	a->ctx = ctx;
	loop_drop_post(loop, send_all, drop, a);
}

static int rank(const struct ask_answer *x)
{
	static const char *const order[] = {ANSWER_UNKNOWN, ANSWER_ABSENT,
		ASK_SILENT, ANSWER_FAILED, ANSWER_MALFORMED, ANSWER_REFUSED};

	for (size_t i = 0; !x->ok && i < ARRAY_LEN(order); i++) {
		if (strcmp(x->code, order[i]) == 0)
			return (int)i;
	}
	return x->ok ? 100 : 3;
}

const struct ask_answer *ask_best(const struct ask *a)
{
	const struct ask_answer *best = NULL;

	for (size_t i = 0; i < a->answers.n; i++) {
		if (best == NULL || rank(&a->answers.v[i]) > rank(best))
			best = &a->answers.v[i];
	}
	return best;
}
