#include "deployer/docker/docker_gate.h"

#include <inttypes.h>

#include "deployer/docker/docker_logs.h"
#include "deployer/docker/docker_swap.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

#define SECOND 1000
#define NS_IN_MS 1000000
/* Many die in their first moments: look closer then. */
#define FIRST_MS 2000
#define FIRST_POLL_MS 100
#define POLL_MS 500
/* The engine itself may restart meanwhile. */
#define ABSENT_MS 20000
/* To be running at all, after the grace time. */
#define LATE_MS 30000
#define LOG_LINES 100
#define LOGGED_LINES 10

/* ---- the rules, pure ---------------------------------------------------------- */

static int64_t ms_of(const struct json *health, const char *key,
	int64_t fallback)
{
	int64_t ns = json_i64(json_get(health, key), 0);

	return ns > 0 ? ns / NS_IN_MS : fallback;
}

int64_t docker_gate_deadline(const struct json *container)
{
	const struct json *h = json_path(container, "Config.Healthcheck");
	int64_t retries = json_i64(json_get(h, "Retries"), 0);
	int64_t ms;

	/* The engine's defaults for what is not said. */
	if (retries <= 0)
		retries = 3;
	ms = ms_of(h, "StartPeriod", 0) +
		(ms_of(h, "Interval", 30 * SECOND) +
			ms_of(h, "Timeout", 30 * SECOND)) *
			(retries + 1) +
		10 * SECOND;
	return ms > 60 * SECOND ? ms : 60 * SECOND;
}

void docker_gate_base(struct docker_gate_base *base,
	const struct json *container)
{
	const char *at = json_str(json_path(container, "State.StartedAt"));

	snprintf(base->started_at, sizeof(base->started_at), "%s",
		at != NULL ? at : "");
	base->restarts = json_i64(json_get(container, "RestartCount"), 0);
}

/* The last health probe's output, one line of it, or "". */
static void probe_output(const struct json *health, char *out, size_t n)
{
	const struct json *log = json_get(health, "Log");
	const struct json *last =
		json_len(log) > 0 ? json_at(log, json_len(log) - 1) : NULL;
	struct str s = str_trim(str_from(json_str(json_get(last, "Output"))));

	s = str_cut(s, 0, str_find(s, '\n'));
	str_safe(str_cut(s, 0, 120), out, n);
}

/* "exited with code 1" and the like, when the state can only be a failure. */
static bool has_ended(const struct json *c, char *reason, size_t n)
{
	const struct json *state = json_get(c, "State");
	const char *status = docker_swap_status(c);
	const char *error = json_str(json_get(state, "Error"));
	int64_t code = json_i64(json_get(state, "ExitCode"), 0);
	char safe[160];

	str_safe(str_from(error), safe, sizeof(safe));
	if (json_bool(json_get(state, "OOMKilled")))
		snprintf(reason, n, "was killed for want of memory");
	else if (json_bool(json_get(state, "Restarting")))
		snprintf(reason, n, "keeps restarting, exit code %" PRId64,
			code);
	else if (strcmp(status, "exited") == 0 ||
		strcmp(status, "removing") == 0)
		snprintf(reason, n, "exited with code %" PRId64 "%s%s", code,
			*safe ? ": " : "", safe);
	else if (strcmp(status, "dead") == 0)
		snprintf(reason, n, "is dead");
	else
		return false;
	return true;
}

static bool was_restarted(const struct docker_gate_base *base,
	const struct json *c)
{
	struct docker_gate_base now;

	docker_gate_base(&now, c);
	return now.restarts > base->restarts ||
		strcmp(now.started_at, base->started_at) != 0;
}

/* The ports that the user published and the old one had published are, and its
 * networks are joined. Not all that is configured: some kinds of network
 * publish nothing. Not all that was published: what an image exposes may be. */
