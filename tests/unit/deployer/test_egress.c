/* Which addresses may be connected to. The table has the cases of Svix's,
 * smokescreen's, Gitea's, Convoy's and GitLab's own lists, and the borders of
 * each range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/un.h>

#include "deployer/http/egress.h"
#include "proto/base/mem.h"

static struct conf conf;
static char *allowed[8];

static const struct sockaddr *address(const char *text, int port)
{
	static struct sockaddr_storage buf;
	struct sockaddr_in *v4 = (void *)&buf;
	struct sockaddr_in6 *v6 = (void *)&buf;

	memset(&buf, 0, sizeof(buf));
	if (strchr(text, ':')) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
	} else {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		assert_int_equal(inet_pton(AF_INET, text, &v4->sin_addr), 1);
	}
	return (const struct sockaddr *)&buf;
}

static enum egress_verdict judge(const char *text, int port, struct err *err)
{
	struct egress *e = egress_new(&conf);
	enum egress_verdict v = egress_judge(e, address(text, port), err);

	egress_free(e);
	return v;
}

static void allow(const char *const *entries)
{
	size_t n = 0;

	for (; entries && entries[n]; n++)
		allowed[n] = (char *)(uintptr_t)entries[n];
	conf.deployer.allow_private = (struct opt_strs){allowed, n};
}

static int setup(void **state)
{
	(void)state;
	memset(&conf, 0, sizeof(conf));
	conf.ingress.http = (char *)(uintptr_t)"127.0.0.1:8080";
	conf.logger.http = (char *)(uintptr_t)"[::]:8081";
	return 0;
}

static const struct {
	const char *address, *name; /* a part of the range's; NULL: public */
} ranges[] = {
	/* IPv4 */
	{"0.0.0.0", "RFC 1122"}, {"0.255.255.255", "RFC 1122"},
	{"1.0.0.0", NULL}, {"9.255.255.255", NULL},
	{"10.0.0.0", "private"}, {"10.255.255.255", "private"},
	{"11.0.0.0", NULL}, {"100.63.255.255", NULL},
	{"100.64.0.0", "carrier"}, {"100.100.100.200", "metadata"},
	{"100.127.255.255", "carrier"}, {"100.128.0.0", NULL},
	{"126.255.255.255", NULL}, {"127.0.0.0", "loopback"},
	{"127.0.0.1", "loopback"}, {"127.255.255.255", "loopback"},
	{"128.0.0.0", NULL}, {"168.63.129.15", NULL},
	{"168.63.129.16", "platform"}, {"168.63.129.17", NULL},
	{"169.253.255.255", NULL}, {"169.254.0.0", "link-local"},
	{"169.254.169.254", "metadata"}, {"169.254.170.2", "metadata"},
	{"169.254.255.255", "link-local"}, {"169.255.0.0", NULL},
	{"172.15.255.255", NULL}, {"172.16.0.0", "private"},
	{"172.31.255.255", "private"}, {"172.32.0.0", NULL},
	{"191.255.255.255", NULL}, {"192.0.0.0", "RFC 6890"},
	{"192.0.0.192", "metadata"}, {"192.0.0.255", "RFC 6890"},
	{"192.0.1.0", NULL}, {"192.0.2.1", "documentation"},
	{"192.0.3.0", NULL}, {"192.88.98.255", NULL},
	{"192.88.99.1", "6to4"}, {"192.88.100.0", NULL},
	{"192.167.255.255", NULL}, {"192.168.0.0", "private"},
	{"192.168.255.255", "private"}, {"192.169.0.0", NULL},
	{"198.17.255.255", NULL}, {"198.18.0.0", "benchmarking"},
	{"198.19.255.255", "benchmarking"}, {"198.20.0.0", NULL},
	{"198.51.100.7", "documentation"}, {"198.51.101.0", NULL},
	{"203.0.113.7", "documentation"}, {"203.0.114.0", NULL},
	{"223.255.255.255", NULL}, {"224.0.0.1", "multicast"},
	{"239.255.255.255", "multicast"}, {"240.0.0.0", "reserved"},
	{"255.255.255.254", "reserved"}, {"255.255.255.255", "broadcast"},
	{"8.8.8.8", NULL}, {"93.184.216.34", NULL},
	/* IPv6 */
	{"::", "unspecified"}, {"::1", "loopback"},
	{"::2", "IPv4-compatible"}, {"::127.0.0.1", "IPv4-compatible"},
	{"::8.8.8.8", "IPv4-compatible"},
	{"::ffff:127.0.0.1", "loopback"}, {"::ffff:10.1.2.3", "private"},
	{"::ffff:169.254.169.254", "metadata"}, {"::ffff:8.8.8.8", NULL},
	{"::ffff:0:7f00:1", "translated"}, {"1::", "not assigned"},
	{"64:ff9b::7f00:1", "NAT64"}, {"64:ff9b::808:808", "NAT64"},
	{"64:ff9b:1::1", "NAT64"}, {"64:ff9b:2::", "not assigned"},
	{"100::1", "discard"}, {"100:0:0:1::1", "dummy"},
	{"1fff:ffff::", "not assigned"}, {"2000::", NULL},
	{"2001::1", "Teredo"}, {"2001:0:ffff::", "Teredo"},
	{"2001:2::1", "benchmarking"}, {"2001:10::1", "ORCHID"},
	{"2001:2f::1", "ORCHIDv2"}, {"2001:1ff:ffff::", "RFC 2928"},
	{"2001:200::", NULL}, {"2001:db7:ffff::", NULL},
	{"2001:db8::1", "documentation"}, {"2001:db9::", NULL},
	{"2001:4860:4860::8888", NULL}, {"2002:7f00:1::", "6to4"},
	{"2002:808:808::1", "6to4"}, {"2003::1", NULL},
	{"2606:4700::1111", NULL}, {"3ffe:ffff::", NULL},
	{"3fff:fff:ffff::", "documentation"}, {"3fff:1000::", NULL},
	{"4000::", "not assigned"}, {"5f00::1", "segment"},
	{"8000::", "not assigned"}, {"e000::1", "not assigned"},
	{"fbff:ffff::", "not assigned"}, {"fc00::1", "unique local"},
	{"fd00:ec2::254", "metadata"}, {"fd20:ce::254", "metadata"},
	{"fdff:ffff::1", "unique local"}, {"fe00::1", "not assigned"},
	{"fe80::1", "link-local"}, {"febf:ffff::1", "link-local"},
	{"fec0::1", "site-local"}, {"feff::1", "site-local"},
	{"ff02::1", "multicast"}, {"ffff::1", "multicast"},
};

