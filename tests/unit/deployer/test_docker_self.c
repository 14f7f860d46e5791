#include "deployer/docker/docker_self.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *what, *text, *id;
} rows[] = {
	{"in a container",
		"700 600 0:50 / / rw - overlay overlay rw\n"
		"701 600 8:1 /var/lib/docker/containers/" ID
		"/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda1 rw\n",
		ID},
	{"on the host, beside containers",
		"80 20 0:40 / /var/lib/docker/containers/" OTHER
		"/mounts/shm rw - tmpfs shm rw\n", ""},
	{"a volume that holds an engine's data",
		"80 20 8:1 /data/containers/" OTHER
		"/x /srv/engine rw - ext4 /dev/sda1 rw\n", ""},
	{"too short", "80 20 8:1 /containers/0123/hosts /etc/hosts rw\n", ""},
	{"nothing", "", ""},
	{"not mountinfo", "a\nb c\n\n", ""},
};

static void test_id(void **state)
{
	char id[DOCKER_ID_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		docker_self_id_in(str_from(rows[i].text), id);
		if (strcmp(id, rows[i].id) != 0)
			fail_msg("%s: \"%s\"", rows[i].what, id);
	}
}

static void test_claims(void **state)
{
	(void)state;
	assert_true(docker_self_claim("unix:///a", "web"));
	assert_false(docker_self_claim("unix:///a", "web"));
	assert_true(docker_self_claim("unix:///b", "web"));
	assert_true(docker_self_claim("unix:///a", "db"));
	docker_self_release("unix:///a", "web");
	assert_true(docker_self_claim("unix:///a", "web"));
	docker_self_release("unix:///a", "nobody's");
	docker_self_release("unix:///a", "web");
	docker_self_release("unix:///b", "web");
	docker_self_release("unix:///a", "db");
	assert_true(docker_self_claim("unix:///a", "db"));
	docker_self_release("unix:///a", "db");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_id),
		cmocka_unit_test(test_claims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
