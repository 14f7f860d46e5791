#include "deployer/docker/docker_evidence.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/mem.h"
#include "proto/msg/record.h"

static struct json *container(int probes, size_t output)
{
	struct json *c = json_new_object(), *state = json_new_object();
	struct json *health = json_new_object(), *log = json_new_array(), *p;
	char *text = xcalloc(output + 1, 1);

	memset(text, 1, output); /* six bytes each in JSON */
	for (int i = 0; i < probes; i++) {
		p = json_new_object();
		json_set_str(p, "Start", "2026-01-01T00:00:00Z");
		json_set_i64(p, "ExitCode", i);
		json_set_str(p, "Output", text);
		json_push(log, p);
	}
	free(text);
	json_set(health, "Log", log);
	json_set_str(state, "Status", "exited");
	json_set_i64(state, "ExitCode", 3);
	json_set_i64(state, "Pid", 17);
	json_set(state, "Health", health);
	json_set(c, "State", state);
	json_set(c, "Config", json_parse(STR("{\"Env\":[\"SECRET=x\"]}"), NULL,
				      NULL));
	return c;
}

static void test_fits_a_row(void **state)
{
	static char log[1 << 20];
	struct strbuf text = {0};
	struct json *c = container(20, 4096), *e;

	(void)state;
	memset(log, 2, sizeof(log));
	e = docker_evidence_of(c, (struct str){log, sizeof(log)});
	json_write(e, &text);
	assert_true(text.len < RECORD_DETAIL_MAX);
	assert_int_equal(json_len(json_get(e, "health")), 5);
	assert_int_equal(json_i64(json_path(json_at(json_get(e, "health"), 4),
				 "ExitCode"), 0), 19);
	assert_int_equal(json_i64(json_path(e, "state.ExitCode"), 0), 3);
	assert_null(json_path(e, "state.Pid"));
	assert_null(strstr(strbuf_cstr(&text), "SECRET"));
	json_free(e);
	json_free(c);
	strbuf_release(&text);
}

static void test_nothing_to_tell(void **state)
{
	struct json *c = container(0, 0);
	struct json *e = docker_evidence_of(c, (struct str){0});

	(void)state;
	assert_null(json_get(e, "health"));
	assert_null(json_get(e, "log"));
	json_free(e);
	json_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fits_a_row),
		cmocka_unit_test(test_nothing_to_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