static void test_ranges(void **state)
{
	(void)state;
	allow(NULL);
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		const char *name = egress_special(address(ranges[i].address, 1));
		struct err err = {0};
		enum egress_verdict v = judge(ranges[i].address, 443, &err);

		print_message("%s: %s\n", ranges[i].address,
			name ? name : "public");
		assert_int_equal(!name, !ranges[i].name);
		if (name)
			assert_non_null(strstr(name, ranges[i].name));
		assert_int_equal(v, name ? EGRESS_BLOCKED : EGRESS_OPEN);
		if (name)
			assert_non_null(strstr(err.text, name));
	}
}

static void test_other_families(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct egress *e;
	struct err err;

	(void)state;
	allow((const char *[]){"0.0.0.0/0:1-65535", "[::/0]:1-65535", NULL});
	e = egress_new(&conf);
	assert_int_equal(egress_judge(e, (struct sockaddr *)&un, &err),
		EGRESS_BLOCKED);
	assert_non_null(strstr(err.text, "of family 1"));
	egress_free(e);
}

static const struct {
	const char *entry, *address;
	int port;
	enum egress_verdict verdict;
} allowances[] = {
	{"10.1.0.0/16:8000", "10.1.2.3", 8000, EGRESS_OPEN},
	{"10.1.0.0/16:8000", "::ffff:10.1.2.3", 8000, EGRESS_OPEN},
	{"10.1.0.0/16:8000", "10.1.2.3", 8001, EGRESS_BLOCKED},
	{"10.1.0.0/16:8000", "10.2.2.3", 8000, EGRESS_BLOCKED},
	{"10.1.0.0/16:8000-8010", "10.1.2.3", 8010, EGRESS_OPEN},
	{"10.1.0.0/16:8000-8010", "10.1.2.3", 8011, EGRESS_BLOCKED},
	{"10.1.2.3/32:80", "10.1.2.3", 80, EGRESS_OPEN},
	{"10.1.2.3/32:80", "10.1.2.2", 80, EGRESS_BLOCKED},
	{"10.0.0.0/9:80", "10.127.0.1", 80, EGRESS_OPEN},
	{"10.0.0.0/9:80", "10.128.0.1", 80, EGRESS_BLOCKED},
	{"0.0.0.0/0:80", "10.128.0.1", 80, EGRESS_OPEN},
	{"0.0.0.0/0:80", "fd00::1", 80, EGRESS_BLOCKED},
	{"[fd00::/8]:80", "fd12::1", 80, EGRESS_OPEN},
	{"[fd00::/8]:80", "fc12::1", 80, EGRESS_BLOCKED},
	{"[::1/128]:9000", "::1", 9000, EGRESS_OPEN},
	/* metadata services, one by one */
	{"169.254.0.0/16:80", "169.254.1.1", 80, EGRESS_OPEN},
	{"169.254.0.0/16:80", "169.254.169.254", 80, EGRESS_BLOCKED},
	{"169.254.169.254/31:80", "169.254.169.254", 80, EGRESS_BLOCKED},
	{"169.254.169.254/32:80", "169.254.169.254", 80, EGRESS_OPEN},
	{"169.254.169.254/32:80", "::ffff:169.254.169.254", 80, EGRESS_OPEN},
	{"0.0.0.0/0:1-65535", "169.254.170.2", 80, EGRESS_BLOCKED},
	{"0.0.0.0/0:1-65535", "169.254.170.23", 80, EGRESS_BLOCKED},
	{"0.0.0.0/0:1-65535", "168.63.129.16", 80, EGRESS_BLOCKED},
	{"0.0.0.0/0:1-65535", "100.100.100.200", 80, EGRESS_BLOCKED},
	{"0.0.0.0/0:1-65535", "192.0.0.192", 80, EGRESS_BLOCKED},
	{"[fd00::/8]:80", "fd00:ec2::254", 80, EGRESS_BLOCKED},
	{"[fd00:ec2::254/128]:80", "fd00:ec2::254", 80, EGRESS_OPEN},
	/* what carries an IPv4 address is judged by that, too */
	{"[64:ff9b::/96]:80", "64:ff9b::808:808", 80, EGRESS_OPEN},
	{"[64:ff9b::/96]:80", "64:ff9b::7f00:1", 80, EGRESS_BLOCKED},
	{"[64:ff9b::/96]:80", "64:ff9b::a9fe:a9fe", 80, EGRESS_BLOCKED},
	{"[64:ff9b:1::/48]:80", "64:ff9b:1:a9fe:a9:fe00:808:808", 80,
		EGRESS_BLOCKED},
	{"[64:ff9b:1::/48]:80", "64:ff9b:1:808:8:800:808:808", 80,
		EGRESS_OPEN},
	{"[2002::/16]:80", "2002:808:808::1", 80, EGRESS_OPEN},
	{"[2002::/16]:80", "2002:a9fe:a9fe::1", 80, EGRESS_BLOCKED},
	{"[2002::/16]:80", "2002:a00:1::1", 80, EGRESS_BLOCKED},
	/* Teredo: server 65.54.227.120, client 192.0.2.45 and 192.8.0.45 */
	{"[2001::/32]:80", "2001:0:4136:e378:8000:63bf:3fff:fdd2", 80,
		EGRESS_BLOCKED},
	{"[2001::/32]:80", "2001:0:4136:e378:8000:63bf:3ff7:ffd2", 80,
		EGRESS_OPEN},
	{"[::/0]:80", "::127.0.0.1", 80, EGRESS_BLOCKED},
	{"[::/0]:80", "::ffff:0:7f00:1", 80, EGRESS_BLOCKED},
	/* a mapped address is an IPv4 one */
	{"[::/0]:80", "::ffff:127.0.0.1", 80, EGRESS_BLOCKED},
	/* ourselves: ingress on 127.0.0.1:8080, logger on [::]:8081 */
	{"0.0.0.0/0:1-65535", "127.0.0.1", 8080, EGRESS_LOOP},
	{"0.0.0.0/0:1-65535", "::ffff:127.0.0.1", 8080, EGRESS_LOOP},
	{"0.0.0.0/0:1-65535", "0.0.0.0", 8080, EGRESS_LOOP},
	{"0.0.0.0/0:1-65535", "127.0.0.2", 8080, EGRESS_OPEN},
	{"0.0.0.0/0:1-65535", "127.0.0.1", 8082, EGRESS_OPEN},
	{"0.0.0.0/0:1-65535", "127.0.0.7", 8081, EGRESS_LOOP},
	{"[::/0]:1-65535", "::1", 8081, EGRESS_LOOP},
	{"0.0.0.0/0:1-65535", "8.8.8.8", 8081, EGRESS_OPEN},
};

