/*
 * The API over a real server and a real store, without links: what is asked
 * of deployers is answered by the test's script. Include once.
 */
#ifndef TESTS_UNIT_LOGGER_API_WORLD_H
#define TESTS_UNIT_LOGGER_API_WORLD_H

#include "logger/api.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/base/enc.h"
#include "proto/base/mem.h"
#include "proto/base/strbuf.h"
#include "proto/data/json.h"

#define OPERATOR "token-of-ann"
#define VIEWER "token-of-bob"

static char dir[32];
static struct api api;
static struct http_server *server;
static struct strbuf answer;
static int status;
static pthread_t looper;

/* ---- deployers --------------------------------------------------------------- */

/* Each answers every order; instance NULL ends the list. */
static struct scripted {
	const char *instance;
	struct msg_answer answer;
	const char *why; /* no answer: this */
} deployers[4];
static struct strbuf asked; /* "WHAT ARGS WHO;" of each order */

struct later {
	const struct scripted *by;
	chan_answer_fn *fn;
	void *ctx;
};

static void answer_later(void *ctx)
{
	struct later *l = ctx;
	const struct chan_peer p = {.peer = 1, .instance = l->by->instance};

	l->fn(l->ctx, &p, l->by->why ? NULL : &l->by->answer, l->by->why);
	free(l);
}

size_t intake_ask(struct intake *in, const struct chan_order *o,
	chan_answer_fn *fn, void *ctx, struct err *err)
{
	size_t n = 0;

	(void)in;
	(void)err;
	assert_string_equal(o->role, "deployer");
	strbuf_addf(&asked, "%s %s %s;", o->what, o->args,
		o->who ? o->who : "-");
	for (; deployers[n].instance != NULL; n++) {
		struct later *l = xcalloc(1, sizeof(*l));

		*l = (struct later){&deployers[n], fn, ctx};
		loop_post(api.loop, answer_later, l);
	}
	return n;
}

static UNUSED void script(size_t i, const char *instance, const char *code,
	const char *text, const char *body)
{
	deployers[i] = (struct scripted){.instance = instance,
		.answer = {.ok = code == NULL,
			.code = (char *)(uintptr_t)code,
			.text = (char *)(uintptr_t)text,
			.body = (char *)(uintptr_t)body}};
}

static void *loop_thread(void *ctx)
{
	loop_run(ctx);
	return NULL;
}

static void end_loop(void *ctx)
{
	loop_stop(ctx);
}

/* ---- client ---------------------------------------------------------------- */

static int connect_client(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)http_server_port(server))};
	struct timeval limit = {.tv_sec = 60};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

/* lines: more headers, each with its end; a Host among them replaces ours. */
static const char *ask(const char *method, const char *target,
	const char *lines, const char *sent)
{
	struct strbuf req = {0};
	int fd = connect_client();
	char buf[65536], *body;
	ssize_t n;

	strbuf_addf(&req, "%s %s HTTP/1.1\r\n%sConnection: close\r\n"
			  "Content-Length: %zu\r\n%s\r\n%s", method, target,
		strstr(lines, "Host:") ? "" : "Host: localhost\r\n",
		strlen(sent), lines, sent);
	assert_int_equal(write(fd, req.buf, req.len), req.len);
	strbuf_release(&req);
	strbuf_truncate(&answer, 0);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		strbuf_add(&answer, buf, (size_t)n);
	close(fd);
	assert_int_equal(sscanf(strbuf_cstr(&answer), "HTTP/1.1 %d", &status),
		1);
	body = strstr(answer.buf, "\r\n\r\n");
	assert_non_null(body);
	return body + 4;
}

static UNUSED const char *request(const char *method, const char *target)
{
	return ask(method, target, "", "");
}

static UNUSED struct json *get(const char *target, int want)
{
	static const struct json_limits large = {.nodes = 100000};
	const char *body = request("GET", target);
	struct err err = {0};
	struct json *j = json_parse(str_from(body), &large, &err);

	if (status != want || j == NULL)
		fail_msg("%s: %d %s (%s)", target, status, body, err.text);
	return j;
}

static UNUSED void expect(const char *target, int want, const char *part)
{
	const char *body = request("GET", target);

	if (status != want || strstr(body, part) == NULL)
		fail_msg("%s: %d %s", target, status, body);
}

static UNUSED void expect_post(const char *target, const char *lines,
	const char *sent, int want, const char *part)
{
	const char *body = ask("POST", target, lines, sent);

	if (status != want || strstr(body, part) == NULL)
		fail_msg("%s: %d %s", target, status, body);
}

