/* Bodies of a collection beside the repository, when it is there. */
#include "tests/unit/ingress/provider_rig.h"

#define COLLECTION "../shared/payloads"

static size_t bodies;

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_collection),
	};

	return cmocka_run_group_tests_name("provider_collection", tests, NULL, NULL);
}
