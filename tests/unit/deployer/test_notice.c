/* Which redeploys are told to whom, and which notices are taken. */
#include "deployer/http/notice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/uid.h"

#define TEXT(s) ((char *)(uintptr_t)(s))
#define E "01890000-0000-7000-8000-000000000001"

static struct conf *conf;

static int setup(void **state)
{
	static const char text[] =
		"engines: [{name: local, docker: 'unix:///d'}]\n"
		"triggers:\n"
		"  - {name: web, repository: a, deploy: {container: w}}\n"
		"  - {name: shop-api, repository: a, deploy: {container: s}}\n"
		"notify:\n"
		"  - {name: all, url: 'https://a/'}\n"
		"  - {name: bad, url: 'https://b/', on: [failed, rolled_back]}\n"
		"  - {name: shop, url: 'https://c/', triggers: [shop-*]}\n"
		"  - {name: web, url: 'https://d/', triggers: [web], "
		"on: deployed}\n";
	char path[] = "/tmp/pullwire-notice-XXXXXX";
	struct opt_errors errs = {0};
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0 || write(fd, text, sizeof(text) - 1) < 0)
		return -1;
	close(fd);
	conf = conf_load(path, &errs);
	unlink(path);
	if (!conf)
		fail_msg("%s", errs.list.v[0]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	conf_free(conf);
	return 0;
}

static const struct {
	const char *trigger, *lane, *status;
	bool final;
	const char *want; /* triggers of the notices */
} cases[] = {
	{"web", "local", "deployed", true,
		"notify:all:web notify:web:web "},
	{"web", "local", "failed", true, "notify:all:web notify:bad:web "},
	{"web", "local", "rolled_back", true,
		"notify:all:web notify:bad:web "},
	{"web", "local", "refused", true, "notify:all:web "},
	{"shop-api", "local", "deployed", true,
		"notify:all:shop-api notify:shop:shop-api "},
	{"gone", "local", "refused", true, "notify:all:gone "},
	/* done again by hand */
	{"web", "local", "deployed", false,
		"notify:all:web:7 notify:web:web:7 "},
	{"web", "local", "unchanged", true, ""},
	{"web", "local", "superseded", true, ""},
	{"web", "local", "dry_run", true, ""},
	{"web", "http", "refused", true, ""},
};

static void test_who_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct job job = {.trigger = TEXT(cases[i].trigger),
			.lane = TEXT(cases[i].lane),
			.event = {.id = TEXT(E), .source = TEXT("s"),
				.repository = TEXT("a"), .tag = TEXT("v1")}};
		struct notice_list list = {0};
		struct strbuf got = {0};
		struct record row;

		record_from_event(&row, &job.event, cases[i].trigger, 7,
			cases[i].status, 1700000000000);
		row.final = cases[i].final;
		record_reason(&row, "because\xff \"x\"");
		notice_about(conf, &job, &row, &list);
		for (size_t k = 0; k < list.list.n; k++) {
			struct job made = {0};
			struct err err;
			char id[UID_JOB_MAX];

			assert_int_equal(field_unpack(&job_table,
						 strbuf_str(&list.list.v[k]
								     .payload),
						 &made, &err), 0);
			strbuf_addf(&got, "%s ", made.trigger);
			assert_string_equal(list.list.v[k].id, made.id);
			assert_string_equal(made.id,
				uid_job(E, made.trigger, id));
			assert_string_equal(made.lane, "http");
			/* who made it wants it */
			if (!notice_find(conf, &made, &err))
				fail_msg("%s", err.text);
			field_release(&job_table, &made);
		}
		assert_string_equal(strbuf_cstr(&got), cases[i].want);
		strbuf_release(&got);
		notice_release(&list);
		field_release(&record_table, &row);
	}
}

/* A name that a matcher made up, as long as one may be. */
static void test_too_long_a_name(void **state)
{
	char name[UID_TRIGGER_MAX + 1];
	struct job job = {.trigger = name, .lane = TEXT("local"),
		.event = {.id = TEXT(E), .repository = TEXT("a"),
			.tag = TEXT("v1")}};
	struct notice_list list = {0};
	struct record row;

	(void)state;
	memset(name, 'x', UID_TRIGGER_MAX);
	name[UID_TRIGGER_MAX] = '\0';
	record_from_event(&row, &job.event, name, 0, "refused", 1);
	notice_about(conf, &job, &row, &list);
	assert_int_equal(list.list.n, 0);
	field_release(&record_table, &row);
}

#define ROW(status, trigger) \
	"{\"status\":\"" status "\",\"trigger\":\"" trigger "\"}"

static const struct {
	const char *trigger, *notice;
	const char *says; /* NULL: it is taken */
} found[] = {
	{"notify:all:web", ROW("deployed", "web"), NULL},
	{"notify:all:web:2", ROW("deployed", "web"), NULL},
	{"notify:bad:web", ROW("failed", "web"), NULL},
	{"notify:none:web", ROW("deployed", "web"), "nothing of the name"},
	{"web", ROW("deployed", "web"), "nothing of the name"},
	{"notify:all:web", ROW("deployed", "api"), "does not ask"},
	{"notify:all:webs", ROW("deployed", "web"), "does not ask"},
	{"notify:all", ROW("deployed", "web"), "does not ask"},
	{"notify:all:web", ROW("unchanged", "web"), "does not ask"},
	{"notify:bad:web", ROW("deployed", "web"), "does not ask"},
	{"notify:shop:web", ROW("deployed", "web"), "does not ask"},
	{"notify:all:web", "[]", "does not ask"},
	{"notify:all:web", "{", "does not ask"},
	{"notify:all:web", "{\"status\":1,\"trigger\":\"web\"}",
		"does not ask"},
};

static void test_which_are_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(found); i++) {
		struct job job = {.trigger = TEXT(found[i].trigger),
			.notice = TEXT(found[i].notice)};
		struct err err = {0};
		const struct conf_trigger *t = notice_find(conf, &job, &err);

		if (!t != (found[i].says != NULL) ||
			(found[i].says && !strstr(err.text, found[i].says)))
			fail_msg("case %zu: %s", i, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_told),
		cmocka_unit_test(test_too_long_a_name),
		cmocka_unit_test(test_which_are_taken),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
