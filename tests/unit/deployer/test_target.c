#include "deployer/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "deployer/row.h"

#define EVENT_ID "01890000-0000-7000-8000-000000000001"

static const char common[] =
	"engines:\n"
	"  - {name: local, docker: 'unix:///run/a.sock'}\n"
	"  - {name: far, docker: 'unix:///run/b.sock'}\n"
	"triggers:\n"
	"  - {name: web, repository: shop/web, deploy: {container: web}, "
	"engine: local}\n"
	"  - {name: all, repository: 'shop/**', deploy: {compose: shop/api}, "
	"engine: far}\n"
	"  - {name: try, repository: shop/web, deploy: {container: web}, "
	"engine: local, dry_run: true}\n"
	"  - {name: tell, repository: shop/web, "
	"url: 'http://h:8000/x?secret=s3'}\n";

/* NULL when the configuration has faults, then in errs. */
static struct conf *load(const char *deployer, struct opt_errors *errs)
{
	char path[] = "/tmp/test_target.XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");
	struct conf *conf;

	fprintf(f, "%s%s", common, deployer);
	fclose(f);
	conf = conf_load(path, errs);
	unlink(path);
	if (!conf && errs->list.n == 0)
		fail_msg("no configuration and no fault");
	return conf;
}

static struct conf *load_ok(const char *deployer)
{
	struct opt_errors errs = {0};
	struct conf *conf = load(deployer, &errs);

	if (errs.list.n)
		fail_msg("%s", errs.list.v[0]);
	opt_errors_release(&errs);
	return conf;
}

