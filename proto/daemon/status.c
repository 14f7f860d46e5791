#include "proto/daemon/status.h"

#include "proto/base/metrics.h"
#include "proto/base/vec.h"
#include "proto/data/json.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define STALE_MS 10000 /* a file older than this: the process is not alive */

struct condition {
	char *what, *sentence;
};

struct status {
	char *role, *instance;
	VEC(struct condition) conditions;
};

struct status *status_new(const char *role, const char *instance)
{
	struct status *s = xcalloc(1, sizeof(*s));

	s->role = xstrdup(role);
	s->instance = xstrdup(instance);
	return s;
}

void status_free(struct status *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->conditions.n; i++) {
		free(s->conditions.v[i].what);
		free(s->conditions.v[i].sentence);
	}
	VEC_RELEASE(&s->conditions);
	free(s->role);
	free(s->instance);
	free(s);
}

void status_set(struct status *s, const char *what, const char *sentence)
{
	struct condition new;

	for (size_t i = 0; i < s->conditions.n; i++) {
		struct condition *c = &s->conditions.v[i];

		if (strcmp(c->what, what) != 0)
			continue;
		free(c->sentence);
		c->sentence = xstrdup_null(sentence);
		return;
	}
	new.what = xstrdup(what);
	new.sentence = xstrdup_null(sentence);
	VEC_PUSH(&s->conditions, new);
}

void status_snapshot(struct status *s, int64_t now, struct msg_status *m)
{
	struct strbuf metrics = {0};

	m->role = xstrdup(s->role);
	m->instance = xstrdup(s->instance);
	m->time = now;
	m->reasons.v = xcalloc(
		s->conditions.n ? s->conditions.n : 1, sizeof(*m->reasons.v));
	for (size_t i = 0; i < s->conditions.n; i++)
		if (s->conditions.v[i].sentence)
			m->reasons.v[m->reasons.n++] =
				xstrdup(s->conditions.v[i].sentence);
	m->ready = m->reasons.n == 0;
	metric_set(METRIC_READY, NULL, NULL, m->ready);
	metrics_snapshot(&metrics);
	m->metrics = strbuf_detach(&metrics);
}

static struct json *status_json(const struct msg_status *m)
{
	struct json *j = json_new_object(), *reasons = json_new_array();

	json_set_str(j, "role", m->role);
	json_set_str(j, "instance", m->instance);
	json_set_i64(j, "time", m->time);
	json_set_bool(j, "ready", m->ready);
	for (size_t i = 0; i < m->reasons.n; i++)
		json_push(reasons, json_new_str(m->reasons.v[i]));
	json_set(j, "reasons", reasons);
	json_set(j, "metrics", json_parse(str_from(m->metrics), NULL, NULL));
	return j;
}

static int write_file(const char *path, struct str text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text.p, text.n);
	if (close(fd) < 0 || n != (ssize_t)text.n)
		return -1;
	return 0;
}

int status_write(const char *run, const struct msg_status *m, struct err *err)
{
	struct json *j = status_json(m);
	struct strbuf text = {0};
	char *path = xprintf("%s/%s.status", run, m->instance);
	char *temp = xprintf("%s.tmp", path);
	int rc = 0;

	json_write(j, &text);
	json_free(j);
	if (write_file(temp, strbuf_str(&text)) < 0 ||
		rename(temp, path) < 0)
		rc = err_retry(err, "%s cannot be written: %s", path,
			strerror(errno));
	strbuf_release(&text);
	free(path);
	free(temp);
	return rc;
}

void status_remove(const char *run, const char *instance)
{
	char *path = xprintf("%s/%s.status", run, instance);

	unlink(path);
	free(path);
}

static struct json *read_file(const char *path, struct err *err)
{
	static char buf[METRICS_TEXT_MAX * 2]; /* reasons, too */
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		err_fail(err, "%s", strerror(errno));
		return NULL;
	}
	n = read(fd, buf, sizeof(buf));
	close(fd);
	if (n < 0) {
		err_fail(err, "%s", strerror(errno));
		return NULL;
	}
	return json_parse((struct str){buf, (size_t)n}, NULL, err);
}

int status_report(const char *run, const char *instance, int64_t now)
{
	char *path = xprintf("%s/%s.status", run, instance);
	struct err err = {0};
	struct json *j = read_file(path, &err);
	int64_t age;
	bool ready;

	if (!j) {
		printf("%s: not running: %s: %s\n", instance, path, err.text);
		free(path);
		return 1;
	}
	free(path);
	age = now - json_i64(json_get(j, "time"), 0);
	ready = json_bool(json_get(j, "ready")) && age <= STALE_MS;
	if (age > STALE_MS)
		printf("%s: no sign of life for %lld s\n", instance,
			(long long)(age / 1000));
	else
		printf("%s: %s\n", instance, ready ? "ready" : "not ready");
	for (struct json *r = json_first(json_get(j, "reasons")); r;
		r = json_next(r))
		printf("  %s\n", json_str(r) ? json_str(r) : "");
	json_free(j);
	return ready ? 0 : 1;
}
