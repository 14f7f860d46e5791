/*
 * Each tests/vectors/TYPE/CASE.json (or .form), posted with the headers of
 * CASE.headers to a source of that type, must give what CASE.want says: a line
 * for each event and each ignored part, or the error. PULLWIRE_VECTORS=write
 * writes the .want files anew (look at what changed). The members' order and
 * unknown members must change nothing. Bodies of a collection beside the
 * repository are checked too when it is there.
 */
#include "ingress/provider.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <strings.h>

#include <cmocka.h>

#include "ingress/normalise.h"
#include "proto/data/json.h"

#define COLLECTION "../shared/payloads"

#define TOPIC "arn:aws:sns:eu-west-1:111122223333:images"

/* ---- headers ---- */

static struct header {
	char name[64], value[256];
} headers[32];
static size_t n_headers;

static void add_header(struct str name, struct str value)
{
	struct header *h = &headers[n_headers++];

	assert_true(n_headers <= ARRAY_LEN(headers));
	snprintf(h->name, sizeof(h->name), "%.*s", (int)name.n, name.p);
	snprintf(h->value, sizeof(h->value), "%.*s", (int)value.n, value.p);
}

static const char *get_header(const void *ctx, const char *name)
{
	(void)ctx;
	for (size_t i = 0; i < n_headers; i++)
		if (!strcasecmp(headers[i].name, name))
			return headers[i].value;
	return NULL;
}

static const char *no_value(const void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return NULL;
}

/* ---- files ---- */

static bool read_file(const char *path, struct strbuf *out)
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

static void run_text(const char *type, struct str text, struct outcome *o)
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

static void run(const char *type, const char *text, struct outcome *o)
{
	run_text(type, str_from(text), o);
}

static void outcome_release(struct outcome *o)
{
	for (size_t i = 0; i < o->events.n; i++)
		field_release(&event_table, &o->events.v[i]);
	VEC_RELEASE(&o->events);
	provider_out_release(&o->out);
	json_free(o->body);
}

static void add(struct strbuf *sb, const char *name, const char *value)
{
	if (value)
		strbuf_addf(sb, " %s=%s", name, value);
}

static void print(const struct outcome *o, struct strbuf *sb)
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
static void load_headers(const char *path)
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

