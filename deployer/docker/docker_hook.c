#include "deployer/docker/docker_hook.h"

#include <inttypes.h>

#include "deployer/docker/docker_logs.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define OUTPUT_MAX ((size_t)16 << 10)
#define NOT_NOW 75 /* EX_TEMPFAIL of sysexits.h */
/* No such command, as engines say it. */
#define CANNOT 126
#define MISSING 127

struct hook {
	struct docker_api *api;
	const struct opt_strs *command;
	const char *user; /* NULL: the container's */
	int64_t timeout_ms;
	int64_t code;     /* of its exit */
	bool away;	  /* the container does not run */
	char output[160]; /* its last line */
};

static void keep_last_line(struct hook *h, const struct strbuf *raw)
{
	struct strbuf text = {0};
	struct str rest, line, last = {0};

	docker_logs_unframe(strbuf_str(raw), &text);
	for (rest = strbuf_str(&text); str_split(&rest, '\n', &line);)
		if (str_trim(line).n > 0)
			last = str_trim(line);
	str_safe(str_cut(last, 0, 120), h->output, sizeof(h->output));
	strbuf_release(&text);
}

/* The head of it is kept; to the end it must be read. */
static int on_data(void *ctx, struct str data)
{
	struct strbuf *raw = ctx;

	if (raw->len < OUTPUT_MAX)
		strbuf_add_str(raw, str_cut(data, 0, OUTPUT_MAX - raw->len));
	return 0;
}

static int start(struct hook *h, const char *exec, struct err *err)
{
	struct json *body = json_new_object();
	char *path = xprintf("/exec/%s/start", exec);
	struct strbuf raw = {0};
	const struct docker_request req = {
		.method = "POST",
		.path = path,
		.body = body,
		.total_ms = h->timeout_ms,
		.on_data = on_data,
		.ctx = &raw,
	};
	int64_t end = clock_mono() + h->timeout_ms;
	int rc;

	json_set_bool(body, "Detach", false);
	json_set_bool(body, "Tty", false);
	rc = docker_api_do(h->api, &req, err);
	/* A connection that breaks before is the engine's. */
	if (rc != 0 && docker_api_unreachable(err) && clock_mono() + 50 >= end)
		rc = err_fail(err, "did not end within %" PRId64 " s",
			h->timeout_ms / 1000);
	keep_last_line(h, &raw);
	strbuf_release(&raw);
	json_free(body);
	free(path);
	return rc;
}

static struct json *exec_body(const struct hook *h)
{
	struct json *body = json_new_object(), *cmd = json_new_array();

	for (size_t i = 0; i < h->command->n; i++)
		json_push(cmd, json_new_str(h->command->v[i]));
	json_set(body, "Cmd", cmd);
	if (h->user != NULL)
		json_set_str(body, "User", h->user);
	json_set_bool(body, "AttachStdout", true);
	json_set_bool(body, "AttachStderr", true);
	return body;
}

/* 0 with its code, or away. */
static int run(struct hook *h, const char *container, struct err *err)
{
	char *path = xprintf("/containers/%s/exec", container);
	struct json *body = exec_body(h), *made = NULL, *told = NULL;
	const char *id;
	int rc = docker_api_call(h->api, "POST", path, body, &made, err);

	json_free(body);
	free(path);
	if (rc != 0 && err->code == 409) {
		h->away = true;
		return 0;
	}
	id = json_str(json_get(made, "Id"));
	if (rc == 0 && id == NULL)
		rc = err_fail(err, "the engine gave it no Id");
	if (rc == 0)
		rc = start(h, id, err);
	if (rc == 0) {
		path = xprintf("/exec/%s/json", id);
		rc = docker_api_call(h->api, "GET", path, NULL, &told, err);
		free(path);
		h->code = json_i64(json_get(told, "ExitCode"), -1);
	}
	json_free(made);
	json_free(told);
	return rc;
}

int docker_hook_before(struct docker_task *t, const struct json *old,
	struct err *err)
{
	const struct conf_deploy *d = &t->run->trigger->deploy;
	struct hook h = {.api = t->api, .command = &d->pre_hook,
		.user = d->hook_user, .timeout_ms = d->hook_timeout};
	const char *name = docker_swap_name(old);

	/* One that is paused would not answer. */
	if (h.command->n == 0 || strcmp(docker_swap_status(old), "running") != 0)
		return 0;
	docker_task_progress(t, "running the pre hook");
	if (run(&h, json_str(json_get(old, "Id")), err) != 0)
		return docker_api_unreachable(err)
			? -1
			: err_prefix(err, "the pre hook of %s", name);
	if (h.away || h.code == 0)
		return 0;
	if (h.code == CANNOT || h.code == MISSING) {
		log_warn(t->note.job, "container %s cannot run its pre hook "
			"(%s): left out", name, h.output);
		return 0;
	}
	if (h.code == NOT_NOW)
		return err_retry(err, "the pre hook of %s says not now (exit "
			"code 75)%s%s", name, *h.output ? ": " : "", h.output);
	return err_fail(err, "the pre hook of %s ended with code %" PRId64
		"%s%s", name, h.code, *h.output ? ": " : "", h.output);
}

int docker_hook_after(struct docker_task *t, const char *name,
	struct err *err)
{
	const struct conf_deploy *d = &t->run->trigger->deploy;
	struct hook h = {.api = t->api, .command = &d->post_hook,
		.user = d->hook_user, .timeout_ms = d->hook_timeout};

	if (h.command->n == 0)
		return 0;
	docker_task_progress(t, "running the post hook");
	if (run(&h, name, err) != 0)
		return err_prefix(err, "the post hook of %s", name);
	if (h.away || h.code == 0)
		return 0;
	return err_fail(err, "the post hook of %s ended with code %" PRId64
		"%s%s", name, h.code, *h.output ? ": " : "", h.output);
}

/* One of them; only told. */
static void check(struct docker_task *t, const struct json *listed,
	const char *which, struct hook *h, struct strbuf *told)
{
	struct err err = {0};

	if (run(h, json_str(json_get(listed, "Id")), &err) == 0 && !h->away &&
		h->code != 0)
		err_fail(&err, "ended with code %" PRId64 "%s%s", h->code,
			*h->output ? ": " : "", h->output);
	if (*err.text == '\0')
		return;
	log_warn(t->note.job, "the %s of %s: %s", which,
		docker_swap_name(listed), err.text);
	strbuf_addf(told, "; the %s of %s: %s", which,
		docker_swap_name(listed), err.text);
}

void docker_hook_check(struct docker_task *t, const struct json *list,
	bool before, struct strbuf *told)
{
	const struct conf_deploy *d = &t->run->trigger->deploy;
	const struct opt_strs *command = before ? &d->pre_check
						: &d->post_check;
	const char *state;

	if (command->n == 0)
		return;
	docker_task_progress(t, before ? "running the pre check"
				       : "running the post check");
	for (const struct json *c = json_first(list); c; c = json_next(c)) {
		struct hook h = {.api = t->api, .command = command,
			.user = d->hook_user, .timeout_ms = d->check_timeout};

		state = json_str(json_get(c, "State"));
		if (state != NULL && strcmp(state, "running") == 0)
			check(t, c, before ? "pre check" : "post check", &h,
				told);
	}
	docker_task_lap(t, "hook");
}
