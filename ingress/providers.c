#include "ingress/provider.h"

#include <strings.h>

#include "proto/base/enc.h"
#include "proto/data/json.h"

/* One event's strings are short; a body cannot ask for more than this. */
#define ARENA_CAP ((size_t)4 << 20)

/* In the order of guessing: what is sure goes before what is likely. */
const struct provider *const providers[] = {
	&provider_distribution,
	&provider_gitlab,
	&provider_gitea,
	&provider_github,
	&provider_zot,
	&provider_azure,
	&provider_ecr,
	&provider_harbor,
	&provider_tencent,
	&provider_aliyun,
	&provider_cloudevents,
	&provider_dockerhub,
	&provider_quay,
	&provider_gar,
	&provider_jfrog,
	&provider_nexus,
	&provider_msr,
	&provider_generic,
	&provider_auto,
	NULL,
};

/* A header that only one sender has, or a start of its value. Gitea sends
 * GitHub's too, so it goes first. */
static const struct mark {
	const char *header, *value;
	const struct provider *provider;
} marks[] = {
	{"X-Gitea-Event", "", &provider_gitea},
	{"X-Forgejo-Event", "", &provider_gitea},
	{"X-GitHub-Event", "", &provider_github},
	{"X-Nexus-Webhook-ID", "", &provider_nexus},
	{"X-JFrog-Event-Auth", "", &provider_jfrog},
	{"x-amz-sns-message-type", "", &provider_ecr},
	{"aeg-event-type", "", &provider_azure},
	{"Ce-Type", "zotregistry.", &provider_zot},
	{"Ce-Type", "", &provider_cloudevents},
	{"Content-Type", "application/vnd.docker.distribution.events.v1+json",
		&provider_distribution},
	{"Content-Type", "application/vnd.docker.distribution.events.v2+json",
		&provider_distribution},
	{"Content-Type", "application/cloudevents", &provider_cloudevents},
};

const struct provider *provider_named(const char *name)
{
	for (size_t i = 0; providers[i]; i++)
		if (!strcmp(providers[i]->name, name))
			return providers[i];
	return NULL;
}

static bool has_mark(const struct request *req, const struct mark *m)
{
	const char *value = request_header(req, m->header);

	return value && !strncasecmp(value, m->value, strlen(m->value));
}

const struct provider *provider_guess(const struct provider_in *in)
{
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (has_mark(in->req, &marks[i]))
			return marks[i].provider;
	for (size_t i = 0; providers[i]; i++)
		if (providers[i]->sniff(in))
			return providers[i];
	return NULL;
}

/* application/x-www-form-urlencoded (WHATWG URL, section 5.1). -1 when a
 * percent sign is not followed by two hexadecimal digits. */
static int decode_form(struct str s, struct strbuf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char byte;

		if (s.p[i] != '%') {
			strbuf_add_char(out, s.p[i] == '+' ? ' ' : s.p[i]);
			continue;
		}
		if (s.n - i < 3 || enc_unhex(str_cut(s, i + 1, i + 3), &byte, 1) < 0)
			return -1;
		strbuf_add_char(out, (char)byte);
		i += 2;
	}
	return 0;
}

static struct json *parse_form(struct str rest, struct err *err)
{
	struct strbuf text = {0};
	struct json *body = NULL;
	struct str part = {0};

	while (str_split(&rest, '&', &part))
		if (str_starts(part, STR("payload=")))
			break;
	if (!str_starts(part, STR("payload=")))
		err_fail(err, "the form has no payload=");
	else if (decode_form(str_cut(part, strlen("payload="), part.n), &text) < 0)
		err_fail(err, "the form's payload is not percent-encoded");
	else
		body = json_parse(strbuf_str(&text), NULL, err);
	strbuf_release(&text);
	return body;
}

struct json *provider_body(const struct provider *p, const struct request *req,
	struct err *err)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *type = request_header(req, "Content-Type");

	if (p->form && type && !strncasecmp(type, form, sizeof(form) - 1))
		return parse_form(req->body, err);
	return json_parse(req->body, NULL, err);
}

void provider_out_init(struct provider_out *out)
{
	memset(out, 0, sizeof(*out));
	arena_init(&out->arena, ARENA_CAP);
}

void provider_out_release(struct provider_out *out)
{
	for (size_t i = 0; i < out->kept.n; i++)
		json_free(out->kept.v[i]);
	VEC_RELEASE(&out->kept);
	json_free(out->answer);
	VEC_RELEASE(&out->pushes);
	VEC_RELEASE(&out->ignored);
	arena_free(&out->arena);
}
