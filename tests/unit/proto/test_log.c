#include "proto/base/log.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/str.h"

static int saved_stderr = -1;
static FILE *captured;

static void capture(void)
{
	captured = tmpfile();
	assert_non_null(captured);
	saved_stderr = dup(STDERR_FILENO);
	assert_true(dup2(fileno(captured), STDERR_FILENO) >= 0);
}

/* What was written since capture(); buf is NUL-terminated. */
static size_t captured_text(char *buf, size_t size)
{
	size_t n;

	assert_true(dup2(saved_stderr, STDERR_FILENO) >= 0);
	close(saved_stderr);
	rewind(captured);
	n = fread(buf, 1, size - 1, captured);
	buf[n] = '\0';
	fclose(captured);
	return n;
}

static void test_line(void **state)
{
	char text[4096];
	int64_t when;

	(void)state;
	capture();
	log_init("ingress", LOG_INFO);
	log_debug(NULL, "not shown");
	log_warn("0193-id", "disk is %d %% full", 97);
	log_info(NULL, "two\nlines");
	captured_text(text, sizeof(text));
	assert_int_equal(str_to_time((struct str){text, 24}, &when), 0);
	assert_memory_equal(text + 24,
		" warn ingress 0193-id: disk is 97 % full\n", 41);
	assert_string_equal(
		strchr(text, '\n') + 1 + 24, " info ingress: two\\x0alines\n");
}

static void test_long_line(void **state)
{
	static char text[8192], message[8000];
	size_t n;

	(void)state;
	memset(message, '\n', sizeof(message) - 1);
	capture();
	log_info(NULL, "%s", message);
	n = captured_text(text, sizeof(text));
	assert_true(n > 4000 && n <= 4096);
	assert_true(strchr(text, '\n') == text + n - 1);
}

static void *writer(void *arg)
{
	for (int i = 0; i < 200; i++)
		log_info(arg, "a line of this thread, whole");
	return NULL;
}

static void test_threads(void **state)
{
	static char text[1 << 18];
	static char *ids[] = {"one", "two", "three"};
	pthread_t threads[3];
	struct str rest, line;
	size_t lines = 0;

	(void)state;
	capture();
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(
			&threads[i], NULL, writer, ids[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	rest = (struct str){text, captured_text(text, sizeof(text))};
	while (str_split(&rest, '\n', &line)) {
		if (line.n == 0)
			continue;
		assert_true(str_ends(line, STR(": a line of this thread, whole")));
		lines++;
	}
	assert_int_equal(lines, 600);
}

static void test_limited(void **state)
{
	char text[4096];
	struct str rest, line;
	size_t lines = 0;

	(void)state;
	capture();
	for (int i = 0; i < 5; i++)
		log_limited(LOG_WARN, "peer-a", "cannot connect");
	log_limited(LOG_WARN, "peer-b", "cannot connect");
	rest = (struct str){text, captured_text(text, sizeof(text))};
	while (str_split(&rest, '\n', &line))
		lines += line.n != 0;
	assert_int_equal(lines, 2);
}

static void test_limited_id(void **state)
{
	static const char id[] = "01a208fe-8eb7-719e-a977-e25fb77ad00c/web";
	char text[4096];

	(void)state;
	capture();
	log_limited(LOG_WARN, id, "not started");
	captured_text(text, sizeof(text));
	assert_non_null(strstr(text, "ingress 01a208fe-8eb7-719e-a977-"
				     "e25fb77ad00c/web: not started\n"));
}

/* The last test: there is no way back. */
static void test_json(void **state)
{
	char text[4096];

	(void)state;
	log_as_json();
	capture();
	log_warn("e\"1", "said \"no\"\n\x1b[2J \\ \xff");
	log_error(NULL, "plain");
	captured_text(text, sizeof(text));
	assert_non_null(strstr(text, "\",\"level\":\"warn\",\"role\":"
		"\"ingress\",\"id\":\"e\\\"1\",\"message\":\"said "
		"\\\"no\\\"\\\\x0a\\\\x1b[2J \\\\\\\\ \\\\xff\"}\n{\"time\":"));
	assert_non_null(strstr(text, "\"role\":\"ingress\",\"message\":"
				     "\"plain\"}\n"));
}

static void test_gate(void **state)
{
	static struct log_gate g;
	uint64_t n = 99;
	char key[32];

	(void)state;
	assert_true(log_gate(&g, "a", 5, &n));
	assert_int_equal(n, 0);
	assert_false(log_gate(&g, "a", 6, &n));
	assert_false(log_gate(&g, "a", 60004, &n));
	assert_true(log_gate(&g, "b", 7, &n));
	assert_true(log_gate(&g, "a", 60005, &n));
	assert_int_equal(n, 2);

	/* Ever new keys: 128 lines a minute, then one that counts the rest. */
	memset(&g, 0, sizeof(g));
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "peer-%d", i);
		assert_int_equal(log_gate(&g, key, 100, &n), i <= LOG_KEYS);
	}
	assert_true(log_gate(&g, "peer-new", 60100, &n));
	assert_true(log_gate(&g, "peer-0", 60100, &n));
}

static void test_levels(void **state)
{
	enum log_level level;

	(void)state;
	assert_int_equal(log_level_parse("error", &level), 0);
	assert_int_equal(level, LOG_ERROR);
	assert_int_equal(log_level_parse("ERROR", &level), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_limited),
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_limited_id),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
