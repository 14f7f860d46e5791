#include "ingress/peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_table(void **state)
{
	static char *list[] = {(char *)(uintptr_t)"10.0.0.0/8",
		(char *)(uintptr_t)"::1"};
	static const struct opt_strs proxies = {list, 2}, nobody = {NULL, 0};
	static const struct {
		const char *peer, *forwarded[2], *want;
	} cases[] = {
		{"192.0.2.1", {NULL, NULL}, "192.0.2.1"},
		{"10.0.0.1", {NULL, NULL}, "10.0.0.1"},
		/* From a proxy: whom it names. */
		{"10.0.0.1", {"192.0.2.1", NULL}, "192.0.2.1"},
		{"::1", {" 2001:db8::9 ", NULL}, "2001:db8::9"},
		/* From anyone else: not looked at. */
		{"192.0.2.1", {"10.0.0.9", NULL}, "192.0.2.1"},
		/* What the sender put there before the proxy's. */
		{"10.0.0.1", {"203.0.113.7, 192.0.2.1", NULL}, "192.0.2.1"},
		{"10.0.0.1", {"203.0.113.7", "192.0.2.1"}, "192.0.2.1"},
		/* Through two proxies. */
		{"10.0.0.1", {"192.0.2.1, 10.0.0.2", NULL}, "192.0.2.1"},
		{"10.0.0.1", {"192.0.2.1", "10.0.0.2"}, "192.0.2.1"},
		/* Only proxies: the first of them. */
		{"10.0.0.1", {"10.0.0.3, 10.0.0.2", NULL}, "10.0.0.3"},
		/* What is no address ends it. */
		{"10.0.0.1", {"192.0.2.1, unknown", NULL}, "10.0.0.1"},
		{"10.0.0.1", {"unknown, 10.0.0.2", NULL}, "10.0.0.2"},
		{"10.0.0.1", {"192.0.2.1:99", NULL}, "10.0.0.1"},
		{"10.0.0.1", {"", NULL}, "10.0.0.1"},
		{"10.0.0.1", {",,", NULL}, "10.0.0.1"},
	};
	char out[PEER_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t n = 0;

		while (n < 2 && cases[i].forwarded[n])
			n++;
		peer_resolve(&proxies, cases[i].peer, cases[i].forwarded, n,
			out);
		if (strcmp(out, cases[i].want) != 0)
			fail_msg("case %zu: %s", i, out);
		peer_resolve(&nobody, cases[i].peer, cases[i].forwarded, n,
			out);
		assert_string_equal(out, cases[i].peer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
