/*
 * What the tests of the engine lanes share: a deployer with three triggers of
 * one repository, two deploys at once, and what to wait for.
 */
#ifndef TESTS_UNIT_DEPLOYER_LANES_RIG_H
#define TESTS_UNIT_DEPLOYER_LANES_RIG_H

#include "tests/unit/deployer/fake_world.h"

static const char conf_text[] =
	"engines: [{name: local, docker: 'unix:///run/e.sock'}]\n"
	"triggers:\n"
	"  - {name: web, repository: shop/web, deploy: {container: web}}\n"
	"  - {name: api, repository: shop/web, deploy: {container: api}}\n"
	"  - {name: db, repository: shop/web, deploy: {container: db}}\n"
	"deployer: {state: '@', lanes: [local], max_deploys: 2}\n";

static inline int setup(void **state)
{
	int rc = world_setup(state);

	configure(conf_text);
	return rc;
}

static inline bool one_final(void)
{
	return finals() == 1;
}

static inline bool two_finals(void)
{
	return finals() == 2;
}

static inline bool four_finals(void)
{
	return finals() == 4;
}

static inline bool one_deploy_runs(void)
{
	return fake.under_way == 1;
}

static inline bool two_deploys_run(void)
{
	return fake.under_way == 2;
}

static inline bool one_waits(void)
{
	return rows_of("waiting") == 1;
}

static inline bool one_acked(void)
{
	return world.acks == 1;
}

static inline bool two_acked(void)
{
	return world.acks == 2;
}

static inline bool one_failed(void)
{
	return rows_of("failed") == 1;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, world_teardown)

#endif
