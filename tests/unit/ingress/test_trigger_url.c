#include "ingress/trigger_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/enc.h"
#include "proto/base/map.h"
#include "proto/base/mem.h"

#define TEXT(s) ((char *)(uintptr_t)(s))

static struct conf_trigger triggers[] = {
	{.name = TEXT("web"), .repository = TEXT("shop/web"),
		.engine = TEXT("local"), .deploy = {.container = TEXT("web")}},
	{.name = TEXT("app"), .repository = TEXT("shop/app"),
		.engine = TEXT("local"),
		.deploy = {.compose = TEXT("shop/app")}},
	{.name = TEXT("notify"), .repository = TEXT("shop/web"),
		.url = TEXT("http://example.com/")},
};

static struct conf conf = {.triggers = {triggers, ARRAY_LEN(triggers)}};
static char dir[] = "/tmp/pullwire-trigger-XXXXXX";

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	conf.names = map_new();
	for (size_t i = 0; i < ARRAY_LEN(triggers); i++) {
		char key[64];

		snprintf(key, sizeof(key), "trigger %s", triggers[i].name);
		map_put(conf.names, str_from(key), &triggers[i]);
	}
	conf.ingress.http = TEXT("127.0.0.1:8080");
	conf.ingress.state = dir;
	return 0;
}

static int teardown(void **state)
{
	char *path = xprintf("%s/trigger.key", dir);

	(void)state;
	map_free(conf.names);
	unlink(path);
	free(path);
	return rmdir(dir);
}

/* The two values of a URL that was made, decoded. */
static void take_apart(const char *url, struct strbuf *base64,
	struct strbuf *secret)
{
	const char *p = strstr(url, "triggerUrl=") + 11;

	for (; *p && *p != '&'; p++) {
		if (*p == '%') {
			char c;

			assert_int_equal(enc_unhex(
				(struct str){p + 1, 2}, &c, 1), 0);
			strbuf_add_char(base64, c);
			p += 2;
		} else {
			strbuf_add_char(base64, *p);
		}
	}
	assert_memory_equal(p, "&secret=", 8);
	strbuf_add_cstr(secret, p + 8);
	assert_int_equal(secret->len, 64);
}

static void make(const struct trigger_url *u, size_t i, struct strbuf *url,
	struct strbuf *base64, struct strbuf *secret)
{
	struct err err = {0};

	assert_int_equal(trigger_url_make(u, &triggers[i], url, &err), 0);
	take_apart(strbuf_cstr(url), base64, secret);
}

static void test_made_and_checked(void **state)
{
	static const char *const texts[] = {
		"local|web|redeploy|web|", "local|shop/app|redeploy|app|"};
	struct err err = {0};
	struct trigger_url *u = trigger_url_new(&conf, &err);

	(void)state;
	assert_non_null(u);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct strbuf url = {0}, base64 = {0}, secret = {0}, text = {0};

		make(u, i, &url, &base64, &secret);
		assert_memory_equal(strbuf_cstr(&url),
			"http://127.0.0.1:8080/hook/trigger?triggerUrl=", 46);
		assert_int_equal(enc_unbase64(strbuf_str(&base64), &text), 0);
		assert_string_equal(strbuf_cstr(&text), texts[i]);
		assert_ptr_equal(trigger_url_check(u, strbuf_cstr(&base64),
			strbuf_cstr(&secret), &err), &triggers[i]);
		strbuf_release(&url);
		strbuf_release(&base64);
		strbuf_release(&secret);
		strbuf_release(&text);
	}
	assert_int_equal(trigger_url_make(u, &triggers[2], NULL, &err), -1);
	assert_non_null(strstr(err.text, "posts to a URL"));
	trigger_url_free(u);
}