static void test_find(void **state)
{
	static const struct {
		const char *lanes, *trigger, *lane, *repository;
		const char *refused; /* NULL: it may be done */
	} cases[] = {
		{"[http, local, far]", "web", "local", "shop/web", NULL},
		{"[http, local, far]", "all", "far", "shop/a/b", NULL},
		{"[http, local, far]", "tell", "http", "shop/web", NULL},
		{"[http]", "tell", "http", "shop/web", NULL},
		{"[http]", "gone", "http", "shop/web", "has no trigger gone"},
		{"[http, local]", "web", "local", "shop/evil",
			"is for shop/web, not for shop/evil"},
		{"[http, local]", "web", "http", "shop/web",
			"is done in lane local, not in http"},
		{"[http, local, far]", "web", "far", "shop/web",
			"is done in lane local, not in far"},
		{"[http]", "web", "local", "shop/web",
			"does not serve lane local"},
		{"[local]", "tell", "http", "shop/web",
			"does not serve lane http"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[64];
		struct job job = {
			.trigger = (char *)(uintptr_t)cases[i].trigger,
			.lane = (char *)(uintptr_t)cases[i].lane,
			.event.repository =
				(char *)(uintptr_t)cases[i].repository,
		};
		const struct conf_trigger *t;
		struct err err = {0};
		struct conf *conf;

		snprintf(text, sizeof(text), "deployer: {lanes: %s}\n",
			cases[i].lanes);
		conf = load_ok(text);
		t = target_find(conf, &job, &err);
		if (!cases[i].refused) {
			assert_non_null(t);
			assert_string_equal(t->name, cases[i].trigger);
		} else {
			assert_null(t);
			if (!strstr(err.text, cases[i].refused))
				fail_msg("%s", err.text);
		}
		conf_free(conf);
	}
}

static void test_all_lanes_by_default(void **state)
{
	struct conf *conf = load_ok("");
	const char **lanes;

	(void)state;
	assert_int_equal(target_lanes(conf, &lanes), 3);
	assert_string_equal(lanes[0], "http");
	assert_string_equal(lanes[1], "local");
	assert_string_equal(lanes[2], "far");
	free(lanes);
	assert_true(target_serves(conf, "far"));
	assert_false(target_serves(conf, "farther"));
	conf_free(conf);
	conf = load_ok("deployer: {lanes: [far]}\n");
	assert_int_equal(target_lanes(conf, &lanes), 1);
	assert_string_equal(lanes[0], "far");
	free(lanes);
	assert_false(target_serves(conf, "http"));
	conf_free(conf);
}

static void test_check_conf(void **state)
{
	static const struct {
		const char *deployer, *fault;
	} cases[] = {
		{"deployer: {schedule: [0, 40d]}\n",
			"schedule: step 2 of the schedule, `40d`"},
		{"deployer: {schedule: [0, 5s], lanes: [local]}\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct opt_errors errs = {0};
		struct conf *conf = load(cases[i].deployer, &errs);

		assert_non_null(conf);
		target_check_conf(conf, &errs);
		assert_int_equal(errs.list.n, cases[i].fault ? 1 : 0);
		if (cases[i].fault && !strstr(errs.list.v[0], cases[i].fault))
			fail_msg("%s", errs.list.v[0]);
		if (cases[i].fault)
			assert_non_null(strstr(errs.list.v[0], ":9: "));
		opt_errors_release(&errs);
		conf_free(conf);
	}
}

static void test_ids(void **state)
{
	static const struct {
		const char *id, *event, *trigger;
		int rc;
	} cases[] = {
		{EVENT_ID "/web", EVENT_ID, "web", 0},
		{EVENT_ID "/web", EVENT_ID, "api", -1},
		{"web", EVENT_ID, "web", -1},
		{"e/web", "e", "web", -1},
		{EVENT_ID "/x/../y", EVENT_ID, "x/../y", 0},
		{"x", EVENT_ID,
			"0123456789012345678901234567890123456789"
			"0123456789012345678901234", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct job job = {
			.id = (char *)(uintptr_t)cases[i].id,
			.trigger = (char *)(uintptr_t)cases[i].trigger,
			.event.id = (char *)(uintptr_t)cases[i].event,
		};
		struct err err;

		assert_int_equal(target_check_ids(&job, &err), cases[i].rc);
	}
}

static void test_key(void **state)
{
	struct conf *conf = load_ok("");
	struct strbuf key = {0};

	(void)state;
	target_key(conf_trigger(conf, "web"), &key);
	assert_string_equal(strbuf_cstr(&key), "local container web");
	strbuf_truncate(&key, 0);
	target_key(conf_trigger(conf, "all"), &key);
	assert_string_equal(strbuf_cstr(&key), "far compose shop/api");
	strbuf_truncate(&key, 0);
	/* It takes the place of nothing that is done to that container. */
	target_key(conf_trigger(conf, "try"), &key);
	assert_string_equal(strbuf_cstr(&key), "dry_run try");
	strbuf_truncate(&key, 0);
	target_key(conf_trigger(conf, "tell"), &key);
	assert_string_equal(strbuf_cstr(&key), "url tell");
	strbuf_release(&key);
	conf_free(conf);
}

/* ---- rows ------------------------------------------------------------------------ */

static void test_row(void **state)
{
	struct conf *conf = load_ok("");
	struct job job = {.id = EVENT_ID "/tell", .trigger = "tell",
		.event = {.id = EVENT_ID, .source = "s",
			.repository = "shop/web", .tag = "v1", .time = 1}};
	struct record row;

	(void)state;
	row_init(&row, &job, conf_trigger(conf, "tell"), 3, "500", 99);
	assert_string_equal(row.id, EVENT_ID "/tell/3/500");
	assert_string_equal(row.target, "url");
	assert_string_equal(row.url, "http://h:8000/x?secret=***");
	assert_int_equal(row.attempt, 3);
	assert_int_equal(row.time, 99);
	assert_false(row.final);
	field_release(&record_table, &row);
	row_init(&row, &job, NULL, 0, "refused", 99);
	assert_null(row.target);
	assert_null(row.url);
	field_release(&record_table, &row);
	conf_free(conf);
}

static void test_durations(void **state)
{
	struct driver_phases phases = {
		.v = {{"pull", 400}, {"stop", 30}}, .n = 2,
		.stopped_at = 1700};
	struct {
		struct row_times times;
		const char *want;
	} cases[] = {
		{{.event = 1000, .enqueued = 1010, .since = 1010,
			 .started = 1250, .ended = 2000, .phases = &phases},
			"{\"arrival\":10,\"wait\":240,\"pull\":400,\"stop\":30,"
			"\"until_stopped\":300,\"total\":1000}"},
		{{.event = 1000, .enqueued = 1010, .ended = 1300},
			"{\"arrival\":10,\"total\":300}"},
		/* The other machine's clock is ahead. */
		{{.event = 5000, .enqueued = 1010, .since = 1010,
			 .started = 1000, .ended = 1300},
			"{\"arrival\":0,\"wait\":0,\"total\":0}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct record row = {0};

		row_durations(&row, &cases[i].times);
		assert_string_equal(row.duration_ms, cases[i].want);
		field_release(&record_table, &row);
	}
}

static void test_result(void **state)
{
	static const struct {
		enum driver_status status;
		enum err_class cls;
		bool final;
	} cases[] = {
		{DRIVER_DEPLOYED, ERR_NONE, true},
		{DRIVER_UNCHANGED, ERR_NONE, true},
		{DRIVER_ROLLED_BACK, ERR_NONE, true},
		{DRIVER_REFUSED, ERR_NONE, true},
		{DRIVER_FAILED, ERR_FAIL, true},
		{DRIVER_FAILED, ERR_RETRY, false},
		{DRIVER_WAITING, ERR_NONE, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct driver_result res = {.to_digest = "sha256:b"};
		struct err err = {.cls = cases[i].cls, .text = "because"};
		struct record row = {0};

		driver_result_err(&res, cases[i].status, &err);
		row_result(&row, &res);
		assert_int_equal(row.final, cases[i].final);
		assert_string_equal(row.reason, "because");
		assert_null(row.from_digest);
		assert_string_equal(row.to_digest, "sha256:b");
		field_release(&record_table, &row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_all_lanes_by_default),
		cmocka_unit_test(test_check_conf),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_row),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
