/* A database that takes all we send and says nothing: no store waits for it
 * when it is to end. Only that each test ends is tested: the bounds are
 * seconds, without them it would be minutes or for ever. */
#include "tests/unit/logger/store_rig.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/str.h"

#define END_MAX_S 60   /* an end takes 3 s; the alarm is for what hangs */
#define ADDRESSES 80   /* at 5 s each */
#define ROWS 64
#define ROW_TEXT 40000 /* more together than a socket takes */

/* A listener whose connections nobody accepts: the kernel makes them. */
static int silent_listener(int *port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(listen(fd, 1000), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	*port = ntohs(sa.sin_port);
	return fd;
}

/* The start gives up soon, its thread tries on; the end waits for neither. */
static void dead_addresses(void **state)
{
	struct strbuf text = {0};
	struct err err = {0};
	struct store *s;
	int port, fd = silent_listener(&port);

	(void)state;
	strbuf_add_cstr(&text, "postgresql://u@");
	for (int i = 0; i < ADDRESSES; i++)
		strbuf_addf(&text, "%s127.0.0.1:%d", i ? "," : "", port);
	strbuf_add_cstr(&text, "/log");
	alarm(END_MAX_S);
	s = store_open(&(struct store_config){.url = strbuf_cstr(&text)},
		&err);
	if (s == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(store_check(s, &err), -1);
	clock_sleep(1500); /* the writer tries again */
	store_close(s);
	alarm(0);
	close(fd);
	strbuf_release(&text);
}

/* ---- a clock that is set --------------------------------------------------- */

static atomic_bool stepped;

/* In place of the C library's: the wall clock is an hour off. */
int clock_gettime(clockid_t id, struct timespec *ts)
{
	long rc = syscall(SYS_clock_gettime, id, ts);

	if (rc == 0 && id == CLOCK_REALTIME && atomic_load(&stepped))
		ts->tv_sec += 3600;
	return (int)rc;
}

/* The next try is a second away, whatever the wall clock says meanwhile. */
static void tries_go_on(void **state)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	socklen_t n = sizeof(sa);
	struct err err = {0};
	struct store *s;
	char to[80];

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	snprintf(to, sizeof(to), "postgresql://u@127.0.0.1:%d/log",
		ntohs(sa.sin_port));
	atomic_store(&stepped, true);
	s = store_open(&(struct store_config){.url = to}, &err); /* refused */
	if (s == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(store_check(s, &err), -1);
	assert_int_equal(listen(fd, 10), 0);
	n = (socklen_t)poll(&p, 1, END_MAX_S * 1000);
	atomic_store(&stepped, false);
	store_close(s);
	close(fd);
	assert_int_equal(n, 1);
}

/* ---- over a Unix socket --------------------------------------------------- */

static int take_text(void *ctx, const struct pg_row *r)
{
	snprintf(ctx, 200, "%s", pg_str(r, 0));
	return 0;
}

static struct pg *admin(void)
{
	const struct pg_config c = {.url = getenv("PULLWIRE_POSTGRESQL")};
	struct err err = {0};
	struct pg *pg = pg_open(&c, &err);

	if (pg == NULL)
		fail_msg("%s", err.text);
	return pg;
}

static void show(struct pg *pg, const char *sql, char out[200])
{
	const struct pg_statement s = {.sql = sql, .row = take_text,
		.ctx = out};
	struct err err = {0};

	out[0] = '\0';
	if (pg_query(pg, &s, &err) < 0)
		fail_msg("%s", err.text);
}

/* The same server by its socket: USER:PASSWORD stays, the host goes. */
static bool by_socket(char *out, size_t n)
{
	const char *from = getenv("PULLWIRE_POSTGRESQL") + strlen("postgresql://");
	const char *at = strchr(from, '@');
	char folder[200], port[200];
	struct pg *pg = admin();

	show(pg, "SHOW unix_socket_directories", folder);
	show(pg, "SHOW port", port);
	pg_close(pg);
	if (at == NULL || folder[0] != '/' || strchr(folder, ',') != NULL)
		return false;
	snprintf(out, n, "postgresql://%.*s@/postgres?host=%s&port=%s"
		"&application_name=silent-%d&options=-csearch_path%%3Dt%d",
		(int)(at - from), from, folder, port, (int)getpid(),
		(int)getpid());
	return true;
}

static pid_t backend(void)
{
	char sql[200], text[200];
	struct pg *pg = admin();
	int64_t pid = 0;

	snprintf(sql, sizeof(sql), "SELECT pid FROM pg_stat_activity WHERE "
		"application_name = 'silent-%d'", (int)getpid());
	show(pg, sql, text);
	pg_close(pg);
	(void)str_to_i64(str_from(text), &pid);
	return (pid_t)pid;
}

static int failed, done;
static pid_t stopped;

/* It hangs: the server goes on, so that the test ends, and fails. */
static void go_on(int signo)
{
	(void)signo;
	kill(stopped, SIGCONT);
}

static void count_done(struct store_put *put, const struct err *err)
{
	done++;
	failed += err != NULL;
	field_release(&record_table, &put->record);
	free(put);
}

static void a_socket_that_takes_no_more(void **state)
{
	char text[ROW_TEXT + 1];
	struct err err = {0};
	char socket_url[600];
	struct store *s;
	struct record r;

	(void)state;
	if (!by_socket(socket_url, sizeof(socket_url)))
		skip();
	s = store_open(&(struct store_config){.url = socket_url}, &err);
	if (s == NULL || store_check(s, &err) < 0)
		fail_msg("%s", err.text);
	r = record(0, "first", "t", "deployed", true);
	assert_int_equal(put_to(s, &r), STORE_NEW); /* all is prepared */
	stopped = backend();
	if (stopped <= 0 || kill(stopped, SIGSTOP) < 0) {
		store_close(s);
		skip(); /* not ours to stop */
	}
	memset(text, 'x', ROW_TEXT);
	text[ROW_TEXT] = '\0';
	failed = done = 0;
	for (int i = 0; i < ROWS; i++) {
		struct store_put *put = xcalloc(1, sizeof(*put));
		char event[16];

		snprintf(event, sizeof(event), "e%02d", i);
		put->record = record(i, event, "t", "deployed", true);
		put->record.request = xstrdup(text);
		put->done = count_done;
		assert_int_equal(store_put(s, put), 0);
	}
	clock_sleep(300); /* the group is on its way */
	signal(SIGALRM, go_on);
	alarm(END_MAX_S);
	store_close(s);
	alarm(0);
	signal(SIGALRM, SIG_DFL);
	kill(stopped, SIGCONT);
	assert_int_equal(done, ROWS);
	assert_int_equal(failed, ROWS);
}

int main(void)
{
	const struct CMUnitTest alone[] = {
		cmocka_unit_test(dead_addresses),
		cmocka_unit_test(tries_go_on),
	};
	const struct CMUnitTest postgresql[] = {
		cmocka_unit_test_setup_teardown(a_socket_that_takes_no_more,
			pg_setup, pg_teardown),
	};
	const struct CMUnitTest none[] = {cmocka_unit_test(without_server)};
	int bad;

	log_init("test", LOG_FATAL);
	bad = cmocka_run_group_tests(alone, NULL, NULL);
	if (getenv("PULLWIRE_POSTGRESQL") == NULL)
		return bad + cmocka_run_group_tests(none, NULL, NULL);
	return bad + cmocka_run_group_tests(postgresql, NULL, NULL);
}
