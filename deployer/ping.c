#include "deployer/ping.h"

#include "deployer/notification.h"
#include "deployer/post.h"
#include "proto/base/clock.h"
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

int ping_run(const struct conf *conf, int argc, char **argv)
{
	const struct conf_trigger *t =
		argc == 2 ? conf_trigger(conf, argv[1]) : NULL;
	bool glob = t && strchr(t->repository, '*');
	struct ping p = {.code = 1};
	struct strbuf body = {0};
	struct poster *poster;
	char event[UID_LEN], id[NOTIFICATION_ID_LEN];
	struct job job = {.event = {.id = event, .tag = "pullwire-ping"}};
	struct post_spec spec = {.trigger = t, .id = id};

	if (!t || !t->url) {
		fprintf(stderr, argc == 2 ? "%s is no trigger with a url\n"
					  : "give a trigger's name%s\n",
			argc == 2 ? argv[1] : "");
		return 2;
	}
	job.event.time = clock_wall();
	uid_new(job.event.time, event);
	job.trigger = t->name;
	job.event.repository = glob ? "pullwire/ping" : t->repository;
	notification_body(&job.event, &body);
	notification_id(&job, id);
	spec.body = strbuf_str(&body);
	p.loop = loop_new();
	poster = poster_new(p.loop, conf);
	post_start(poster, &spec, done, &p);
	loop_run(p.loop);
	poster_free(poster);
	loop_free(p.loop);
	strbuf_release(&body);
	return p.code;
}
