/* The command as a process of its own, beside a store that is written to. */
#include "logger/log_command.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "logger/store.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"

static char dir[32], url[64];
static struct store *store;
static atomic_int left;

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pullwire-cmd-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(url, sizeof(url), "sqlite:%s/log.db", dir);
	return 0;
}

static void open_store(void)
{
	struct err err = {0};

	store = store_open(&(struct store_config){.url = url}, &err);
	assert_non_null(store);
}

static int teardown(void **state)
{
	char *cmd = xprintf("rm -rf '%s'", dir);

	(void)state;
	store_close(store);
	store = NULL;
	assert_int_equal(system(cmd), 0);
	free(cmd);
	return 0;
}

static void put_done(struct store_put *put, const struct err *err)
{
	assert_null(err);
	field_release(&record_table, &put->record);
	free(put);
	left--;
}

static void put_row(const char *event, int64_t time)
{
	struct store_put *put = xcalloc(1, sizeof(*put));
	struct event e = {.id = (char *)(uintptr_t)event};

	put->done = put_done;
	record_from_event(&put->record, &e, "t", 1, "deployed", time);
	record_reason(&put->record, "[%s]", event);
	left = 1;
	assert_int_equal(store_put(store, put), 0);
	while (left > 0)
		clock_sleep(1);
}

struct command {
	pid_t pid;
	int out;
	struct strbuf text;
};

/* "log", then the arguments up to a NULL. */
static struct command start(const char *const *args)
{
	struct conf conf = {.logger = {.store = url}};
	char *argv[16] = {(char *)(uintptr_t)"log"};
	struct command c = {0};
	int fds[2], argc = 1;

	for (; args[argc - 1] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)args[argc - 1];
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	c.pid = fork();
	if (c.pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		_exit(log_command(&conf, argc, argv));
	}
	close(fds[1]);
	c.out = fds[0];
	return c;
}

static void read_until(struct command *c, const char *part)
{
	struct pollfd p = {.fd = c->out, .events = POLLIN};
	char buf[4096];
	ssize_t n = 1;

	while (n > 0 && (part == NULL ||
			strstr(strbuf_cstr(&c->text), part) == NULL)) {
		if (poll(&p, 1, 60000) <= 0)
			fail_msg("no `%s` in: %s", part ? part : "end",
				strbuf_cstr(&c->text));
		n = read(c->out, buf, sizeof(buf));
		if (n > 0)
			strbuf_add(&c->text, buf, (size_t)n);
	}
}

static int end(struct command *c)
{
	int status;

	close(c->out);
	waitpid(c->pid, &status, 0);
	strbuf_release(&c->text);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Runs it; its exit code and what it printed must be these: the events in
 * brackets, in order. */
static void expect(const char *const *args, int code, const char *events)
{
	struct command c = start(args);
	struct strbuf got = {0};
	int rc;

	read_until(&c, NULL);
	for (const char *p = strbuf_cstr(&c.text); (p = strchr(p, '[')); p++)
		strbuf_add(&got, p, strcspn(p, "]") + 1);
	if (code == 0)
		assert_string_equal(strbuf_cstr(&got), events);
	else if (strstr(strbuf_cstr(&c.text), events) == NULL)
		fail_msg("no `%s` in: %s", events, strbuf_cstr(&c.text));
	strbuf_release(&got);
	rc = end(&c);
	assert_int_equal(rc, code);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_ARGS ((const char *const[]){NULL})

static void the_last_rows_oldest_first(void **state)
{
	(void)state;
	open_store();
	expect(NO_ARGS, 0, "");
	put_row("b", 2000);
	put_row("a", 1000);
	put_row("c", clock_wall());
	expect(NO_ARGS, 0, "[a][b][c]");
	expect(ARGS("-n", "2"), 0, "[b][c]");
	expect(ARGS("-n", "0"), 0, "");
	expect(ARGS("--since", "1h"), 0, "[c]");
	expect(ARGS("--until=1970-01-01T00:00:02Z"), 0, "[a]");
	expect(ARGS("--event", "b", "--trigger", "t"), 0, "[b]");
	expect(ARGS("--status", "failed"), 0, "");
	store_close(store);
	store = NULL;
	expect(ARGS("--json"), 0, "[a][b][c]"); /* the daemon is down */
}

static void json_is_one_object_a_line(void **state)
{
	struct command c;

	(void)state;
	open_store();
	put_row("a", 1000);
	c = start(ARGS("--json"));
	read_until(&c, NULL);
	assert_int_equal(strbuf_cstr(&c.text)[0], '{');
	assert_string_equal(c.text.buf + c.text.len - 2, "}\n");
	assert_int_equal(end(&c), 0);
}

static void faults(void **state)
{
	(void)state;
	expect(NO_ARGS, 1, "log.db");
	expect(ARGS("-x"), 2, "usage: pullwire-logger");
	expect(ARGS("-n", "many"), 2, "-n takes a number");
	expect(ARGS("--since", "monday"), 2, "since: `monday`");
	expect(ARGS("--limit", "3"), 2, "usage: pullwire-logger");
	expect(ARGS("web"), 2, "no option");
}

static void following(void **state)
{
	struct command c;

	(void)state;
	open_store();
	c = start(ARGS("-f")); /* of an empty log */
	clock_sleep(100);
	put_row("first", 5000);
	read_until(&c, "[first]");
	put_row("late", 1000); /* an old time, but it arrives now */
	read_until(&c, "[late]");
	kill(c.pid, SIGTERM);
	assert_int_equal(end(&c), -1);

	c = start(ARGS("-f", "-n", "1"));
	read_until(&c, "[first]");
	put_row("third", 6000);
	read_until(&c, "[third]");
	assert_null(strstr(strbuf_cstr(&c.text), "[late]"));
	kill(c.pid, SIGTERM);
	end(&c);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_last_rows_oldest_first),
		T(json_is_one_object_a_line),
		T(faults),
		T(following),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
