/* The answers over a real server and a real store. */
#include "logger/api.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/base/strbuf.h"
#include "proto/data/json.h"

static char dir[32];
static struct api api;
static struct http_server *server;
static struct strbuf answer;
static int status;

/* ---- client ---------------------------------------------------------------- */

static const char *request(const char *method, const char *target)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)http_server_port(server))};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct strbuf req = {0};
	char buf[65536], *body;
	ssize_t n;

	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	strbuf_addf(&req, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close"
			  "\r\n\r\n", method, target);
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

static struct json *get(const char *target, int want)
{
	static const struct json_limits large = {.nodes = 100000};
	const char *body = request("GET", target);
	struct err err = {0};
	struct json *j = json_parse(str_from(body), &large, &err);

	if (status != want || j == NULL)
		fail_msg("%s: %d %s (%s)", target, status, body, err.text);
	return j;
}

static void expect(const char *target, int want, const char *part)
{
	const char *body = request("GET", target);

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

static void put_rows(int n)
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

static int setup(void **state)
{
	struct http_server_config c = {.listen = "127.0.0.1:0",
		.max_body = 4096, .handle = api_handle, .ctx = &api};
	struct err err = {0};
	char *url;

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pullwire-api-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	url = xprintf("sqlite:%s/log.db", dir);
	api.store = store_open(url, false, &err);
	free(url);
	api.processes = processes_new();
	server = http_server_start(&c, &err);
	if (api.store == NULL || server == NULL)
		print_error("%s\n", err.text);
	return api.store != NULL && server != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	char *cmd = xprintf("rm -rf '%s'", dir);

	(void)state;
	http_server_stop(server);
	store_close(api.store);
	processes_free(api.processes);
	strbuf_release(&answer);
	assert_int_equal(system(cmd), 0);
	free(cmd);
	return 0;
}

/* ---- tests ------------------------------------------------------------------- */

static void pages(void **state)
{
	char *target = xstrdup("/v1/records?limit=7");
	int rows = 0, n_pages = 0;

	(void)state;
	expect("/v1/records", 200, "{\"records\":[],\"next\":null}");
	put_rows(20);
	while (target != NULL) {
		struct json *j = get(target, 200);
		const char *next = json_str(json_get(j, "next"));
		struct json *r = json_first(json_get(j, "records"));

		free(target);
		target = next ? xprintf("/v1/records?limit=7&after=%s", next)
			      : NULL;
		n_pages++;
		for (; r != NULL; r = json_next(r)) {
			char want[16];

			snprintf(want, sizeof(want), "e%03d", 19 - rows++);
			assert_string_equal(json_str(json_get(r, "event")),
				want);
			assert_int_equal(json_len(r), record_table.n);
		}
		json_free(j);
	}
	assert_int_equal(rows, 20);
	assert_int_equal(n_pages, 3);
	/* A last page that is full says that it is the last. */
	expect("/v1/records?limit=20", 200, "\"next\":null");
	expect("/v1/records?limit=19", 200, "\"next\":\"");
	expect("/v1/records?event=e003", 200, "\"id\":\"e003/web/1/deployed\"");
	expect("/v1/records?trigger=a%20b%2Fc&limit=1", 200, "\"e018\"");
	expect("/v1/records?trigger=none", 200, "{\"records\":[],");
}

static void bad_parameters(void **state)
{
	(void)state;
	expect("/v1/records?limit=501", 400, "{\"error\":\"limit: `501`");
	expect("/v1/records?limit=", 400, "limit: ");
	expect("/v1/records?tag", 400, "tag: ");
	expect("/v1/records?colour=red", 400, "`colour` is no parameter");
	expect("/v1/records?since=monday", 400, "since: `monday`");
	expect("/v1/records?after=x", 400, "after: `x`");
	expect("/v1/records?tag=a&tag=b", 400, "tag: given twice");
	expect("/v1/records?%1b[31m=1", 400, "\\u001b[31m");
}

static void one_row(void **state)
{
	(void)state;
	put_rows(2);
	expect("/v1/records/e001/web/1/deployed", 200,
		"\"id\":\"e001/web/1/deployed\"");
	expect("/v1/records/e001%2Fweb%2f1/deployed", 200, "\"e001\"");
	expect("/v1/records/e000/a%20b/c/1/deployed", 200, "\"a b/c\"");
	expect("/v1/records/e009/web/1/deployed", 404, "no row with this id");
	expect("/v1/records/%", 400, "percent-encoded");
	expect("/v1/records/a%2", 400, "percent-encoded");
	expect("/v1/records/a%zz", 400, "percent-encoded");
	expect("/v1/records/a%00b", 400, "percent-encoded");
}

static void other_paths_and_methods(void **state)
{
	(void)state;
	expect("/", 404, "{\"error\":");
	expect("/v1/records/", 404, "{\"error\":");
	expect("/v1/recordsx", 404, "{\"error\":");
	expect("/healthz/", 404, "{\"error\":");
	request("POST", "/v1/records");
	assert_int_equal(status, 405);
	assert_non_null(strstr(strbuf_cstr(&answer), "\r\nAllow: GET, HEAD"));
	request("DELETE", "/v1/records/x");
	assert_int_equal(status, 405);
	assert_string_equal(request("HEAD", "/healthz"), "");
	assert_int_equal(status, 200);
	assert_null(strstr(strbuf_cstr(&answer), "\r\nAllow:"));
	assert_non_null(strstr(strbuf_cstr(&answer),
		"\r\nX-Content-Type-Options: nosniff"));
	assert_non_null(strstr(strbuf_cstr(&answer),
		"\r\nContent-Security-Policy: default-src 'none'"));
	assert_non_null(strstr(strbuf_cstr(&answer),
		"\r\nContent-Type: application/json"));
}

static void how_it_is_going(void **state)
{
	struct msg_status s = {.role = (char *)(uintptr_t)"matcher",
		.instance = (char *)(uintptr_t)"m", .time = 1, .ready = true};

	(void)state;
	expect("/healthz", 200, "{\"status\":\"alive\"}");
	processes_status(api.processes, &s, clock_mono(), 1);
	expect("/readyz", 200, "{\"ready\":true,\"processes\":[{\"role\":"
			       "\"matcher\",\"instance\":\"m\",");
	s.ready = false;
	processes_status(api.processes, &s, clock_mono(), 1);
	expect("/readyz", 503, "{\"ready\":false,");
	s.ready = true; /* and then silence */
	processes_status(api.processes, &s, clock_mono() - 11000, 1);
	expect("/readyz", 503, "no sign of life since 1970-01-01T00:00:00.001Z");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(pages),
		T(bad_parameters),
		T(one_row),
		T(other_paths_and_methods),
		T(how_it_is_going),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
