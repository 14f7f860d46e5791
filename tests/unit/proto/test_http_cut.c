/* Requests that break off, stop coming or drip. */
#include "tests/unit/proto/http_server_rig.h"

#include "proto/base/clock.h"

static void test_half_close(void **state UNUSED)
{
	static const struct {
		const char *p;
		size_t n;
	} cases[] = {
		{BYTES(HEAD "Content-Length: 1000\r\n\r\nabc")},
		{BYTES(HEAD "Content-Length: 1000\r\n\r\n")},
		{BYTES(HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nab")},
		{BYTES(HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n")},
		{BYTES(HEAD "X: y\r\n")},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int later = 0; later < 2; later++) {
			struct reply r;
			int before = t.handled, fd = dial();

			t.later = later;
			put(fd, cases[i].p, cases[i].n);
			clock_sleep(5);
			shutdown(fd, SHUT_WR);
			assert_true(wait_handled(before + 1));
			if (later) {
				clock_sleep(20);
				answer(t.kept.v[--t.kept.n]);
			}
			get(fd, &r);
			assert_int_equal(r.status, 400);
			assert_int_equal(t.fault, HTTP_BAD_REQUEST);
			assert_string_equal(t.text,
				"the request broke off before its end");
			assert_int_equal(t.body, 0);
			assert_string_equal(t.path, "/x");
			assert_int_equal(recv(fd, &r, 1, 0), 0);
			close(fd);
		}
	}
}

#define HALVES 200

/* The end of what a client sends may come together with its last bytes, when
 * the server is busy: it is heard all the same. A whole request has its
 * answer, one that breaks off its 400, and both connections are closed, long
 * before they are idle. */
static void test_half_close_of_many(void **state UNUSED)
{
	static const char whole[] = HEAD "Content-Length: 3\r\n\r\nabc";
	static const char part[] = HEAD "Content-Length: 4\r\n\r\nabc";
	int fds[HALVES];

	for (int i = 0; i < HALVES; i++)
		fds[i] = dial();
	for (int i = 0; i < HALVES; i++) {
		if (i % 2)
			put(fds[i], BYTES(part));
		else
			put(fds[i], BYTES(whole));
		shutdown(fds[i], SHUT_WR);
	}
	for (int i = 0; i < HALVES; i++) {
		struct reply r;

		get(fds[i], &r);
		assert_int_equal(r.status, i % 2 ? 400 : 200);
		assert_int_equal(recv(fds[i], &r, 1, 0), 0);
		close(fds[i]);
	}
}

static void test_client_gone(void **state UNUSED)
{
	static const char part[] = HEAD "Content-Length: 9\r\n\r\nabc";
	struct linger rst = {1, 0};

	for (int i = 0; i < 2; i++) {
		int fd = dial();

		put(fd, BYTES(part));
		clock_sleep(5);
		if (i == 1)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst));
		close(fd);
		assert_true(wait_handled(i + 1));
		assert_int_equal(t.fault, HTTP_BAD_REQUEST);
	}
}

static int setup_impatient(void **state UNUSED)
{
	return setup_with("127.0.0.1:0", 1000, 0);
}

static void test_idle(void **state UNUSED)
{
	int64_t began = clock_mono();
	struct reply r;

	/* A body that stops, and a connection that says nothing. */
	exchange(BYTES(HEAD "Content-Length: 9\r\n\r\nabc"), false, &r);
	assert_int_equal(r.status, 400);
	assert_string_equal(t.text, "the request stopped coming");
	exchange("", 0, false, &r);
	assert_int_equal(r.status, 0);
	assert_true(r.closed);
	assert_true(clock_mono() - began >= 1500);
	assert_int_equal(t.handled, 1);
}

static int setup_hasty(void **state UNUSED)
{
	send_ms = 600;
	return setup_with("127.0.0.1:0", 5000, 0);
}

static int teardown_hasty(void **state)
{
	send_ms = 0;
	return teardown(state);
}

/* Bytes that drip come soon enough for any time-out between two of them; the
 * whole is too late all the same. */
static void test_dripping(void **state UNUSED)
{
	static const struct {
		const char *start;
		int status; /* 0: no request line, so nobody to answer */
	} cases[] = {
		{"", 0},
		{HEAD, 400},
		{HEAD "Content-Length: 900\r\n\r\n", 400},
		{HEAD "Transfer-Encoding: chunked\r\n\r\n", 400},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *drop = strstr(cases[i].start, "chunked")
			? "1\r\nx\r\n" : "a";
		int fd = dial(), before = t.handled;
		int64_t began = clock_mono();
		struct reply r;

		put(fd, cases[i].start, strlen(cases[i].start));
		while (clock_mono() - began < 60000 && recv(fd, &r, 1,
			MSG_DONTWAIT | MSG_PEEK) < 0 &&
			put(fd, drop, strlen(drop)))
			clock_sleep(20);
		assert_in_range(clock_mono() - began, 500, 59999);
		get(fd, &r);
		settle();
		assert_int_equal(r.status, cases[i].status);
		assert_int_equal(t.handled, before + (cases[i].status != 0));
		if (cases[i].status)
			assert_string_equal(t.text,
				"the request stopped coming");
		close(fd);
	}
}

/* The limits are each request's: a kept connection lives on. */
static void test_pauses(void **state UNUSED)
{
	static const char req[] = HEAD "Content-Length: 2\r\n\r\nhi";
	struct reply r;
	int fd = dial();

	for (int i = 0; i < 3; i++) {
		put(fd, BYTES(req));
		get(fd, &r);
		assert_int_equal(r.status, 200);
		clock_sleep(900);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_half_close),
		TEST(test_half_close_of_many),
		TEST(test_client_gone),
		cmocka_unit_test_setup_teardown(
			test_idle, setup_impatient, teardown),
		cmocka_unit_test_setup_teardown(
			test_dripping, setup_hasty, teardown_hasty),
		cmocka_unit_test_setup_teardown(
			test_pauses, setup_hasty, teardown_hasty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
