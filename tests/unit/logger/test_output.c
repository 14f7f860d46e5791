#include "logger/output.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/base/strbuf.h"

#define TEXT(s) ((char *)(uintptr_t)(s))

static struct record row(const char *reason)
{
	return (struct record){.time = 1763898540123, .id = TEXT("i"),
		.event = TEXT("e"), .status = TEXT("deployed"),
		.reason = TEXT(reason)};
}

static size_t read_all(int fd, struct strbuf *out)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		strbuf_add(out, buf, (size_t)n);
	return out->len;
}

static void one_line_a_row(void **state)
{
	struct record a = row("first"), b = row("second");
	struct strbuf out = {0};
	struct err err = {0};
	struct output *o;
	int fds[2];

	(void)state;
	for (int format = OUTPUT_AUTO; format <= OUTPUT_JSON; format++) {
		assert_int_equal(pipe(fds), 0);
		o = output_start(fds[1], (enum output_format)format, &err);
		assert_non_null(o);
		output_row(o, &a);
		output_row(o, &b);
		output_stop(o, 10000);
		close(fds[1]);
		strbuf_truncate(&out, 0);
		read_all(fds[0], &out);
		close(fds[0]);
		assert_non_null(strstr(strbuf_cstr(&out), "first"));
		assert_true(strstr(strbuf_cstr(&out), "first") <
			strstr(strbuf_cstr(&out), "second"));
		/* A pipe is no terminal. */
		assert_int_equal(strbuf_cstr(&out)[0],
			format == OUTPUT_TEXT ? '2' : '{');
		assert_null(strchr(strbuf_cstr(&out), '\033'));
		assert_int_equal(out.buf[out.len - 1], '\n');
	}
	strbuf_release(&out);
}

/* Nobody reads: putting goes on at once, what is too much is counted, and
 * what was kept comes out whole when the reader is back. */
static void a_blocked_reader_blocks_nobody(void **state)
{
	char *reason = calloc(1, 10001);
	struct record r = row(memset(reason, 'x', 10000));
	int64_t start = clock_mono();
	struct strbuf out = {.limit = (size_t)64 << 20};
	struct err err = {0};
	size_t lines = 0;
	uint64_t left_out;
	struct output *o;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	o = output_start(fds[1], OUTPUT_JSON, &err);
	for (int i = 0; i < 3000; i++)
		output_row(o, &r);
	assert_true(clock_mono() - start < 60000);
	left_out = output_left_out(o);
	assert_true(left_out > 1000 && left_out < 3000);
	output_stop(o, 50); /* in vain, and back in time */
	assert_true(clock_mono() - start < 60000);

	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	for (int idle = 0; idle < 20;) { /* and no more than all come */
		size_t before = out.len;

		clock_sleep(10);
		read_all(fds[0], &out);
		for (size_t i = before; i < out.len; i++)
			lines += out.buf[i] == '\n';
		idle += lines + left_out >= 3000;
		assert_true(clock_mono() - start < 120000);
	}
	assert_int_equal(lines + left_out, 3000);
	strbuf_release(&out);
	close(fds[0]);
	free(reason);
}

static void terminals(void **state)
{
	int tty = posix_openpt(O_RDWR | O_NOCTTY);

	(void)state;
	assert_true(tty >= 0);
	unsetenv("NO_COLOR");
	assert_int_equal(output_resolve(tty, OUTPUT_AUTO), OUTPUT_TEXT);
	assert_int_equal(output_resolve(tty, OUTPUT_JSON), OUTPUT_JSON);
	assert_true(output_colour(tty));
	setenv("NO_COLOR", "1", 1);
	assert_false(output_colour(tty));
	close(tty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line_a_row),
		cmocka_unit_test(a_blocked_reader_blocks_nobody),
		cmocka_unit_test(terminals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
