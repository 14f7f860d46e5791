/*
 * What the tests of the providers share: a body with its headers put to a
 * provider, what became of it, and each body of tests/vectors in turn.
 */
#ifndef TESTS_UNIT_INGRESS_PROVIDER_RIG_H
#define TESTS_UNIT_INGRESS_PROVIDER_RIG_H

#include "ingress/provider.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <strings.h>

#include <cmocka.h>

#include "ingress/normalise.h"
#include "proto/data/json.h"

#define TOPIC "arn:aws:sns:eu-west-1:111122223333:images"

/* ---- headers ---- */

static struct header {
	char name[64], value[256];
} headers[32];
static size_t n_headers;

static inline void add_header(struct str name, struct str value)
{
	struct header *h = &headers[n_headers++];

	assert_true(n_headers <= ARRAY_LEN(headers));
	snprintf(h->name, sizeof(h->name), "%.*s", (int)name.n, name.p);
	snprintf(h->value, sizeof(h->value), "%.*s", (int)value.n, value.p);
}

static inline const char *get_header(const void *ctx, const char *name)
{
	(void)ctx;
	for (size_t i = 0; i < n_headers; i++)
		if (!strcasecmp(headers[i].name, name))
			return headers[i].value;
	return NULL;
}

static inline const char *no_value(const void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return NULL;
}

/* ---- files ---- */

static inline bool read_file(const char *path, struct strbuf *out)
{
	FILE *f = fopen(path, "r");
	char buf[4096];
	size_t n;

	if (!f)
		return false;
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(out, buf, n);
	fclose(f);
	return true;
}

/* ---- a body's outcome ---- */

struct outcome {
	struct json *body;
	struct provider_out out;
	VEC(struct event) events;
	struct err err;
	bool failed;
};

static const char *topic; /* of the source */

static inline void run_text(
	const char *type, struct str text, struct outcome *o)
{
	struct conf_source source = {
		.name = (char *)"src", .topic = (char *)topic};
	struct request req = {text, get_header, no_value, NULL, NULL};
	struct provider_in in = {&req, NULL, &source};

	memset(o, 0, sizeof(*o));
	provider_out_init(&o->out);
	in.body = o->body = provider_body(provider_named(type), &req, &o->err);
	o->failed = !in.body ||
		provider_named(type)->parse(&in, &o->out, &o->err) < 0;
	for (size_t i = 0; i < o->out.pushes.n && !o->failed; i++) {
		struct event e = {0};
		struct strbuf packed = {0};

		o->failed = normalise_event(
			&o->out.pushes.v[i], &source, &e, &o->err) < 0;
		if (o->failed)
			return;
		e.id = strdup("00000000-0000-7000-8000-000000000000");
		e.time = 1;
		/* Limits of the fields are part of what is refused. */
		o->failed = field_pack(
			&event_table, &e, &packed, &o->err) < 0;
		strbuf_release(&packed);
		VEC_PUSH(&o->events, e);
	}
}

static inline void run(const char *type, const char *text, struct outcome *o)
{
	run_text(type, str_from(text), o);
}

static inline void outcome_release(struct outcome *o)
{
	for (size_t i = 0; i < o->events.n; i++)
		field_release(&event_table, &o->events.v[i]);
	VEC_RELEASE(&o->events);
	provider_out_release(&o->out);
	json_free(o->body);
}

static inline void add(struct strbuf *sb, const char *name, const char *value)
{
	if (value)
		strbuf_addf(sb, " %s=%s", name, value);
}

static inline void print(const struct outcome *o, struct strbuf *sb)
{
	if (o->failed) {
		strbuf_addf(sb, "error %s\n", o->err.text);
		return;
	}
	for (size_t i = 0; i < o->events.n; i++) {
		const struct event *e = &o->events.v[i];
		char time[STR_TIME_LEN];

		strbuf_add_cstr(sb, "event ");
		event_reference(e, sb);
		add(sb, "sender_id", e->sender_id);
		if (e->pushed_at)
			add(sb, "pushed_at", str_time(e->pushed_at, time));
		add(sb, "region", e->region);
		add(sb, "date_created", e->date_created);
		add(sb, "auth_type", e->auth_type);
		add(sb, "origin_type", e->origin_type);
		add(sb, "repo_type", e->repo_type);
		strbuf_add_char(sb, '\n');
	}
	if (o->out.answer) {
		strbuf_add_cstr(sb, "answer ");
		json_write(o->out.answer, sb);
		strbuf_add_char(sb, '\n');
	}
	for (size_t i = 0; i < o->out.ignored.n; i++) {
		const struct provider_ignored *ig = &o->out.ignored.v[i];

		strbuf_addf(sb, "ignored %s:%s: %s\n",
			ig->repository ? ig->repository : "",
			ig->tag ? ig->tag : "", ig->reason);
	}
}

/* ---- our own vectors ---- */

/* path ends in ".json" or ".form"; its headers are beside it, or none. */
static inline void load_headers(const char *path)
{
	struct strbuf file = {0}, text = {0};
	struct str rest, line;

	n_headers = 0;
	strbuf_addf(&file, "%.*sheaders", (int)(strlen(path) - 4), path);
	if (read_file(strbuf_cstr(&file), &text)) {
		rest = strbuf_str(&text);
		while (str_split(&rest, '\n', &line)) {
			size_t colon = str_find(line, ':');

			if (colon < line.n)
				add_header(str_cut(line, 0, colon), str_trim(
					str_cut(line, colon + 1, line.n)));
		}
	}
	strbuf_release(&file);
	strbuf_release(&text);
}

static inline void load_vector(const char *type, const char *name,
	struct strbuf *path, struct strbuf *text)
{
	strbuf_addf(path, "tests/vectors/%s/%s", type, name);
	assert_true(read_file(strbuf_cstr(path), text));
	load_headers(strbuf_cstr(path));
	topic = strstr(name, "other-topic") || strstr(name, "no-topic")
		? NULL : TOPIC;
	if (strstr(name, "other-topic"))
		topic = TOPIC "-2";
}

static inline bool is_body(const char *name)
{
	struct str s = str_from(name);

	return (str_ends(s, STR(".json")) && !str_ends(s, STR(".meta.json"))) ||
		str_ends(s, STR(".form"));
}

static inline size_t each_vector(void (*fn)(const char *type, const char *name))
{
	size_t n = 0;

	for (size_t i = 0; providers[i]; i++) {
		struct strbuf dir = {0};
		struct dirent *de;
		DIR *d;

		strbuf_addf(&dir, "tests/vectors/%s", providers[i]->name);
		d = opendir(strbuf_cstr(&dir));
		if (!d)
			fail_msg("%s cannot be read", strbuf_cstr(&dir));
		while ((de = readdir(d))) {
			if (!is_body(de->d_name))
				continue;
			fn(providers[i]->name, de->d_name);
			n++;
		}
		closedir(d);
		strbuf_release(&dir);
	}
	return n;
}

static inline void same(const char *what, const char *want, const char *got)
{
	if (!want && !got)
		return;
	if (!want || !got || strcasecmp(want, got) != 0)
		fail_msg("%s: want %s, got %s", what, want ? want : "nothing",
			got ? got : "nothing");
}

#endif
