#include "logger/auth.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/enc.h"
#include "proto/base/mem.h"

#define TEXT(s) ((char *)(uintptr_t)(s))
#define MINE "10.0.0.1"

static struct auth *auth;
static char hashes[2][ENC_SHA256_HEX];
static struct conf_token tokens[] = {
	{.name = TEXT("ann"), .role = ROLE_OPERATOR, .sha256 = hashes[0]},
	{.name = TEXT("bob"), .role = ROLE_VIEWER, .sha256 = hashes[1]},
};
static char *hosts[] = {TEXT("log.example.com")};
static struct auth_who who;

static int setup(void **state)
{
	const struct conf_logger c = {
		.tokens = {tokens, 2}, .hosts = {hosts, 1}};

	(void)state;
	enc_sha256_hex("secret of ann", 13, hashes[0]);
	enc_sha256_hex("secret of bob", 13, hashes[1]);
	auth = auth_new(&c);
	memset(&who, 0, sizeof(who));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	auth_free(auth);
	return 0;
}

static enum auth_result try(const char *address, const char *token, int64_t now)
{
	return auth_token(auth, address, str_from(token), now, &who);
}

static void tokens_have_roles(void **state)
{
	(void)state;
	assert_true(auth_asks(auth));
	assert_int_equal(try(MINE, "secret of ann", 1), AUTH_OK);
	assert_int_equal(who.role, AUTH_OPERATOR);
	assert_string_equal(who.name, "ann");
	assert_false(who.session);
	assert_int_equal(try(MINE, "secret of bob", 1), AUTH_OK);
	assert_int_equal(who.role, AUTH_VIEWER);
	assert_string_equal(who.name, "bob");
	assert_int_equal(try(MINE, "secret of bo", 1), AUTH_WRONG);
	assert_int_equal(try(MINE, "", 1), AUTH_WRONG);
	assert_int_equal(try(MINE, hashes[0], 1), AUTH_WRONG);
}

static void guessing_is_slowed_down(void **state)
{
	(void)state;
	for (int i = 0; i < AUTH_FAILURES; i++)
		assert_int_equal(try(MINE, "guess", 1000 + i), AUTH_WRONG);
	assert_int_equal(try(MINE, "guess", 1010), AUTH_WAIT);
	assert_int_equal(try(MINE, "secret of ann", 1010), AUTH_WAIT);
	/* Nobody else waits for that. */
	assert_int_equal(try("10.0.0.2", "secret of ann", 1010), AUTH_OK);
	assert_int_equal(try(MINE, "secret of ann", 1000 + AUTH_FAILURES_MS - 1),
		AUTH_WAIT);
	assert_int_equal(try(MINE, "secret of ann", 1000 + AUTH_FAILURES_MS),
		AUTH_OK);
}

static void failures_are_bounded(void **state)
{
	char address[32];

	(void)state;
	for (int i = 0; i < 2 * AUTH_ADDRESSES_MAX; i++) {
		snprintf(address, sizeof(address), "a%d", i);
		assert_int_equal(try(address, "guess", 1 + i / 1000),
			AUTH_WRONG);
	}
	assert_int_equal(try(MINE, "secret of ann", 20), AUTH_OK);
}

static void sessions(void **state)
{
	char one[AUTH_COOKIE_LEN], two[AUTH_COOKIE_LEN];

	(void)state;
	assert_int_equal(try(MINE, "secret of ann", 1), AUTH_OK);
	auth_sign_in(auth, &who, 1, one);
	auth_sign_in(auth, &who, 1, two);
	assert_string_not_equal(one, two);
	assert_int_equal(strlen(one), AUTH_COOKIE_LEN - 1);
	memset(&who, 0, sizeof(who));
	assert_int_equal(auth_session(auth, str_from(one), 2, &who), AUTH_OK);
	assert_int_equal(who.role, AUTH_OPERATOR);
	assert_string_equal(who.name, "ann");
	assert_true(who.session);
	assert_int_equal(auth_session(auth, STR(""), 2, &who), AUTH_NONE);
	assert_int_equal(auth_session(auth, STR("00"), 2, &who), AUTH_NONE);
	auth_sign_out(auth, str_from(one));
	assert_int_equal(auth_session(auth, str_from(one), 2, &who), AUTH_NONE);
	/* Each request keeps it, silence ends it. */
	assert_int_equal(auth_session(auth, str_from(two),
		AUTH_SESSION_MS, &who), AUTH_OK);
	assert_int_equal(auth_session(auth, str_from(two),
		2 * AUTH_SESSION_MS, &who), AUTH_OK);
	assert_int_equal(auth_session(auth, str_from(two),
		3 * AUTH_SESSION_MS + 1, &who), AUTH_NONE);
}

static void sessions_are_bounded(void **state)
{
	char first[AUTH_COOKIE_LEN], cookie[AUTH_COOKIE_LEN];

	(void)state;
	who.role = AUTH_VIEWER;
	auth_sign_in(auth, &who, 1, first);
	for (int i = 0; i < AUTH_SESSIONS_MAX; i++)
		auth_sign_in(auth, &who, 2 + i, cookie);
	assert_int_equal(auth_session(auth, str_from(first), 3, &who),
		AUTH_NONE);
	assert_int_equal(auth_session(auth, str_from(cookie), 3, &who),
		AUTH_OK);
}

static void which_hosts_are_ours(void **state)
{
	static const struct {
		const char *host;
		bool ours;
	} cases[] = {
		{"localhost", true}, {"LocalHost:8081", true},
		{"127.0.0.1:8081", true}, {"10.1.2.3", true},
		{"[::1]:8081", true}, {"[fe80::1]", true},
		{"log.example.com", true}, {"LOG.example.com:443", true},
		{"evil.example.com", false}, {"log.example.com.evil.com", false},
		{"localhost.evil.com", false}, {"127.0.0.1.evil.com", false},
		{"", false}, {":8081", false}, {"[", false}, {"[]", false},
		{NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (auth_host(auth, cases[i].host) != cases[i].ours)
			fail_msg("%s", cases[i].host ? cases[i].host : "none");
	}
}

static void without_tokens(void **state)
{
	const struct conf_logger c = {0};
	struct auth *open = auth_new(&c);

	(void)state;
	assert_false(auth_asks(open));
	assert_int_equal(auth_token(open, MINE, STR("x"), 1, &who), AUTH_WRONG);
	auth_free(open);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(tokens_have_roles), T(guessing_is_slowed_down),
		T(failures_are_bounded), T(sessions), T(sessions_are_bounded),
		T(which_hosts_are_ours), T(without_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