static void load_vector(const char *type, const char *name,
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

static void check_vector(const char *type, const char *name)
{
	struct strbuf path = {0}, text = {0}, want = {0}, got = {0};
	struct outcome o;

	load_vector(type, name, &path, &text);
	run(type, strbuf_cstr(&text), &o);
	print(&o, &got);
	strbuf_truncate(&path, path.len - strlen("json"));
	strbuf_add_cstr(&path, "want");
	if (getenv("PULLWIRE_VECTORS")) {
		FILE *f = fopen(strbuf_cstr(&path), "w");

		assert_non_null(f);
		fputs(strbuf_cstr(&got), f);
		fclose(f);
	}
	if (!read_file(strbuf_cstr(&path), &want))
		fail_msg("%s is missing", strbuf_cstr(&path));
	if (strcmp(strbuf_cstr(&want), strbuf_cstr(&got)) != 0)
		fail_msg("%s\nwant %s\ngot  %s", strbuf_cstr(&path),
			strbuf_cstr(&want), strbuf_cstr(&got));
	outcome_release(&o);
	strbuf_release(&path);
	strbuf_release(&text);
	strbuf_release(&want);
	strbuf_release(&got);
}

static bool is_body(const char *name)
{
	struct str s = str_from(name);

	return (str_ends(s, STR(".json")) && !str_ends(s, STR(".meta.json"))) ||
		str_ends(s, STR(".form"));
}

static size_t each_vector(void (*fn)(const char *type, const char *name))
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

static void test_vectors(void **state)
{
	(void)state;
	assert_true(each_vector(check_vector) > 150);
}

/* ---- what must change nothing ---- */

/* Reverses the members of every object and adds one that nobody knows. */
static void disturb(struct json *j)
{
	const char *keys[512];
	size_t n = 0;

	for (struct json *c = json_first(j); c; c = json_next(c)) {
		disturb(c);
		if (json_kind(j) == JSON_OBJECT && n < ARRAY_LEN(keys))
			keys[n++] = strdup(json_key(c));
	}
	while (n-- > 0) {
		json_set(j, keys[n], json_detach(j, keys[n]));
		free((char *)keys[n]);
	}
	if (json_kind(j) == JSON_OBJECT)
		json_set(j, "not_known", json_parse(STR("{\"tag\":\"evil\","
			"\"repository\":\"evil/name\",\"action\":7}"), NULL,
			NULL));
}

static void check_disturbed(const char *type, const char *name)
{
	struct strbuf path = {0}, text = {0}, other = {0}, want = {0}, got = {0};
	struct outcome o;
	struct json *tree;

	load_vector(type, name, &path, &text);
	tree = json_parse(strbuf_str(&text), NULL, NULL);
	/* In Quay's old map of tags a member is a tag. */
	if (tree && !strstr(name, "tag-map")) {
		run(type, strbuf_cstr(&text), &o);
		print(&o, &want);
		outcome_release(&o);
		disturb(tree);
		json_write(tree, &other);
		run(type, strbuf_cstr(&other), &o);
		print(&o, &got);
		outcome_release(&o);
		if (strcmp(strbuf_cstr(&want), strbuf_cstr(&got)) != 0)
			fail_msg("%s\nwant %s\ngot  %s", strbuf_cstr(&path),
				strbuf_cstr(&want), strbuf_cstr(&got));
	}
	json_free(tree);
	strbuf_release(&path);
	strbuf_release(&text);
	strbuf_release(&other);
	strbuf_release(&want);
	strbuf_release(&got);
}

static void test_disturbed(void **state)
{
	(void)state;
	assert_true(each_vector(check_disturbed) > 150);
}

/* ---- the collection ---- */

static size_t bodies;

static void same(const char *what, const char *want, const char *got)
{
	if (!want && !got)
		return;
	if (!want || !got || strcasecmp(want, got) != 0)
		fail_msg("%s: want %s, got %s", what, want ? want : "nothing",
			got ? got : "nothing");
}

/* whole: the body's expectation, which has what its parts leave out. */
static void check_part(const char *path, const struct json *part,
	const struct json *whole, const struct outcome *o, size_t *events,
	size_t *ignored)
{
	const char *action = json_str(json_get(part, "action"));
	const struct event *e;

	if (strcmp(action, "push") != 0) {
		if (++*ignored > o->out.ignored.n)
			fail_msg("%s: not ignored", path);
		return;
	}
	if (*events >= o->events.n)
		fail_msg("%s: no event", path);
	e = &o->events.v[(*events)++];
	same(path, json_str(json_get(part, "repository")), e->repository);
	same(path, json_str(json_get(part, "tag")), e->tag);
	same(path, json_str(json_get(whole, "registry_host")), e->registry);
	same(path, json_bool(json_get(part, "digest_valid")) ?
		json_str(json_get(part, "digest")) : NULL, e->digest);
	if (json_str(json_get(part, "event_id")))
		same(path, json_str(json_get(part, "event_id")), e->sender_id);
}

/* The headers that the collection has of a sender; names in <> are prose. */
static void take_headers(const struct json *meta)
{
	n_headers = 0;
	for (const struct json *h = json_first(json_get(meta, "headers")); h;
		h = json_next(h))
		if (*json_key(h) != '<')
			add_header(str_from(json_key(h)), str_from(json_str(h)));
}

/* `auto` must come to the same, whoever the sender is. */
static void check_auto(const char *path, const char *text,
	const struct outcome *o)
{
	struct strbuf want = {0}, got = {0};
	struct outcome guessed;

	run("auto", text, &guessed);
	print(o, &want);
	print(&guessed, &got);
	if (strcmp(strbuf_cstr(&want), strbuf_cstr(&got)) != 0)
		fail_msg("%s with type auto\nwant %s\ngot  %s", path,
			strbuf_cstr(&want), strbuf_cstr(&got));
	outcome_release(&guessed);
	strbuf_release(&want);
	strbuf_release(&got);
}

static void check_body(const char *type, const char *path)
{
	struct strbuf text = {0}, meta_text = {0}, meta_path = {0};
	size_t events = 0, ignored = 0;
	struct json *meta, *want, *multiple;
	struct outcome o;

	strbuf_addf(&meta_path, "%.*s.meta.json",
		(int)(strlen(path) - strlen(".json")), path);
	assert_true(read_file(path, &text));
	assert_true(read_file(strbuf_cstr(&meta_path), &meta_text));
	meta = json_parse(strbuf_str(&meta_text), NULL, NULL);
	want = json_get(meta, "expected");
	multiple = json_get(want, "multiple");
	assert_non_null(want);
	take_headers(meta);
	topic = NULL;
	run(type, strbuf_cstr(&text), &o);
	if (json_str(json_get(want, "reason")) &&
		strstr(json_str(json_get(want, "reason")), "400")) {
		assert_true(o.failed);
	} else {
		if (o.failed)
			fail_msg("%s: %s", path, o.err.text);
		for (struct json *p = json_first(multiple); p;
			p = json_next(p))
			check_part(path, p, want, &o, &events, &ignored);
		if (!multiple)
			check_part(path, want, want, &o, &events, &ignored);
		if (events != o.events.n || ignored != o.out.ignored.n)
			fail_msg("%s: %zu events and %zu ignored, not %zu and "
				"%zu", path, o.events.n, o.out.ignored.n,
				events, ignored);
		if (json_path(want, "response.body"))
			assert_true(json_equal(o.out.answer,
				json_path(want, "response.body")));
		check_auto(path, strbuf_cstr(&text), &o);
	}
	bodies++;
	outcome_release(&o);
	json_free(meta);
	strbuf_release(&text);
	strbuf_release(&meta_text);
	strbuf_release(&meta_path);
}

static void test_collection(void **state)
{
	static const struct {
		const char *folder, *type;
	} folders[] = {
		{"distribution-2015", "distribution"},
		{"distribution-v2.8", "distribution"},
		{"distribution-v3", "distribution"},
		{"aliyun-acr", "aliyun"},
		{"aliyun-eventbridge", "aliyun"},
		{"aws-ecr", "ecr"},
		{"aws-sns", "ecr"},
		{"azure-acr", "azure"},
		{"azure-eventgrid", "azure"},
		{"cloudevents", "cloudevents"},
		{"docker-dtr-msr", "msr"},
		{"dockerhub", "dockerhub"},
		{"generic", "generic"},
		{"github", "github"},
		{"gitlab", "gitlab"},
		{"google-pubsub", "gar"},
		{"harbor", "harbor"},
		{"jfrog", "jfrog"},
		{"nexus", "nexus"},
		{"quay", "quay"},
		{"tencent-tcr", "tencent"},
		{"zot", "zot"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		struct strbuf path = {0};
		struct dirent *de;
		DIR *d;

		strbuf_addf(&path, COLLECTION "/%s", folders[i].folder);
		d = opendir(strbuf_cstr(&path));
		strbuf_release(&path);
		if (!d)
			skip();
		while ((de = readdir(d))) {
			if (!is_body(de->d_name))
				continue;
			strbuf_addf(&path, COLLECTION "/%s/%s",
				folders[i].folder, de->d_name);
			check_body(folders[i].type, strbuf_cstr(&path));
			strbuf_release(&path);
		}
		closedir(d);
	}
	print_message("%zu bodies of the collection\n", bodies);
}

/* ---- bodies that are nearly right ---- */

#define MUTATIONS 40 /* of each vector */

/* Values that a field may be swapped for. */
static const char *const odd[] = {"null", "7", "true", "[]", "{}", "\"\"",
	"\"a b\"", "\"\\u00e9\"", "[[1]]", "{\"tag\":1}"};

static uint32_t seed = 1;
static size_t mutants, accepted;

static size_t draw(size_t n)
{
	seed = seed * 1664525 + 1013904223;
	return n ? (seed >> 8) % n : 0;
}

static void mutate(const struct strbuf *from, struct strbuf *to)
{
	size_t at = draw(from->len), n = draw(8);
	struct str head = str_cut(strbuf_str(from), 0, at);
	struct str tail = str_cut(strbuf_str(from), at + n, from->len);
	size_t colon = str_find(tail, ':'), end = str_find(tail, ',');

	to->len = 0;
	switch (draw(3)) {
	case 0: /* other bytes */
		strbuf_add_str(to, head);
		for (size_t i = draw(4); i > 0; i--)
			strbuf_add_char(to, (char)draw(256));
		strbuf_add_str(to, tail);
		break;
	case 1: /* another value */
		strbuf_add_str(to, head);
		strbuf_add_str(to, str_cut(strbuf_str(from), at, at + n));
		strbuf_add_str(to, str_cut(tail, 0, colon + 1));
		strbuf_add_cstr(to, odd[draw(ARRAY_LEN(odd))]);
		strbuf_add_str(to, str_cut(tail, end, tail.n));
		break;
	default: /* twice the middle */
		strbuf_add_str(to, str_cut(strbuf_str(from), 0, at + n));
		strbuf_add_str(to, tail);
		strbuf_add_str(to, str_cut(tail, 0, 40));
		break;
	}
}

/* Whatever comes in: no crash, and what is accepted is in the grammar. */
static void check_mutant(const char *type, struct str text)
{
	struct json *body = json_parse(text, NULL, NULL);
	struct outcome o;

	if (!body)
		return;
	json_free(body);
	run_text(type, text, &o);
	mutants++;
	accepted += !o.failed && o.events.n;
	for (size_t i = 0; i < o.events.n && !o.failed; i++) {
		const struct event *e = &o.events.v[i];

		assert_true(normalise_is_repository(str_from(e->repository)));
		assert_true(normalise_is_tag(str_from(e->tag)));
		assert_true(!e->digest ||
			normalise_is_digest(str_from(e->digest)));
		assert_true(!e->registry ||
			normalise_is_host(str_from(e->registry)));
	}
	outcome_release(&o);
}

static void mutate_vector(const char *type, const char *name)
{
	struct strbuf path = {0}, text = {0}, mutant = {0};

	load_vector(type, name, &path, &text);
	for (int i = 0; i < MUTATIONS; i++) {
		mutate(&text, &mutant);
		for (size_t p = 0; providers[p]; p++)
			check_mutant(providers[p]->name, strbuf_str(&mutant));
	}
	strbuf_release(&path);
	strbuf_release(&text);
	strbuf_release(&mutant);
}

static void test_mutations(void **state)
{
	(void)state;
	each_vector(mutate_vector);
	/* They reach the parsers, and some the end. */
	assert_true(mutants > 5000);
	assert_true(accepted > 300);
}

/* ---- what providers make ---- */

/* Each type's own test body is its own, sniffed and parsed back. */
static void test_compose(void **state)
{
	static const char digest[] = "sha256:"
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	struct provider_push push = {
		.sender_id = "id-1", .repository = "shop/web", .tag = "v1"};

	(void)state;
	n_headers = 0;
	for (size_t i = 0; providers[i]; i++) {
		for (int with_digest = 0; with_digest < 2; with_digest++) {
			struct strbuf body = {0};
			struct outcome o;

			push.digest = with_digest ? digest : NULL;
			providers[i]->compose(&push, 1772600767000, &body);
			run(providers[i]->name, strbuf_cstr(&body), &o);
			assert_false(o.failed);
			assert_int_equal(o.events.n, 1);
			assert_string_equal(o.events.v[0].repository,
				"shop/web");
			assert_string_equal(o.events.v[0].tag, "v1");
			if (o.events.v[0].digest)
				same("digest", push.digest,
					o.events.v[0].digest);
			if (o.events.v[0].pushed_at)
				assert_int_equal(o.events.v[0].pushed_at,
					1772600767000);
			outcome_release(&o);
			strbuf_release(&body);
		}
	}
}

static void test_guess(void **state)
{
	static const struct {
		const char *body, *type;
	} cases[] = {
		{"{\"events\":[{\"action\":\"push\",\"target\":{}}]}",
			"distribution"},
		{"{\"push_data\":{\"tag\":\"v1\"},"
		 "\"repository\":{\"region\":\"r\"}}", "aliyun"},
		{"{\"name\":\"a\",\"tag\":\"b\"}", "generic"},
		{"{\"name\":\"a\"}", NULL},
		{"[1]", NULL},
		{"7", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json *body = json_parse(
			str_from(cases[i].body), NULL, NULL);
		struct request req = {STR(""), no_value, no_value, NULL, NULL};
		struct provider_in in = {&req, body, NULL};
		const struct provider *p = provider_guess(&in);

		same(cases[i].body, cases[i].type, p ? p->name : NULL);
		json_free(body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_disturbed),
		cmocka_unit_test(test_collection),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_compose),
		cmocka_unit_test(test_guess),
	};

	return cmocka_run_group_tests_name("provider", tests, NULL, NULL);
}