static void test_allowances(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(allowances); i++) {
		struct err err;
		struct opt_errors errs = {0};

		print_message("%s for %s port %d\n", allowances[i].entry,
			allowances[i].address, allowances[i].port);
		allow((const char *[]){allowances[i].entry, NULL});
		if (!strstr(allowances[i].entry, "/31")) {
			egress_check_conf(&conf, &errs);
			assert_int_equal(errs.list.n, 0);
		}
		assert_int_equal(judge(allowances[i].address,
					 allowances[i].port, &err),
			allowances[i].verdict);
	}
}

static void test_faults(void **state)
{
	static const char *const bad[] = {
		"", "10.0.0.0", "10.0.0.0/8", "10.0.0.0:80", "10.0.0.0/8:",
		"10.0.0.0/8:0", "10.0.0.0/8:65536", "10.0.0.0/8:80-70",
		"10.0.0.0/8:80-", "10.0.0.0/33:80", "10.0.0.0/-1:80",
		"10.0.0.1/8:80", "10.0.0/8:80", "010.0.0.0/8:80",
		"fd00::/8:80", "[fd00::/8]", "[fd00::/8]80", "[fd00::/8:80",
		"[fd00::1/64]:80", "[fd00::/129]:80", "[10.0.0.0/8]:80",
		"example.com/32:80", "*:80", "10.0.0.0/8:http",
		"10.0.0.0/8: 80", "[::ffff:10.0.0.0/104]:80",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct opt_errors errs = {0};

		print_message("`%s`\n", bad[i]);
		allow((const char *[]){bad[i], NULL});
		egress_check_conf(&conf, &errs);
		assert_int_equal(errs.list.n, 1);
		assert_non_null(strstr(errs.list.v[0], "allow_private: `"));
		opt_errors_release(&errs);
	}
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_ranges),
		TEST(test_other_families),
		TEST(test_allowances),
		TEST(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
