#include "deployer/orders/ping.h"

#include "deployer/http/notice.h"
#include "deployer/http/notification.h"
#include "deployer/http/post.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/base/uid.h"

struct ping {
	struct loop *loop;
	int code;
};

static void print_result(struct ping *p, const struct post_result *res)
{
	printf("%s in %lld ms: %s\n", res->status, (long long)res->duration_ms,
		res->delivered ? "the trigger URL took it" : res->reason);
	if (res->response)
		printf("%s\n", res->response);
	p->code = res->delivered ? 0 : 1;
}

static void done(void *ctx, const struct post_result *res)
{
	struct ping *p = ctx;

	print_result(p, res);
	loop_stop(p->loop);
}

static void run(struct ping *p, const struct conf *conf,
	const struct post_spec *spec)
{
	struct poster *poster;

	p->loop = loop_new();
	poster = poster_new(p->loop, conf);
	post_start(poster, spec, done, p);
	loop_run(p->loop);
	poster_free(poster);
	loop_free(p->loop);
}

/* As if a redeploy had ended well just now. */
static int notice(struct ping *p, const struct conf *conf,
	const struct conf_trigger *t)
{
	char event[UID_LEN], id[NOTIFICATION_ID_LEN];
	char *name = xprintf("%s:ping", t->name);
	struct job job = {.trigger = name, .event = {.id = event,
		.repository = (char[]){"pullwire/ping"},
		.tag = (char[]){"pullwire-ping"}, .time = clock_wall()}};
	struct post_spec spec = {.trigger = t, .id = id};
	struct notice_form form;
	struct strbuf text = {0};
	struct record row;

	uid_new(job.event.time, event);
	notification_id(&job, id);
	record_from_event(&row, &job.event, "ping", 1, "deployed",
		job.event.time);
	record_reason(&row, "this is a test, nothing was redeployed");
	notice_write(&row, &text);
	notice_form(t->notify, strbuf_cstr(&text), id, &form);
	spec.form = &form;
	spec.body = strbuf_str(&form.body);
	run(p, conf, &spec);
	notice_form_release(&form);
	strbuf_release(&text);
	field_release(&record_table, &row);
	free(name);
	return p->code;
}

int ping_run(const struct conf *conf, int argc, char **argv)
{
	const struct conf_trigger *t =
		argc == 2 ? conf_poster(conf, argv[1]) : NULL;
	struct ping p = {.code = 1};
	struct strbuf body = {0};
	bool glob;
	char event[UID_LEN], id[NOTIFICATION_ID_LEN];
	struct job job = {.event = {.id = event, .tag = "pullwire-ping"}};
	struct post_spec spec = {.trigger = t, .id = id};

	if (!t) {
		fprintf(stderr, argc == 2 ? "%s is neither a trigger with a "
					    "url nor notify:NAME\n"
					  : "give a trigger's name%s\n",
			argc == 2 ? argv[1] : "");
		return 2;
	}
	if (t->notify)
		return notice(&p, conf, t);
	glob = strchr(t->repository, '*') != NULL;
	job.event.time = clock_wall();
	uid_new(job.event.time, event);
	job.trigger = t->name;
	job.event.repository = glob ? "pullwire/ping" : t->repository;
	notification_body(&job.event, &body);
	notification_id(&job, id);
	spec.body = strbuf_str(&body);
	run(&p, conf, &spec);
	strbuf_release(&body);
	return p.code;
}
