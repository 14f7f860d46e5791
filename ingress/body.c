#include "ingress/body.h"

#include "ingress/normalise.h"
#include "ingress/rows.h"
#include "proto/base/mem.h"
#include "proto/data/json.h"

void body_release(struct body *b)
{
	for (size_t i = 0; i < b->ignored.n; i++)
		field_release(&record_table, &b->ignored.v[i]);
	VEC_RELEASE(&b->ignored);
	json_free(b->answer);
	spool_put_release(&b->put);
}

static int parse(const struct provider *p, const struct provider_in *in,
	struct provider_out *out, struct err *err)
{
	const struct provider *looks;

	if (!p->parse(in, out, err))
		return 0;
	looks = provider_guess(in);
	if (looks && looks != p)
		err_prefix(err, "the source's type is %s, but the body looks "
			"like %s", p->name, looks->name);
	return -1;
}

/* What another Pullwire's notification says of its way here; 0: nothing. */
static int64_t hops_of(const struct request *req)
{
	const char *value = request_header(req, EVENT_HOPS_HEADER);
	int64_t n;

	if (!value || str_to_i64(str_from(value), &n) < 0 || n < 0)
		return 0;
	return n < EVENT_HOPS_MAX ? n : EVENT_HOPS_MAX;
}

static int take_pushes(const struct provider_in *in,
	const struct provider_out *from, const char *trigger, int64_t now,
	struct body *out, struct err *err)
{
	for (size_t i = 0; i < from->pushes.n; i++) {
		struct event e = {0};
		char id[UID_LEN];

		if (normalise_event(
			    &from->pushes.v[i], in->source, &e, err) < 0)
			return -1;
		e.id = xstrdup(uid_new(now, id));
		e.time = uid_time(e.id); /* never goes back */
		e.hops = hops_of(in->req);
		e.trigger = xstrdup_null(trigger);
		if (spool_put_add(&out->put, &e, err) < 0)
			return -1;
	}
	return 0;
}

static void take_ignored(const struct provider_in *in,
	const struct provider_out *from, int64_t now, struct body *out)
{
	for (size_t i = 0; i < from->ignored.n; i++) {
		struct record r = {0};

		rows_ignored(&r, in->source->name, &from->ignored.v[i], now);
		VEC_PUSH(&out->ignored, r);
	}
}

/* Of a body that may be anyone's it is its sender's. */
static int64_t patience(const struct provider *p, const struct provider_in *in)
{
	const struct provider *sender;

	if (in->source->answer_within != 0)
		return in->source->answer_within;
	sender = p == &provider_auto ? provider_guess(in) : NULL;
	if (sender != NULL)
		p = sender;
	return p->patience_ms != 0 ? p->patience_ms : PROVIDER_PATIENCE_MS;
}

int body_read(const struct request *req, const struct conf_source *source,
	const char *trigger, int64_t now, struct body *out, struct err *err)
{
	const char *type = conf_source_types[source->type];
	const struct provider *p = provider_named(type);
	struct json *tree;
	struct provider_in in = {req, NULL, source};
	struct provider_out said;
	int rc = -1;

	if (!p)
		BUG("no provider for type %s", type);
	in.body = tree = provider_body(p, req, err);
	if (!tree)
		return -1;
	provider_out_init(&said);
	if (!parse(p, &in, &said, err))
		rc = take_pushes(&in, &said, trigger, now, out, err);
	if (!rc) {
		take_ignored(&in, &said, now, out);
		out->patience_ms = patience(p, &in);
		out->answer = said.answer;
		said.answer = NULL;
	}
	provider_out_release(&said);
	json_free(tree);
	return rc;
}