static bool is_wired(const struct docker_gate *g, const struct json *c,
	char *reason, size_t n)
{
	const struct json *ports = json_path(c, "NetworkSettings.Ports");
	const struct json *nets = json_path(c, "NetworkSettings.Networks");
	const struct json *want = json_path(g->old, "NetworkSettings.Networks");
	const struct json *had = json_path(g->old, "NetworkSettings.Ports");
	const struct json *i =
		json_first(json_path(g->old, "HostConfig.PortBindings"));

	for (; i; i = json_next(i))
		if (json_len(json_get(had, json_key(i))) > 0 &&
			json_len(json_get(ports, json_key(i))) == 0) {
			snprintf(reason, n, "does not publish port %s",
				json_key(i));
			return false;
		}
	for (i = json_first(want); i; i = json_next(i))
		if (json_get(nets, json_key(i)) == NULL) {
			snprintf(reason, n, "is not in network %s", json_key(i));
			return false;
		}
	if (want != NULL && json_len(nets) != json_len(want)) {
		snprintf(reason, n, "is in other networks than the old one");
		return false;
	}
	return true;
}

/* Without a healthcheck: up, for so long. */
static enum docker_verdict judge_grace(const struct docker_gate *g,
	const struct json *c, int64_t elapsed_ms, char *reason, size_t n)
{
	const char *status = docker_swap_status(c);

	if (elapsed_ms < g->grace_ms)
		return DOCKER_WAIT;
	if (strcmp(status, "running") == 0)
		return is_wired(g, c, reason, n) ? DOCKER_PASS : DOCKER_BAD;
	if (elapsed_ms < g->grace_ms + LATE_MS)
		return DOCKER_WAIT;
	/* Somebody paused it, say. */
	snprintf(reason, n, "is %s instead of running", status);
	return DOCKER_BAD;
}

enum docker_verdict docker_gate_judge(const struct docker_gate *g,
	const struct docker_gate_base *base, const struct json *c,
	int64_t elapsed_ms, char *reason, size_t n)
{
	const struct json *health = json_path(c, "State.Health");
	const char *word = json_str(json_get(health, "Status"));
	const char *image = json_str(json_get(c, "Image"));
	int64_t limit = g->health_ms;
	char output[200];

	if (has_ended(c, reason, n))
		return DOCKER_BAD;
	if (was_restarted(base, c)) {
		snprintf(reason, n, "ended and was started again, exit code "
			"%" PRId64, json_i64(json_path(c, "State.ExitCode"), 0));
		return DOCKER_BAD;
	}
	if (g->image != NULL && (image == NULL || strcmp(image, g->image) != 0)) {
		snprintf(reason, n, "runs image %s instead of %s",
			image != NULL ? image : "(none)", g->image);
		return DOCKER_BAD;
	}
	if (word == NULL || strcmp(word, "none") == 0)
		return judge_grace(g, c, elapsed_ms, reason, n);
	if (strcmp(word, "healthy") == 0)
		return is_wired(g, c, reason, n) ? DOCKER_PASS : DOCKER_BAD;
	probe_output(health, output, sizeof(output));
	if (limit == 0)
		limit = docker_gate_deadline(c);
	if (strcmp(word, "unhealthy") != 0 && elapsed_ms < limit)
		return DOCKER_WAIT;
	if (strcmp(word, "unhealthy") == 0)
		snprintf(reason, n, "is unhealthy%s%s", *output ? ": " : "",
			output);
	else
		snprintf(reason, n, "did not get healthy within %" PRId64 " s%s%s",
			limit / SECOND, *output ? ": " : "", output);
	return DOCKER_BAD;
}

/* ---- the wait ----------------------------------------------------------------- */

/* Its last lines into our own log, the very last one into out. */
static void last_words(struct docker_api *api, const struct json *container,
	char *out, size_t n)
{
	const char *id = json_str(json_get(container, "Id"));
	bool tty = json_bool(json_path(container, "Config.Tty"));
	struct strbuf text = {0};
	struct str rest, line, last = {0};
	char safe[400];
	size_t lines = 0, skip;

	*out = '\0';
	/* A driver that keeps no logs answers 501: then there are none. */
	if (id == NULL ||
		docker_logs_get(api, DOCKER_LOGS_CONTAINER, id, tty,
			LOG_LINES, &text, NULL) != 0) {
		strbuf_release(&text);
		return;
	}
	for (rest = strbuf_str(&text); str_split(&rest, '\n', &line);)
		lines += str_trim(line).n > 0;
	skip = lines > LOGGED_LINES ? lines - LOGGED_LINES : 0;
	for (rest = strbuf_str(&text); str_split(&rest, '\n', &line);) {
		if (str_trim(line).n == 0 || (skip > 0 && skip--))
			continue;
		last = str_trim(line);
		log_info(docker_swap_name(container), "last words: %s",
			str_safe(last, safe, sizeof(safe)));
	}
	str_safe(str_cut(last, 0, 120), out, n);
	strbuf_release(&text);
}

