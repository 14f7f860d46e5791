#include "deployer/docker/docker_evidence.h"

#include "deployer/docker/docker_logs.h"
#include "proto/base/mem.h"

#define LINES 100
/* In JSON a byte may take six; a row has 64 KiB for all. */
#define LOG_MAX ((size_t)7000)
#define PROBES 5
#define OUTPUT_MAX ((size_t)400)

static void copy(struct json *to, const struct json *from, const char *key)
{
	const struct json *value = json_get(from, key);

	if (!json_is_null(value))
		json_set(to, key, json_copy(value));
}

/* From a character's first byte on. */
static struct str tail(struct str s, size_t max)
{
	size_t from = s.n > max ? s.n - max : 0;

	while (from > 0 && from < s.n && ((unsigned char)s.p[from] & 0xc0) == 0x80)
		from++;
	return str_cut(s, from, s.n);
}

static struct json *probes(const struct json *health)
{
	const struct json *log = json_get(health, "Log"), *p;
	struct json *out = json_new_array(), *one;
	size_t n = json_len(log), i = n > PROBES ? n - PROBES : 0;

	for (; i < n; i++) {
		p = json_at(log, i);
		one = json_new_object();
		copy(one, p, "Start");
		copy(one, p, "ExitCode");
		json_set(one, "Output",
			json_new_strn(tail(str_from(json_str(
				json_get(p, "Output"))), OUTPUT_MAX)));
		json_push(out, one);
	}
	return out;
}

struct json *docker_evidence_of(const struct json *container, struct str log)
{
	static const char *const kept[] = {"Status", "ExitCode", "OOMKilled",
		"Error", "StartedAt", "FinishedAt"};
	const struct json *state = json_get(container, "State");
	struct json *out = json_new_object(), *s = json_new_object();

	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		copy(s, state, kept[i]);
	copy(s, container, "RestartCount");
	json_set(out, "state", s);
	if (json_len(json_path(state, "Health.Log")) > 0)
		json_set(out, "health", probes(json_get(state, "Health")));
	if (log.n > 0)
		json_set(out, "log", json_new_strn(tail(log, LOG_MAX)));
	return out;
}

char *docker_evidence_take(struct docker_api *api, const char *id)
{
	struct json *c = docker_container_inspect(api, id, NULL), *j;
	struct strbuf log = {0}, text = {0};

	if (c == NULL)
		return NULL;
	(void)docker_logs_get(api, DOCKER_LOGS_CONTAINER, id,
		json_bool(json_path(c, "Config.Tty")), LINES, &log, NULL);
	j = docker_evidence_of(c, strbuf_str(&log));
	json_write(j, &text);
	json_free(j);
	json_free(c);
	strbuf_release(&log);
	return strbuf_detach(&text);
}