/* ---- rows -------------------------------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t told;
	int left;
} puts_ = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

static void put_done(struct store_put *put, const struct err *err)
{
	assert_null(err);
	field_release(&record_table, &put->record);
	free(put);
	pthread_mutex_lock(&puts_.lock);
	puts_.left--;
	pthread_cond_signal(&puts_.told);
	pthread_mutex_unlock(&puts_.lock);
}

static UNUSED void put_rows(int n)
{
	puts_.left = n;
	for (int i = 0; i < n; i++) {
		struct store_put *put = xcalloc(1, sizeof(*put));
		char *event = xprintf("e%03d", i);
		struct event e = {.id = event,
			.repository = (char *)(uintptr_t)"shop/web"};

		put->done = put_done;
		record_from_event(&put->record, &e, i % 2 ? "web" : "a b/c",
			1, "deployed", 1000 + i);
		free(event);
		assert_int_equal(store_put(api.store, put), 0);
	}
	pthread_mutex_lock(&puts_.lock);
	while (puts_.left > 0)
		pthread_cond_wait(&puts_.told, &puts_.lock);
	pthread_mutex_unlock(&puts_.lock);
}

static UNUSED void put_row(struct record *r)
{
	struct store_put *put = xcalloc(1, sizeof(*put));

	put->done = put_done;
	put->record = *r;
	puts_.left = 1;
	assert_int_equal(store_put(api.store, put), 0);
	pthread_mutex_lock(&puts_.lock);
	while (puts_.left > 0)
		pthread_cond_wait(&puts_.told, &puts_.lock);
	pthread_mutex_unlock(&puts_.lock);
}

/* ---- the process ------------------------------------------------------------- */

static void load_conf(const char *triggers)
{
	char *path = xprintf("%s/pullwire.yml", dir);
	struct opt_errors errs = {0};
	struct conf *conf;
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "triggers: %s\nlogger: {}\n", triggers);
	fclose(f);
	conf = conf_load(path, &errs);
	if (conf == NULL)
		fail_msg("%s", errs.list.v[0]);
	api_set_conf(&api, conf);
	conf_free(conf);
	free(path);
}

static struct auth *make_auth(bool tokens)
{
	char ann[ENC_SHA256_HEX], bob[ENC_SHA256_HEX];
	struct conf_token list[] = {
		{.name = (char *)(uintptr_t)"ann", .role = ROLE_OPERATOR,
			.sha256 = ann},
		{.name = (char *)(uintptr_t)"bob", .sha256 = bob},
	};
	struct conf_logger c = {.tokens = {list, tokens ? 2 : 0}};

	enc_sha256_hex(OPERATOR, strlen(OPERATOR), ann);
	enc_sha256_hex(VIEWER, strlen(VIEWER), bob);
	return auth_new(&c);
}

static int start_api(bool tokens)
{
	struct http_server_config c = {.listen = "127.0.0.1:0", .threads = 2,
		.max_body = 4096, .handle = api_handle, .ctx = &api};
	struct err err = {0};
	char *url;

	snprintf(dir, sizeof(dir), "/tmp/pullwire-api-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	url = xprintf("sqlite:%s/log.db", dir);
	memset(deployers, 0, sizeof(deployers));
	strbuf_truncate(&asked, 0);
	api = (struct api){
		.store = store_open(&(struct store_config){.url = url}, &err),
		.metrics = SHOWN_VIEWERS, .health = SHOWN_ALL};
	free(url);
	if (api.store == NULL)
		fail_msg("%s", err.text);
	pthread_mutex_init(&api.lock, NULL);
	api.processes = processes_new();
	api.auth = make_auth(tokens);
	api.readers = readers_start();
	api.stream = stream_start(api.store, api.auth);
	api.outcomes = outcomes_start(api.store);
	api.loop = loop_new();
	load_conf("[{name: web, repository: shop/web, tags: [v1, v2], approve: "
		  "true, url: 'http://h.example.com/x?secret=s3cret'}]");
	server = http_server_start(&c, &err);
	if (server == NULL)
		fail_msg("%s", err.text);
	return pthread_create(&looper, NULL, loop_thread, api.loop);
}

static UNUSED int setup(void **state)
{
	(void)state;
	return start_api(false);
}

static UNUSED int setup_tokens(void **state)
{
	(void)state;
	return start_api(true);
}

static UNUSED int teardown(void **state)
{
	char *cmd = xprintf("rm -rf '%s'", dir);

	(void)state;
	loop_post(api.loop, end_loop, api.loop);
	pthread_join(looper, NULL);
	http_server_stop(server);
	readers_stop(api.readers);
	loop_free(api.loop);
	stream_stop(api.stream);
	outcomes_stop(api.outcomes);
	store_close(api.store);
	processes_free(api.processes);
	auth_free(api.auth);
	conf_free(api.conf);
	pthread_mutex_destroy(&api.lock);
	strbuf_release(&answer);
	strbuf_release(&asked);
	assert_int_equal(system(cmd), 0);
	free(cmd);
	return 0;
}

#endif
