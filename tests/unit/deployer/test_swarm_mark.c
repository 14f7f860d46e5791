/* What is left of an update, and of others, when we look after a crash. */
#include "deployer/swarm/swarm_mark.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/deployer/json_rig.h"

#define NEW "sha256:bb70b1c4b1649df5804d520a5f505d508bf36eb4485cba0efbcd0d7e1a7f95e8"
#define OLD "sha256:a593607c73347991d9c9c0f29f5472ce7fe409ec42d851ea1487bd00d4ea3a00"
#define THIRD "sha256:00000000000000000000000000000000000000000000000000000000000000aa"
#define TEMPLATE(digest, n) \
	"{\"ContainerSpec\":{\"Image\":\"localhost:20028/pr:v2@" digest "\"}," \
	"\"ForceUpdate\":" n "}"
#define SPEC(digest, n) \
	"{\"Name\":\"web\",\"TaskTemplate\":" TEMPLATE(digest, n) "}"
#define AT(version, spec, previous) \
	"{\"ID\":\"x\",\"Version\":{\"Index\":" version "},\"Spec\":" spec \
	",\"PreviousSpec\":" previous "}"
#define TASK(digest, n) "{\"ID\":\"t\",\"Spec\":" TEMPLATE(digest, n) "}"

/* The note was written at version 27. */
static const struct {
	const char *what, *service, *all, *from;
	int64_t mark;
	bool want;
} crashes[] = {
	{"never sent", AT("27", SPEC(OLD, "0"), "null"), "[]", OLD, 0, false},
	{"taken", AT("28", SPEC(NEW, "0"), SPEC(OLD, "0")), "[]", OLD, 0, true},
	{"taken, and a label was changed since", AT("30", SPEC(NEW, "0"),
		SPEC(NEW, "0")), "[]", OLD, 0, true},
	{"never sent, another changed a label", AT("40", SPEC(OLD, "0"),
		SPEC(OLD, "0")), "[" TASK(OLD, "0") "]", OLD, 0, false},
	{"the same, and that image ran before", AT("40", SPEC(OLD, "0"),
		SPEC(OLD, "0")), "[" TASK(OLD, "0") "," TASK(NEW, "0") "]", OLD,
		1, false},
	{"the same, it is the one of before", AT("40", SPEC(OLD, "0"),
		SPEC(NEW, "0")), "[" TASK(NEW, "0") "]", OLD, 1, false},
	{"never sent, another gave it that image", AT("40", SPEC(NEW, "0"),
		SPEC(OLD, "0")), "[]", OLD, 1, true},
	{"taken, and gone back by Swarm", AT("50", SPEC(OLD, "0"), "null"),
		"[" TASK(OLD, "0") "," TASK(NEW, "0") "]", OLD, 0, true},
	{"the same, and that image ran before", AT("50", SPEC(OLD, "0"),
		"null"), "[" TASK(NEW, "0") "," TASK(NEW, "1") "]", OLD, 1,
		true},
	{"taken, and rolled back by hand", AT("50", SPEC(OLD, "0"),
		SPEC(NEW, "1")), "[]", OLD, 1, true},
	{"anew, never sent", AT("27", SPEC(NEW, "0"), "null"),
		"[" TASK(NEW, "0") "]", NEW, 1, false},
	{"anew, never sent, another changed a label", AT("28", SPEC(NEW, "0"),
		SPEC(NEW, "0")), "[" TASK(NEW, "0") "]", NEW, 1, false},
	{"anew, taken", AT("28", SPEC(NEW, "1"), SPEC(NEW, "0")),
		"[" TASK(NEW, "0") "]", NEW, 1, true},
	{"anew, taken, and once more by hand", AT("40", SPEC(NEW, "2"),
		SPEC(NEW, "1")), "[]", NEW, 1, true},
	{"another image came meanwhile", AT("28", SPEC(THIRD, "0"),
		SPEC(OLD, "0")), "[]", OLD, 0, false},
	{"a note without a mark", AT("50", SPEC(OLD, "0"), "null"),
		"[" TASK(NEW, "0") "]", OLD, -1, true},
};

static void test_landed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(crashes); i++) {
		struct json *service = parse(crashes[i].service);
		struct json *all = parse(crashes[i].all);
		const struct swarm_mark m = {.from = crashes[i].from,
			.to = NEW, .version = 27, .mark = crashes[i].mark};

		if (swarm_mark_landed(service, all, &m) != crashes[i].want)
			fail_msg("%s", crashes[i].what);
		json_free(service);
		json_free(all);
	}
}

static const struct {
	const char *what, *service, *all;
	bool anew;
	int64_t want;
} marks[] = {
	{"nothing has that image", AT("1", SPEC(OLD, "3"), "null"),
		"[" TASK(OLD, "3") "," TASK(THIRD, "9") "]", false, 3},
	{"a task has", AT("1", SPEC(OLD, "3"), "null"),
		"[" TASK(OLD, "3") "," TASK(NEW, "3") "]", false, 4},
	{"tasks have, higher than it is now", AT("1", SPEC(OLD, "3"), "null"),
		"[" TASK(NEW, "7") "," TASK(NEW, "5") "]", false, 8},
	{"a task has, below", AT("1", SPEC(OLD, "3"), "null"),
		"[" TASK(NEW, "2") "]", false, 3},
	{"the Spec of before has", AT("1", SPEC(OLD, "3"), SPEC(NEW, "3")), "[]",
		false, 4},
	{"anew", AT("1", SPEC(NEW, "3"), "null"), "[" TASK(NEW, "3") "]", true,
		4},
	{"anew, without a task", AT("1", SPEC(NEW, "3"), "null"), "[]", true, 4},
	{"anew, after one that went back", AT("1", SPEC(NEW, "3"), "null"),
		"[" TASK(NEW, "3") "," TASK(NEW, "4") "]", true, 5},
	{"no higher one is left", AT("1", SPEC(NEW, "9223372036854775807"),
		"null"), "[" TASK(NEW, "9223372036854775807") "]", true,
		INT64_MAX},
};

static void test_next(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		struct json *service = parse(marks[i].service);
		struct json *all = parse(marks[i].all);
		int64_t n = swarm_mark_next(service, all, NEW, marks[i].anew);

		if (n != marks[i].want)
			fail_msg("%s: %lld", marks[i].what, (long long)n);
		json_free(service);
		json_free(all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_landed),
		cmocka_unit_test(test_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
