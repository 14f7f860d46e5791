/* What Engine 20.10 told of itself while it was each of these. */
#include "deployer/swarm/swarm_trouble.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NONE "This node is not a swarm manager. Use \"docker swarm init\" or " \
	"\"docker swarm join\" to connect this node to swarm and try again"
#define WORKER "This node is not a swarm manager. Worker nodes can't be used " \
	"to view or modify cluster state. Please run this command on a " \
	"manager node or promote the current node to a manager"
#define BEGINS "This node is not a swarm manager. Manager is being prepared " \
	"or has trouble connecting to the cluster"
#define LEADER "rpc error: code = Unknown desc = The swarm does not have a " \
	"leader. It's possible that too few managers are online. Make sure " \
	"more than half of the managers are online."
#define LATE "rpc error: code = DeadlineExceeded desc = context deadline exceeded"
#define INFO(state, manager, error) \
	"{\"Swarm\":{\"LocalNodeState\":\"" state "\",\"ControlAvailable\":" \
	manager ",\"Error\":\"" error "\"}}"

static const struct {
	const char *what, *info, *error;
	int code;
	enum swarm_trouble want;
	const char *why;
} cases[] = {
	{"in no Swarm", INFO("inactive", "false", ""), NONE, 503,
		SWARM_NO_SWARM, "is in no Swarm"},
	{"no Swarm known", "{}", "page not found", 501, SWARM_NO_SWARM,
		"is in no Swarm"},
	{"a worker", INFO("active", "false", ""), WORKER, 503, SWARM_WORKER,
		"is a worker of its Swarm"},
	{"just promoted", INFO("active", "false", ""), BEGINS, 503,
		SWARM_NOT_NOW, "has trouble with its Swarm: " BEGINS},
	{"promoted since", INFO("active", "true", ""), BEGINS, 503,
		SWARM_NOT_NOW, "has trouble with its Swarm: " BEGINS},
	{"too few managers", INFO("active", "true", LEADER), LEADER, 500,
		SWARM_NOT_NOW, "has trouble with its Swarm: " LEADER},
	{"too few managers, at first", INFO("active", "true", LEADER), LATE, 500,
		SWARM_NOT_NOW, "has trouble with its Swarm: " LEADER},
	{"enough managers since", INFO("active", "true", ""), LEADER, 500,
		SWARM_NOT_NOW, "has trouble with its Swarm: " LEADER},
	{"locked", INFO("locked", "false", ""), "Swarm is encrypted and needs "
		"to be unlocked before it can be used", 503, SWARM_NOT_NOW,
		"has locked its Swarm's keys: `docker swarm unlock` there"},
	{"joining", INFO("pending", "false", ""), BEGINS, 503, SWARM_NOT_NOW,
		"has trouble with its Swarm: " BEGINS},
	{"the manager is well, the call was not", INFO("active", "true", ""),
		LATE, 500, SWARM_NO_TROUBLE, ""},
};

static void test_judge(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json *info = json_parse(
			str_from(cases[i].info), NULL, NULL);
		struct err err = {0};
		char why[300] = "";

		assert_non_null(info);
		err_set(&err, ERR_RETRY, cases[i].code, "%s", cases[i].error);
		if (swarm_trouble_judge(info, &err, why, sizeof(why)) !=
			cases[i].want)
			fail_msg("%s", cases[i].what);
		if (strcmp(why, cases[i].why) != 0)
			fail_msg("%s: %s", cases[i].what, why);
		json_free(info);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