static int bad(struct docker_api *api, const struct json *container,
	const char *reason, struct err *err)
{
	char words[200];

	last_words(api, container, words, sizeof(words));
	return err_fail(err, "the new container %s%s%s%s", reason,
		*words ? " (its last line: " : "", words, *words ? ")" : "");
}

/* The connection that we ask over: what lies behind it may be another engine
 * by now, though no question went unanswered. systemd keeps the engine's socket
 * (docker.socket), so who asks in between waits for the next one. */
struct line {
	unsigned made; /* connections */
	bool stays;    /* it outlives an answer; some proxies' do not */
};

/*
 * An engine that ends stops its containers before it stops to answer those who
 * are connected: what they did then is not theirs. NULL is no answer. *other:
 * it is another engine that answers.
 */
static struct json *look(struct docker_api *api, const char *id,
	struct line *line, bool *other, struct err *err)
{
	struct json *c = docker_container_inspect(api, id, err);

	if (c != NULL && strcmp(docker_swap_status(c), "exited") == 0) {
		json_free(c);
		c = NULL;
		if (docker_api_ping_anew(api, err) == 0) {
			line->made++; /* the ping's */
			c = docker_container_inspect(api, id, err);
		}
	}
	*other = c != NULL && line->stays &&
		docker_api_connections(api) != line->made;
	line->stays |= c != NULL && docker_api_connections(api) == line->made;
	line->made = docker_api_connections(api);
	return c;
}

/* unseen: so it was at the first look, and nobody had looked before. */
static int decide(struct docker_api *api, const struct json *container,
	bool was_away, bool unseen, const char *reason, struct err *err)
{
	if ((was_away || unseen) &&
		strcmp(docker_swap_status(container), "exited") == 0)
		return err_set(err, ERR_RETRY, DOCKER_GATE_NO_VERDICT,
			was_away ? "the new container ended with its engine, "
				   "which did not start it again"
				 : "the new container ended while no deployer "
				   "ran, by itself or with its engine");
	return bad(api, container, reason, err);
}

int docker_gate_wait(struct docker_api *api, const char *id,
	const struct docker_gate *g, struct err *err)
{
	struct docker_gate_base base = {0};
	int64_t start = clock_mono(), seen = start, since = start, now;
	enum docker_verdict verdict = DOCKER_WAIT;
	struct line line = {.made = docker_api_connections(api)};
	bool first = true, away = false, was_away = false, other, unseen;
	struct err e = {0};
	char reason[256];
	struct json *c;
	int rc = 0;

	while (verdict == DOCKER_WAIT) {
		c = look(api, id, &line, &other, &e);
		now = clock_mono();
		if (c == NULL && e.code == 404)
			return err_fail(err, "the new container ended and is gone");
		if (c == NULL && now - seen > ABSENT_MS) {
			if (err != NULL)
				*err = e;
			return -1;
		}
		was_away |= other;
		unseen = first && !g->fresh;
		if (c != NULL && (first || away || other ||
					 (now - seen > POLL_MS * 4 &&
						 now - start < LATE_MS))) {
			/* The engine was away, and may have restarted it: how
			 * long it has stayed up counts from here. */
			docker_gate_base(&base, c);
			if (first && g->fresh)
				base.restarts = 0;
			else
				since = now;
			first = false;
		}
		away = c == NULL;
		was_away |= away;
		if (!away) {
			seen = now;
			verdict = docker_gate_judge(g, &base, c, now - since,
				reason, sizeof(reason));
			if (verdict == DOCKER_BAD)
				rc = decide(api, c, was_away, unseen,
					reason, err);
			json_free(c);
		}
		if (verdict == DOCKER_WAIT)
			clock_sleep(now - start < FIRST_MS ? FIRST_POLL_MS
							   : POLL_MS);
	}
	return rc;
}
