#include "ingress/rows.h"

#include "ingress/normalise.h"
#include "proto/base/mem.h"
#include "proto/data/json.h"

/* A row about something that never became an event has an id of its own. */
static void row_start(struct record *r, const char *source,
	const char *status, int64_t now)
{
	char id[UID_LEN];
	struct event e = {
		.id = uid_new(now, id),
		.source = (char *)source,
		.time = now,
	};

	record_from_event(r, &e, NULL, 0, status, now);
	r->final = true;
}

static char *json_text(struct json *j)
{
	struct strbuf sb = {0};

	json_write(j, &sb);
	json_free(j);
	return strbuf_detach(&sb);
}

void rows_rejected(struct record *r, const struct reject_row *row,
	const char *request_path, int64_t now)
{
	struct json *request = json_new_object(), *answer = json_new_object();
	char path[256];

	row_start(r, row->source, "rejected", now);
	if (row->count)
		record_reason(r, "%d: %llu more from %s in the last minute; "
			"the last one: %s", row->status,
			(unsigned long long)row->count, row->peer,
			row->reason);
	else
		record_reason(r, "%d: %s", row->status, row->reason);
	json_set_str(request, "peer", row->peer);
	if (request_path)
		json_set_str(request, "path", str_safe(
			str_from(request_path), path, sizeof(path)));
	json_set_i64(answer, "status", row->status);
	r->request = json_text(request);
	r->response = json_text(answer);
}

void rows_ignored(struct record *r, const char *source,
	const struct provider_ignored *ig, int64_t now)
{
	struct str repository = str_from(ig->repository);

	row_start(r, source, "ignored", now);
	if (normalise_is_repository(repository))
		r->repository = xstrdup(ig->repository);
	if (normalise_is_tag(str_from(ig->tag)))
		r->tag = xstrdup(ig->tag);
	record_reason(r, "%s", ig->reason);
}

/* Not final: the event itself ends in its own rows. One row an event, however
 * often it is repeated, since the id is the same. */
void rows_duplicate(struct record *r, const struct event *e,
	const char *first, int64_t now)
{
	struct event known = *e;
	char id[UID_LEN], sender_id[256];

	snprintf(id, sizeof(id), "%s", first);
	known.id = id;
	record_from_event(r, &known, NULL, 0, "duplicate", now);
	r->final = false;
	if (e->sender_id)
		record_reason(r, "the sender repeated its event %s; it was "
			"accepted before: only what failed of it is done again",
			str_safe(str_from(e->sender_id), sender_id,
				sizeof(sender_id)));
	else
		record_reason(r, "the sender repeated this push of the same "
			"time; it was accepted before: only what failed of it "
			"is done again");
}

void rows_damaged(struct record *r, const struct spool_row *row, int64_t now)
{
	char id[UID_LEN];
	struct event e = {0};

	if (row->id && uid_valid(row->id)) {
		snprintf(id, sizeof(id), "%s", row->id);
		e.id = id;
		e.source = (char *)row->source;
		record_from_event(r, &e, NULL, 0, "failed", now);
		r->final = true;
	} else {
		row_start(r, row->source, "failed", now);
	}
	record_reason(r, "%s; it was set aside: push the tag again",
		row->damage);
}

void rows_parked(struct record *r, const struct event *e, const char *why,
	int64_t now)
{
	record_from_event(r, e, NULL, 0, "failed", now);
	r->final = false;
	record_reason(r, "parked: %s; when its cause is mended, "
		"`pullwire-ingress release %s` has it decided again", why,
		e->id);
}
