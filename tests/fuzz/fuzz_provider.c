/*
 * A request of any sender to a source of any type. The input is text:
 *   TYPE
 *   Header: value     (none or more)
 *   (an empty line)
 *   the body
 * Whatever it is: no crash, the same outcome twice, and every event that comes
 * of it is in the grammar and fits a message.
 */
#include "ingress/provider.h"

#include <strings.h>

#include "ingress/normalise.h"
#include "proto/data/json.h"
#include "tests/fuzz/fuzz.h"

#define HEADERS_MAX 16

struct input {
	struct arena arena;
	const char *type;
	struct {
		const char *name, *value;
	} headers[HEADERS_MAX];
	size_t n;
	struct str body;
};

static const char *get_header(const void *ctx, const char *name)
{
	const struct input *in = ctx;

	for (size_t i = 0; i < in->n; i++)
		if (!strcasecmp(in->headers[i].name, name))
			return in->headers[i].value;
	return NULL;
}

static const char *no_query(const void *ctx UNUSED, const char *key UNUSED)
{
	return NULL;
}

static void read_input(struct str text, struct input *in)
{
	struct str line;

	arena_init(&in->arena, 1 << 20);
	in->type = str_split(&text, '\n', &line)
		? arena_strdup(&in->arena, line) : "";
	while (str_split(&text, '\n', &line) && line.n) {
		size_t colon = str_find(line, ':');

		if (in->n == HEADERS_MAX)
			continue;
		in->headers[in->n].name = arena_strdup(&in->arena,
			str_cut(line, 0, colon));
		in->headers[in->n++].value = arena_strdup(&in->arena,
			str_trim(str_cut(line, colon + 1, line.n)));
	}
	in->body = text;
}

static void check_event(const struct provider_push *push,
	const struct conf_source *source, struct strbuf *seen)
{
	struct event e = {0};
	struct strbuf packed = {0};
	struct err err = {0};

	if (normalise_event(push, source, &e, &err) < 0) {
		FUZZ_CHECK(*err.text);
		strbuf_add_cstr(seen, err.text);
		return;
	}
	FUZZ_CHECK(normalise_is_repository(str_from(e.repository)));
	FUZZ_CHECK(normalise_is_tag(str_from(e.tag)));
	FUZZ_CHECK(!e.digest || normalise_is_digest(str_from(e.digest)));
	FUZZ_CHECK(!e.registry || normalise_is_host(str_from(e.registry)));
	event_reference(&e, seen);
	strbuf_addf(seen, " %s\n", e.sender_id ? e.sender_id : "");
	e.id = strdup("00000000-0000-7000-8000-000000000000");
	e.time = 1;
	FUZZ_CHECK(field_pack(&event_table, &e, &packed, &err) == 0 ||
		*err.text);
	strbuf_release(&packed);
	field_release(&event_table, &e);
}

static void run(const struct provider *p, const struct input *input,
	struct strbuf *seen)
{
	static char *map[] = {
		(char *)"docker.io=mirror.example.com/hub",
		(char *)"gcr.io/acme=inner.example.com:5000"};
	static const struct conf_source source = {.name = (char *)"s",
		.registry_map = {map, ARRAY_LEN(map)},
		.topic = (char *)"arn:aws:sns:eu-west-1:111122223333:images"};
	struct request req = {input->body, get_header, no_query, input, NULL};
	struct provider_in in = {&req, NULL, &source};
	struct provider_out out;
	struct err err = {0};
	struct json *body = provider_body(p, &req, &err);

	if (!body) {
		FUZZ_CHECK(*err.text);
		return;
	}
	in.body = body;
	provider_out_init(&out);
	if (p->parse(&in, &out, &err) < 0) {
		FUZZ_CHECK(*err.text);
		strbuf_add_cstr(seen, err.text);
	} else {
		for (size_t i = 0; i < out.pushes.n; i++)
			check_event(&out.pushes.v[i], &source, seen);
		for (size_t i = 0; i < out.ignored.n; i++)
			FUZZ_CHECK(*out.ignored.v[i].reason);
	}
	(void)provider_guess(&in);
	provider_out_release(&out);
	json_free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {0};
	struct strbuf first = {0}, second = {0};
	const struct provider *p;

	read_input((struct str){(const char *)data, size}, &in);
	p = in.type ? provider_named(in.type) : NULL;
	for (size_t i = 0; providers[i]; i++) {
		if (p && p != providers[i])
			continue;
		run(providers[i], &in, &first);
		run(providers[i], &in, &second);
		FUZZ_CHECK(!strcmp(strbuf_cstr(&first), strbuf_cstr(&second)));
	}
	strbuf_release(&first);
	strbuf_release(&second);
	arena_free(&in.arena);
	return 0;
}
