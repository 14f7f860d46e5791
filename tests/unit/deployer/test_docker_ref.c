#include "deployer/docker/docker_ref.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *text, *repository, *registry, *path, *tag, *digest;
} splits[] = {
	{"nginx", "nginx", "docker.io", "nginx", "", ""},
	{"nginx:1.25", "nginx", "docker.io", "nginx", "1.25", ""},
	{"shop/web", "shop/web", "docker.io", "shop/web", "", ""},
	{"docker.io/library/nginx:1", "docker.io/library/nginx", "docker.io",
		"library/nginx", "1", ""},
	{"index.docker.io/shop/web", "index.docker.io/shop/web", "docker.io",
		"shop/web", "", ""},
	/* A port is no tag. */
	{"host:5000/app", "host:5000/app", "host:5000", "app", "", ""},
	{"host:5000/app:v1", "host:5000/app", "host:5000", "app", "v1", ""},
	{"localhost/app", "localhost/app", "localhost", "app", "", ""},
	{"registry.example.com/a/b/c:v", "registry.example.com/a/b/c",
		"registry.example.com", "a/b/c", "v", ""},
	{"app@sha256:" HEX, "app", "docker.io", "app", "", "sha256:" HEX},
	{"host:5000/app:v1@sha256:" HEX, "host:5000/app", "host:5000", "app",
		"v1", "sha256:" HEX},
	{"sha256:" HEX, "sha256", "docker.io", "sha256", HEX, ""},
	{"", "", "docker.io", "", "", ""},
};

static void test_split(void **state)
{
	struct docker_ref r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(splits); i++) {
		docker_ref_split(str_from(splits[i].text), &r);
		assert_true(str_is(r.repository, splits[i].repository));
		assert_true(str_is(r.registry, splits[i].registry));
		assert_true(str_is(r.path, splits[i].path));
		assert_true(str_is(r.tag, splits[i].tag));
		assert_true(str_is(r.digest, splits[i].digest));
	}
}

static const struct {
	const char *text;
	bool id;
} ids[] = {
	{HEX, true},
	{"sha256:" HEX, true},
	{"0123456789ab", true},
	{"0123456789a", false},
	{HEX "0", false},
	{"0123456789aB", false},
	{"shop/web", false},
	{"web@sha256:" HEX, false},
};

static void test_ids_and_digests(void **state)
{
	char *joined;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		assert_int_equal(docker_ref_is_id(str_from(ids[i].text)),
			ids[i].id);
	assert_false(docker_ref_is_digest("v1"));
	assert_true(docker_ref_is_digest("sha256:" HEX));
	joined = docker_ref_join("h:5000/a", "v1");
	assert_string_equal(joined, "h:5000/a:v1");
	free(joined);
	joined = docker_ref_join("h:5000/a", "sha256:" HEX);
	assert_string_equal(joined, "h:5000/a@sha256:" HEX);
	free(joined);
}

static const struct {
	const char *a, *b;
	bool same;
} pairs[] = {
	{"nginx", "docker.io/library/nginx:1", true},
	{"library/nginx", "index.docker.io/nginx@sha256:" HEX, true},
	{"shop/web:1", "docker.io/shop/web:2", true},
	{"host:5000/app", "host:5000/app:v2", true},
	{"host:5000/library/app", "host:5000/app", false},
	{"host:5000/app", "host/app", false},
	{"app", "host:5000/app", false},
	{"shop/web", "shop/web2", false},
};

static void test_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct str a = str_from(pairs[i].a), b = str_from(pairs[i].b);

		assert_int_equal(docker_ref_same_repository(a, b), pairs[i].same);
		assert_int_equal(docker_ref_same_repository(b, a), pairs[i].same);
	}
}

static const struct {
	const char *registry, *repository, *want;
} names[] = {
	{NULL, "shop/web", "shop/web"},
	{"", "library/nginx", "nginx"},
	{"docker.io", "library/nginx", "nginx"},
	{"registry-1.docker.io", "shop/web", "shop/web"},
	{NULL, "my.company/web", "docker.io/my.company/web"},
	{"host:5000", "library/nginx", "host:5000/library/nginx"},
	{"registry.example.com", "shop/web", "registry.example.com/shop/web"},
};

static void test_repository(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct strbuf sb = {0};

		docker_ref_repository(
			names[i].registry, names[i].repository, &sb);
		assert_string_equal(strbuf_cstr(&sb), names[i].want);
		strbuf_release(&sb);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_ids_and_digests),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_repository),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
