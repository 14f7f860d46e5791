#include "proto/base/net.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_blocks(void **state)
{
	static const struct {
		const char *block, *ip;
		bool within;
	} cases[] = {
		{"10.0.0.0/8", "10.255.0.1", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.0.0/9", "10.128.0.0", false},
		{"192.0.2.7", "192.0.2.7", true},
		{"192.0.2.7", "192.0.2.6", false},
		{"192.0.2.7/32", "192.0.2.7", true},
		{"0.0.0.0/0", "203.0.113.9", true},
		{"0.0.0.0/0", "::1", false},
		{"::/0", "203.0.113.9", false},
		{"2001:db8::/32", "2001:db8:ffff::1", true},
		{"2001:db8::/33", "2001:db8:8000::", false},
		{"::1", "::1", true},
		{"10.0.0.0/8", "::ffff:10.9.9.9", true},
		{"::ffff:10.0.0.0/104", "10.9.9.9", true},
		{"::ffff:10.9.9.9", "10.9.9.9", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct net_block block;
		struct net_ip ip;

		assert_int_equal(net_parse_block(
			str_from(cases[i].block), &block), 0);
		assert_int_equal(net_parse_ip(str_from(cases[i].ip), &ip), 0);
		if (net_within(&ip, &block) != cases[i].within)
			fail_msg("%s %s", cases[i].block, cases[i].ip);
	}
}

static void test_what_is_none(void **state)
{
	static const char *const bad[] = {"", "/", "/8", "10.0.0.0/", "x",
		"10.0.0/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8",
		"10.0.0.1/8", "10.0.0.0/8 ", " 10.0.0.0/8", "::/129", "::1/64",
		"010.0.0.0/8", "0x0a.0.0.0/8", "fe80::1%eth0", "[::1]",
		"::ffff:10.0.0.0/8", "10.0.0.0/0008",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct net_block block;

		if (net_parse_block(str_from(bad[i]), &block) == 0)
			fail_msg("\"%s\" is no network", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
