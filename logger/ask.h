/*
 * Asks the processes that are connected to us to do or to tell something, and
 * collects what they answer. Each of them checks it against its own
 * configuration; what none of them knows is not done.
 */
#ifndef LOGGER_ASK_H
#define LOGGER_ASK_H

#include "logger/intake.h"
#include "proto/base/vec.h"

#define ASK_SILENT "silent"
#define ASK_MS 5000 /* then an answer does not come any more */

struct ask_answer {
	char *instance;
	bool ok;
	char *code; /* of msg_answer; "silent" when none came; NULL when ok */
	char *text, *body;
};

struct ask {
	char *what, *role, *who;
	VEC(char *) args;  /* one order each; JSON */
	VEC(struct ask_answer) answers;
	/* On the loop, or when it ends; the ask is the callee's to free. */
	void (*done)(struct ask *a, void *ctx);
	void *ctx;
	/* ask.c's own: */
	struct intake *intake;
	size_t open;
};

/* who may be NULL. */
struct ask *ask_new(const char *what, const char *role, const char *who)
	MUST_CHECK;
/* From any thread; done is called once, also of an order that came too late:
 * then loop_free() calls it, and nobody was asked. */
void ask_send(struct ask *a, struct loop *loop, struct intake *in,
	void (*done)(struct ask *a, void *ctx), void *ctx);
void ask_free(struct ask *a);
/* The answer that says most: one that did it, else one that knows what it is
 * about, else that someone was silent, else the others. NULL: nobody was
 * there to be asked. */
const struct ask_answer *ask_best(const struct ask *a);

#endif
