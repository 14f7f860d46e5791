#include "deployer/registry/confirm.h"

#include "deployer/http/notify.h"
#include "deployer/registry/registry_ask.h"
#include "deployer/queue/retry.h"
#include "deployer/registry/verify.h"
#include "proto/base/clock.h"
#include "proto/base/enc.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

struct confirm {
	struct attempt *a;
	const struct conf_source *source;
	char digest[DRIVER_DIGEST_MAX];
	struct err err;
	int rc;
};

static const struct conf_source *source_of(const struct attempt *a)
{
	return conf_source(a->conf, str_from(a->what.event.source));
}

bool confirm_needed(const struct attempt *a)
{
	/* A notice tells what was done. */
	return verify_needed(source_of(a), &a->what.event) &&
		!a->job->confirmed && !attempt_is_ordered(a) &&
		!a->what.notice;
}

/* On the worker. */
static void work(void *ctx)
{
	struct confirm *c = ctx;
	const struct event *e = &c->a->what.event;
	struct registry_auth login;
	const struct registry_ask ask = {
		.host = e->registry ? e->registry : "docker.io",
		.repository = e->repository,
		.tag = e->tag,
		.login = &login,
		.insecure = c->source->insecure,
	};

	c->rc = registry_auth_find(c->a->conf->deployer.docker_config,
		str_from(ask.host), &login, &c->err);
	if (c->rc == 0)
		c->rc = registry_ask(&ask, c->digest, &c->err);
	registry_auth_release(&login);
}

static void end(struct attempt *a, const char *status, const char *reason)
{
	struct record row;

	attempt_row(a, &row, status, NULL);
	record_reason(&row, "%s", reason);
	log_info(a->job->id, "%s: %s", status, reason);
	attempt_end(a, &row);
}

static void try_again(struct attempt *a, const char *reason)
{
	struct retry_failure f = {.attempt = a->number - a->job->base,
		.now = clock_wall(), .retry_after = -1};
	struct record row;
	int64_t due;

	enc_random(&f.random, sizeof(f.random));
	due = retry_next(&retry_deploy, &f);
	if (due < 0) {
		end(a, "failed", reason);
		return;
	}
	attempt_row(a, &row, "failed", NULL);
	record_reason(&row, "%s; it is tried again", reason);
	attempt_again(a, &row, due);
}

static void done(void *ctx)
{
	struct confirm *c = ctx;
	struct attempt *a = c->a;
	char text[512];

	a->d->workers--;
	if (a->d->draining) {
		attempt_abandon(a);
	} else if (c->rc != 0 && c->err.cls == ERR_RETRY) {
		try_again(a, c->err.text);
	} else if (c->rc != 0) {
		end(a, "failed", c->err.text);
	} else if (!verify_same(&a->what.event, c->digest)) {
		verify_stale(&a->what.event, c->digest, text, sizeof(text));
		end(a, "stale", text);
	} else {
		a->job->confirmed = true;
		notify_start(a->d->notify, a);
	}
	free(c);
}

void confirm_start(struct attempt *a)
{
	const struct conf_source *source = source_of(a);
	struct confirm *c;
	struct err err;

	if (verify_known(source, a->trigger, &a->what.event, &err) != 0) {
		end(a, "refused", err.text);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->a = a;
	c->source = source;
	a->d->workers++;
	loop_spawn(a->d->loop, work, done, c);
}
