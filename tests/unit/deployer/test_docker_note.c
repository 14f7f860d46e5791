#include "deployer/docker/docker_note.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/mem.h"

/* A journal of one entry. */
struct one {
	struct journal j;
	char *text;
	bool full;
};

static struct one *one_of(struct journal *j)
{
	return CONTAINER_OF(j, struct one, j);
}

static int put(struct journal *j, const char *job, const char *json,
	struct err *err)
{
	(void)job;
	if (one_of(j)->full)
		return err_retry(err, "disk full");
	free(one_of(j)->text);
	one_of(j)->text = xstrdup(json);
	return 0;
}

static int get(struct journal *j, const char *job, char **json,
	struct err *err)
{
	(void)job;
	(void)err;
	*json = xstrdup_null(one_of(j)->text);
	return 0;
}

static int del(struct journal *j, const char *job, struct err *err)
{
	(void)job;
	(void)err;
	free_null(&one_of(j)->text);
	return 0;
}

static void begin(struct docker_note *n)
{
	n->total = 2;
	n->reference = xstrdup("app:v2");
	n->from_image = xstrdup("sha256:was");
	docker_note_digest(n->to, "sha256:to");
	n->now = (struct docker_swap){
		.did = xstrdup("1a2b3c4d"),
		.name = xstrdup("web_1"),
		.old_id = xstrdup("old"),
		.was = xstrdup("running"),
		.policy = xstrdup("{}"),
	};
}

static void test_life(void **state)
{
	struct one one = {.j = {.put = put, .get = get, .del = del}};
	struct docker_note n;

	(void)state;
	assert_int_equal(docker_note_load(&n, &one.j, "e/t", NULL), 0);
	assert_false(n.found);
	begin(&n);
	assert_int_equal(docker_note_save(&n, DOCKER_STEP_STOP, NULL), 0);
	docker_note_release(&n);

	/* The next process. */
	assert_int_equal(docker_note_load(&n, &one.j, "e/t", NULL), 0);
	assert_true(n.found);
	assert_string_equal(n.step, DOCKER_STEP_STOP);
	assert_string_equal(n.now.name, "web_1");
	assert_string_equal(n.reference, "app:v2");
	assert_string_equal(n.from_image, "sha256:was");
	assert_string_equal(n.to, "sha256:to");
	assert_false(docker_note_is_done(&n, "web_1"));
	/* Another one's end leaves the present one alone. */
	assert_int_equal(docker_note_end(&n, "web_2", true, NULL), 0);
	assert_non_null(n.now.name);
	assert_false(docker_note_is_complete(&n));
	assert_int_equal(docker_note_end(&n, "web_1", true, NULL), 0);
	assert_null(n.now.name);
	assert_true(docker_note_is_complete(&n));
	docker_note_release(&n);

	assert_int_equal(docker_note_load(&n, &one.j, "e/t", NULL), 0);
	assert_true(docker_note_is_complete(&n));
	assert_true(docker_note_is_done(&n, "web_1"));
	assert_int_equal(docker_note_forget(&n, NULL), 0);
	assert_null(one.text);
	docker_note_release(&n);
}

static void test_returned(void **state)
{
	struct one one = {.j = {.put = put, .get = get, .del = del}};
	struct docker_note n;

	(void)state;
	assert_int_equal(docker_note_load(&n, &one.j, "e/t", NULL), 0);
	assert_int_equal(docker_note_save(&n, DOCKER_STEP_RETURNED, NULL), 0);
	assert_false(docker_note_is_returned(&n)); /* without a reason */
	n.reason = xstrdup("it failed");
	assert_true(docker_note_is_returned(&n));
	assert_int_equal(docker_note_save(&n, DOCKER_STEP_ROLLBACK, NULL), 0);
	assert_false(docker_note_is_returned(&n));
	docker_note_release(&n);
	free(one.text);
}

static void test_no_room(void **state)
{
	struct one one = {.j = {.put = put, .get = get, .del = del}, .full = true};
	struct docker_note n;
	struct err err = {0};

	(void)state;
	assert_int_equal(docker_note_load(&n, &one.j, "e/t", NULL), 0);
	assert_int_equal(docker_note_save(&n, DOCKER_STEP_STOP, &err), -1);
	assert_int_equal(err.code, DOCKER_NOTE_FAILED);
	assert_false(docker_api_unreachable(&err));
	assert_non_null(strstr(err.text, "disk full"));
	assert_null(n.step);
	docker_note_release(&n);
}

static void test_not_ours(void **state)
{
	static const char *const texts[] = {"", "{", "{\"now\":{\"did\":\"x\"}}",
		"{\"now\":7}"};
	struct docker_note n;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(docker_note_parse(&n, NULL, "e/t", texts[i],
			&err), -1);
		docker_note_release(&n);
	}
	/* What a later version adds is skipped. */
	assert_int_equal(docker_note_parse(&n, NULL, "e/t",
		"{\"later\":1,\"done\":\"x\",\"from\":5}", &err), 0);
	assert_true(n.found);
	docker_note_release(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_returned),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