static void test_refused(void **state)
{
	struct strbuf url = {0}, base64 = {0}, secret = {0}, other = {0};
	struct strbuf other_secret = {0};
	struct trigger_url *u = trigger_url_new(&conf, NULL);
	const char *const cases[][2] = {
		{NULL, NULL}, {"", ""}, {"*", NULL}, {NULL, "*"},
		{"*", ""}, {"*", "0123456789abcdef"}, {"", "*"},
		{"bG9jYWx8d2Vi", "*"}, {"not base64!", "*"}, {"AAAA", "*"},
	};
	struct err err = {0};

	(void)state;
	make(u, 0, &url, &base64, &secret);
	strbuf_truncate(&url, 0);
	make(u, 1, &url, &other, &other_secret);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *t = cases[i][0], *s = cases[i][1];

		err.text[0] = '\0';
		t = t && *t == '*' ? strbuf_cstr(&base64) : t;
		s = s && *s == '*' ? strbuf_cstr(&secret) : s;
		assert_null(trigger_url_check(u, t, s, &err));
		assert_true(err.text[0]);
	}
	/* The secret of one is none of another. */
	assert_null(trigger_url_check(u, strbuf_cstr(&base64),
		strbuf_cstr(&other_secret), &err));
	/* Each digit counts, and its case. */
	for (size_t i = 0; i < secret.len; i++) {
		char was = secret.buf[i];

		secret.buf[i] = was == 'a' ? 'b' : 'a';
		assert_null(trigger_url_check(u, strbuf_cstr(&base64),
			strbuf_cstr(&secret), &err));
		secret.buf[i] = was;
	}
	/* The target is another by now. */
	triggers[0].deploy.container = TEXT("web2");
	assert_null(trigger_url_check(u, strbuf_cstr(&base64),
		strbuf_cstr(&secret), &err));
	assert_non_null(strstr(err.text, "another target"));
	triggers[0].deploy.container = TEXT("web");
	assert_non_null(trigger_url_check(u, strbuf_cstr(&base64),
		strbuf_cstr(&secret), &err));
	strbuf_release(&url);
	strbuf_release(&base64);
	strbuf_release(&secret);
	strbuf_release(&other);
	strbuf_release(&other_secret);
	trigger_url_free(u);
}

static void test_the_key_stays(void **state)
{
	struct strbuf url[2] = {{0}, {0}}, base64 = {0}, secret = {0};
	char *path = xprintf("%s/trigger.key", dir);
	struct stat st;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct trigger_url *u = trigger_url_new(&conf, NULL);

		assert_int_equal(trigger_url_make(
			u, &triggers[0], &url[i], NULL), 0);
		trigger_url_free(u);
	}
	assert_string_equal(strbuf_cstr(&url[0]), strbuf_cstr(&url[1]));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 65);
	strbuf_release(&url[0]);
	strbuf_release(&url[1]);
	strbuf_release(&base64);
	strbuf_release(&secret);
	free(path);
}

static void test_configured_keys(void **state)
{
	static struct secret keys[] = {
		{TEXT("0123456789abcdef0123456789abcdef"), 32},
		{TEXT("fedcba9876543210fedcba9876543210"), 32}};
	struct strbuf url = {0}, base64 = {0}, secret = {0};
	struct conf c = conf;
	struct trigger_url *u;

	(void)state;
	c.ingress.url = TEXT("https://hooks.example.com//");
	c.ingress.trigger_key = (struct opt_secrets){keys + 1, 1};
	u = trigger_url_new(&c, NULL);
	make(u, 0, &url, &base64, &secret);
	assert_memory_equal(strbuf_cstr(&url),
		"https://hooks.example.com/hook/trigger?", 39);
	trigger_url_free(u);
	/* A new key before it: both hold. */
	c.ingress.trigger_key = (struct opt_secrets){keys, 2};
	u = trigger_url_new(&c, NULL);
	assert_non_null(trigger_url_check(u, strbuf_cstr(&base64),
		strbuf_cstr(&secret), NULL));
	trigger_url_free(u);
	/* The old one gone: its URLs are, too. */
	c.ingress.trigger_key = (struct opt_secrets){keys, 1};
	u = trigger_url_new(&c, NULL);
	assert_null(trigger_url_check(u, strbuf_cstr(&base64),
		strbuf_cstr(&secret), NULL));
	trigger_url_free(u);
	strbuf_release(&url);
	strbuf_release(&base64);
	strbuf_release(&secret);
}

static void test_configuration(void **state)
{
	static struct secret key = {TEXT("short"), 5};
	struct opt_errors errs = {0};
	struct conf c = {.ingress = {.trigger_key = {&key, 1},
		.url = TEXT("hooks.example.com"), .where = {"f", 3}}};

	(void)state;
	trigger_url_check_conf(&c, &errs);
	assert_int_equal(errs.list.n, 2);
	assert_non_null(strstr(errs.list.v[0], "at least 32"));
	assert_non_null(strstr(errs.list.v[1], "is no URL"));
	opt_errors_release(&errs);
	trigger_url_check_conf(&conf, &errs);
	assert_int_equal(errs.list.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_and_checked),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_the_key_stays),
		cmocka_unit_test(test_configured_keys),
		cmocka_unit_test(test_configuration),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
