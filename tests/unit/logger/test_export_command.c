/* `export` and `stats` over a store with rows in it. */
#include "logger/export_command.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include <cmocka.h>

#include "logger/stats_command.h"
#include "logger/store.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"

static char dir[32], url[64];
static atomic_int left;

static void put_done(struct store_put *put, const struct err *err)
{
	assert_null(err);
	field_release(&record_table, &put->record);
	free(put);
	left--;
}

static void put_row(struct store *s, const char *event, const char *trigger,
	const char *status, int64_t time, int64_t ms)
{
	struct store_put *put = xcalloc(1, sizeof(*put));
	struct event e = {.id = (char *)(uintptr_t)event,
		.repository = (char *)(uintptr_t)"=cmd()\"\x1b[2J"};

	put->done = put_done;
	record_from_event(&put->record, &e, trigger, 1, status, time);
	put->record.final = true;
	put->record.duration_ms = xprintf("{\"total\":%lld}", (long long)ms);
	record_reason(&put->record, "a\r\nb");
	left++;
	assert_int_equal(store_put(s, put), 0);
}

/* 12,000 rows, more than two pages, at an hour ago; and few of others. */
static int setup(void **state)
{
	int64_t hour_ago = clock_wall() - 3600000;
	struct err err = {0};
	struct store *s;
	char event[16];

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pullwire-exp-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(url, sizeof(url), "sqlite:%s/log.db", dir);
	s = store_open(&(struct store_config){.url = url}, &err);
	for (int i = 0; i < 12000; i++) {
		snprintf(event, sizeof(event), "e%05d", i);
		put_row(s, event, "many", i % 10 ? "deployed" : "failed",
			hour_ago + i / 7, i);
	}
	put_row(s, "f1", "one", "200", hour_ago, 50);
	put_row(s, "f2", "one", "untriggered", hour_ago + 1, 0);
	put_row(s, "f3", "quiet", "superseded", hour_ago, 0);
	put_row(s, "f4", "old", "200", hour_ago - (int64_t)9 * 86400000, 1);
	put_row(s, "f5", NULL, "ignored", hour_ago, 0);
	while (left > 0)
		clock_sleep(1);
	store_close(s);
	return 0;
}

static int teardown(void **state)
{
	char *cmd = xprintf("rm -rf '%s'", dir);

	(void)state;
	assert_int_equal(system(cmd), 0);
	free(cmd);
	return 0;
}

/* Runs it; what it printed, and its exit code. The caller releases out. */
static int run(int (*command)(const struct conf *, int, char **),
	const char *args, struct strbuf *out)
{
	struct conf conf = {.logger = {.store = url}};
	char *path = xprintf("%s/out", dir), *copy = xstrdup(args);
	char *argv[16], buf[65536];
	int argc = 0, code, saved = dup(STDOUT_FILENO);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ssize_t n;

	for (char *rest = copy, *p; (p = strsep(&rest, " ")) != NULL;)
		argv[argc++] = p;
	argv[argc] = NULL;
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	code = command(&conf, argc, argv);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		strbuf_add(out, buf, (size_t)n);
	close(fd);
	free(path);
	free(copy);
	return code;
}

static size_t lines(const struct strbuf *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->len; i++)
		n += text->buf[i] == '\n';
	return n;
}

static void all_rows_in_order(void **state)
{
	struct strbuf out = {0};
	char want[16];
	const char *at;

	(void)state;
	assert_int_equal(run(export_command, "export --json --trigger many",
				 &out), 0);
	assert_int_equal(lines(&out), 12000);
	at = out.buf;
	for (int i = 0; i < 12000; i++) {
		snprintf(want, sizeof(want), "\"e%05d\"", i);
		at = strstr(at, want);
		assert_non_null(at);
	}
	strbuf_release(&out);
	assert_int_equal(run(export_command, "export --json", &out), 0);
	assert_int_equal(lines(&out), 12005);
	strbuf_release(&out);
}

static void csv_is_one_line_a_row_and_no_formula(void **state)
{
	struct strbuf out = {0};

	(void)state;
	assert_int_equal(run(export_command, "export --csv --event f1", &out),
		0);
	assert_int_equal(lines(&out), 2);
	assert_true(str_starts(strbuf_str(&out), STR("time,id,event,trigger,")));
	assert_non_null(strstr(out.buf, ",\"f1\",\"one\",,"
		"\"'=cmd()\"\"\\x1b[2J\",,,\"200\",true,\"a\\x0d\\x0ab\",,"));
	assert_non_null(strstr(out.buf, "\"{\"\"total\"\":50}\""));
	assert_null(strchr(out.buf, '\x1b'));
	strbuf_release(&out);
}

static void a_line_for_each_trigger(void **state)
{
	struct strbuf out = {0};

	(void)state;
	assert_int_equal(run(stats_command, "stats --json", &out), 0);
	assert_int_equal(lines(&out), 3); /* `old` is older than a week */
	assert_non_null(strstr(out.buf, "{\"trigger\":\"many\",\"last\":"));
	assert_non_null(strstr(out.buf, "\"last_status\":\"deployed\",\"well\":"
		"10800,\"badly\":1200,\"other\":0,\"p50_ms\":5999,"
		"\"p95_ms\":11399}"));
	/* An untriggered push does not hide how the one before ended. */
	assert_non_null(strstr(out.buf, "\"last_status\":\"200\",\"well\":1,"
		"\"badly\":0,\"other\":1,\"p50_ms\":50,\"p95_ms\":50}"));
	assert_non_null(strstr(out.buf, "\"last_status\":\"superseded\","
		"\"well\":0,\"badly\":0,\"other\":1,\"p50_ms\":null,"
		"\"p95_ms\":null}"));
	strbuf_release(&out);
	assert_int_equal(run(stats_command, "stats --since 30d --trigger old",
				 &out), 0);
	assert_int_equal(lines(&out), 2);
	assert_non_null(strstr(out.buf, "100.0 %"));
	strbuf_release(&out);
}

static void colours(void **state)
{
	static const struct {
		const char *no, *force;
		bool want;
	} cases[] = {
		{NULL, NULL, false}, /* a file is no terminal */
		{NULL, "1", true},
		{"1", "1", false},
		{"", "1", true},
		{NULL, "0", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct strbuf out = {0};

		unsetenv("NO_COLOR");
		unsetenv("CLICOLOR_FORCE");
		if (cases[i].no)
			setenv("NO_COLOR", cases[i].no, 1);
		if (cases[i].force)
			setenv("CLICOLOR_FORCE", cases[i].force, 1);
		assert_int_equal(run(stats_command, "stats --trigger one",
					 &out), 0);
		assert_int_equal(strchr(out.buf, '\x1b') != NULL,
			cases[i].want);
		strbuf_release(&out);
	}
	unsetenv("CLICOLOR_FORCE");
}

static void wrong_lines(void **state)
{
	static const char *const wrong[] = {"export", "export --xml",
		"export --csv more", "export --csv --since never",
		"export --csv --trigger"};
	struct strbuf out = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(run(export_command, wrong[i], &out), 2);
	assert_int_equal(run(stats_command, "stats more", &out), 2);
	assert_int_equal(run(stats_command, "stats --until x", &out), 2);
	assert_int_equal(out.len, 0);
	assert_int_equal(run(export_command, "export -h", &out), 0);
	assert_true(out.len > 0);
	strbuf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_rows_in_order),
		cmocka_unit_test(csv_is_one_line_a_row_and_no_formula),
		cmocka_unit_test(a_line_for_each_trigger),
		cmocka_unit_test(colours),
		cmocka_unit_test(wrong_lines),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
