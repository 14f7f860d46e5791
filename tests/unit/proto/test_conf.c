/* The file as a whole, and its triggers: what is loaded, what is told. */
#include "tests/unit/proto/conf_rig.h"

#define GOOD \
	"sources:\n" \
	"  - name: registry\n" \
	"    type: distribution\n" \
	"    auth: {bearer: s3cret}\n" \
	"engines:\n" \
	"  - {name: local, docker: 'unix:///var/run/docker.sock'}\n" \
	"triggers:\n" \
	"  - name: web\n" \
	"    repository: Shop/Web\n" \
	"    expression: release-v.*\n" \
	"    deploy: {container: web}\n"

static void a_good_file_and_its_fragment(void **state)
{
	struct opt_errors errs = {0};
	const struct conf_trigger *t;
	struct strbuf target = {0};
	struct conf *c;

	(void)state;
	write_text(extra, "triggers:\n"
			  "  - name: notify\n"
			  "    repository: shop/web\n"
			  "    tags: [latest]\n"
			  "    url: http://127.0.0.1:8090/x\n");
	c = load(GOOD, &errs);
	if (!c)
		fail_msg("%s", errs.list.v[0]);
	assert_int_equal(c->triggers.n, 2);
	t = conf_trigger(c, "web");
	assert_string_equal(t->repository, "shop/web");
	assert_string_equal(t->engine, "local");
	assert_string_equal(conf_trigger_lane(t), "local");
	assert_int_equal(t->where.line, 8);
	assert_int_equal(t->expression_line, 10);
	assert_int_equal(t->grace, 10000);
	conf_trigger_target(t, &target);
	assert_string_equal(strbuf_cstr(&target), "container web");
	strbuf_release(&target);
	assert_string_equal(conf_trigger_lane(conf_trigger(c, "notify")),
		"http");
	assert_string_equal(conf_trigger(c, "notify")->where.file, extra);
	assert_int_equal(c->deployer.lanes.n, 2);
	assert_string_equal(c->deployer.lanes.v[1], "local");
	assert_string_equal(c->matcher.ingress.v[0],
		"ipc:///run/pullwire/ingress");
	assert_non_null(conf_source(c, STR("registry")));
	assert_null(conf_source(c, STR("registr")));
	conf_free(c);
	unlink(extra);
}

static void a_key_of_a_section_says_which(void **state)
{
	struct opt_errors errs = {0};

	(void)state;
	assert_null(load("triggers:\n"
			 "  - name: web\n"
			 "    repository: shop/web\n"
			 "    keep_failed: 1h\n"
			 "    deploy: {container: web}\n"
			 "engines: [{name: e, docker: unix:///s}]\n", &errs));
	assert_int_equal(errs.list.n, 1);
	assert_non_null(strstr(errs.list.v[0], ":4: unknown key `keep_failed` "
		"in triggers[]; write it below `deploy`"));
	opt_errors_release(&errs);
}

static void five_faults_are_five_sentences(void **state)
{
	static const char *const want[] = {
		":4: auth: give `bearer`, `url_token`, `basic`, `header`, "
		"`hmac`, `standard_webhooks` or `client_cert`: a source "
		"without proof",
		":10: unknown key `expresion` in triggers[]; did you mean "
		"`expression`?",
		":15: tags: `a b` can be no tag; for a pattern use "
		"`expression`",
		":16: url: ",
		":18: name: trigger `web` is already in ",
	};
	struct opt_errors errs = {0};

	(void)state;
	assert_null(load("sources:\n"
			 "  - name: registry\n"
			 "    type: distribution\n"
			 "    auth: {}\n"
			 "engines:\n"
			 "  - {name: local, docker: 'unix:///d.sock'}\n"
			 "triggers:\n"
			 "  - name: web\n"
			 "    repository: shop/web\n"
			 "    expresion: v.*\n"
			 "    deploy: {container: web}\n"
			 "\n"
			 "  - name: b\n"
			 "    repository: shop/web\n"
			 "    tags: [\"a b\"]\n"
			 "    url: https://example.com:8443/\n"
			 "\n"
			 "  - name: web\n"
			 "    repository: shop/web\n"
			 "    deploy: {container: web}\n",
			 &errs));
	for (size_t i = 0; i < errs.list.n; i++)
		print_message("%s\n", errs.list.v[i]);
	assert_int_equal(errs.list.n, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_non_null(strstr(errs.list.v[i], want[i]));
	opt_errors_release(&errs);
}

/* One fault each; the text follows GOOD's sources and engines. */
static const struct {
	const char *trigger, *want;
} rules[] = {
	{"{name: 'a b', repository: x, url: 'http://h/'}",
		"is no trigger name"},
	{"{name: a, repository: 'shop/x:latest', url: 'http://h/'}",
		"is neither a name such as"},
	{"{name: a, repository: x}", "this one has neither"},
	{"{name: a, repository: x, url: 'http://h/', "
	 "deploy: {container: c}, engine: a}",
		"not both"},
	{"{name: a, repository: x, deploy: {container: c}}",
		"there are 2 engines"},
	{"{name: a, repository: x, deploy: {container: c}, engine: z}",
		"is not under `engines`"},
	{"{name: a, repository: x, deploy: {}, engine: a}",
		"takes one of `container`, `compose` and `service`"},
	{"{name: a, repository: x, engine: a, deploy: {service: s, "
	 "compose: p/s}}", "takes one of"},
	{"{name: a, repository: x, engine: a, deploy: {service: s!}}",
		"service: `s!` can be no service's name"},
	{"{name: a, repository: x, engine: a, deploy: {service: s, "
	 "order: start-first}}", "order: does not go with `service`"},
	{"{name: a, repository: x, engine: a, deploy: {service: s}, "
	 "platforms: [linux/amd64]}",
		"platforms: does not go with `service`"},
	{"{name: a, repository: x, engine: a, deploy: {compose: p}}",
		"is not PROJECT/SERVICE"},
	{"{name: a, repository: x, url: 'http://h:1024/'}", "1024"},
	{"{name: a, repository: x, url: 'ftp://h/'}", "url: "},
	{"{name: a, repository: x, url: 'http://h/', tag: v}",
		"tag: goes with `type: TAG_LIST`"},
	{"{name: a, repository: x, url: 'http://h/', type: ALL, "
	 "tag: v}", "tag: `type: ALL` takes every tag"},
	{"{name: a, repository: x, url: 'http://h/', type: TAG_LIST}",
		"type: TAG_LIST needs 1 to 10 tags"},
	{"{name: a, repository: x, url: 'http://h/', "
	 "type: TAG_REG_EXP, tag: [a, b]}",
		"type: TAG_REG_EXP needs one expression"},
	{"{name: a, repository: x, url: 'http://h/', "
	 "type: TAG_REG_EXP, tag: a, expression: b}",
		"type: goes with `tag`"},
	{"{name: a, repository: x, url: 'http://h/', type: TAG_LIST, "
	 "tag: [a/b]}", "tags: `a/b` can be no tag"},
	{"{name: a, repository: x, url: 'http://h/', type: TAG_LIST, "
	 "tag: [a, b, c, d, e, f, g, h, i, j, k]}",
		"`tag` has 11 entries; at most 10 are allowed"},
	{"{name: a, repository: x, url: 'http://h/', semver: '1,2'}",
		"semver: `1,2` is no range of versions"},
	{"{name: a, repository: x, url: 'http://h/', "
	 "platforms: [linux/amd64]}",
		"platforms: only a redeploy has an image"},
	{"{name: a, repository: x, deploy: {container: a}, engine: a, "
	 "platforms: [linux/amd64, amd64]}",
		"platforms: `amd64` is none; write it as linux/amd64"},
	{"{name: a, repository: x, deploy: {container: a}, engine: a, "
	 "platforms: linux//v7}", "platforms: `linux//v7` is none"},
	{"{name: a, repository: x, engine: a, deploy: {container: a, "
	 "pre_hook: ls -l}}", "pre_hook: `ls -l` is one word"},
	{"{name: a, repository: x, engine: a, deploy: {container: a, "
	 "post_check: ls -l}}", "post_check: `ls -l` is one word"},
	{"{name: a, repository: x, engine: a, deploy: {container: a, "
	 "hook_user: ':8'}}", "hook_user: `:8` names no user"},
	{"{name: a, repository: x, engine: a, deploy: {container: a, "
	 "pre_hook: [ls, -l], post_hook: [a b]}}",
		"post_hook: `a b` is one word"},
	{"{name: a, repository: x, url: 'http://h/', "
	 "window: [00:00-24:00 UTC, Mon 25:00-26:00 UTC]}",
		"window: `Mon 25:00-26:00 UTC` is no window"},
	{"{name: a, repository: x, url: 'http://h/', "
	 "window: 00:00-24:00 Mars/Olympus}",
		"window: `Mars/Olympus` is no time zone"},
	{"{name: a, repository: x, url: 'http://h/', exclude: ''}",
		"exclude: is empty"},
	{"{name: a, repository: 'reg.x:5_#/web', url: 'http://h/'}",
		"can be no registry's host"},
	{"{name: a, repository: 'reg.x:5/', url: 'http://h/'}",
		"is neither a name such as shop/web"},
	{"{name: a, repository: x, url: 'http://h/', expression: v, "
	 "tags: [v]}",
		"exclude each other"},
	{"{name: a, repository: x, url: 'http://h/', "
	 "tags: [a,b,c,d,e,f,g,h,i,j,k]}",
		"has 11 entries; at most 10"},
};

static void each_rule_has_its_sentence(void **state)
{
	static const char head[] =
		"sources: [{name: r, type: generic, auth: {url_token: t}}]\n"
		"engines: [{name: a, docker: 'unix:///a'}, "
		"{name: b, docker: 'unix:///b'}]\n";
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct opt_errors errs = {0};
		char text[1024];

		snprintf(text, sizeof(text), "%striggers: [%s]\n", head,
			rules[i].trigger);
		assert_null(load(text, &errs));
		if (errs.list.n != 1 ||
			!strstr(errs.list.v[0], rules[i].want))
			fail_msg("case %zu: %zu faults, first: %s", i,
				errs.list.n, errs.list.v[0]);
		opt_errors_release(&errs);
	}
}

static bool port_listed(bool https, int port)
{
	static const int low[] = {80, 21, 443, 70, 210, 280, 488, 591, 777};

	for (size_t i = 0; i < ARRAY_LEN(low) && !https; i++)
		if (low[i] == port)
			return true;
	return https ? port == 443 : port >= 1025;
}

/* Every port of both schemes, a trigger and a line for each: the refused ones
 * are told by their lines, and no other. */
static void every_port_is_decided(void **state)
{
	enum { CHUNK = 4096 };

	(void)state;
	for (int first = 0; first < 2 * 65536; first += CHUNK) {
		struct strbuf text = {0};
		struct opt_errors errs = {0};
		struct conf *c;
		size_t n = 0;
		char line[160];

		strbuf_add_cstr(&text, "triggers:\n");
		for (int i = first; i < first + CHUNK; i++)
			strbuf_addf(&text, "  - {name: t%d, repository: x, "
				"url: 'http%s://h:%d/'}\n", i,
				i & 1 ? "s" : "", i >> 1);
		c = load(strbuf_cstr(&text), &errs);
		for (int i = first; i < first + CHUNK; i++) {
			if (port_listed(i & 1, i >> 1))
				continue;
			snprintf(line, sizeof(line), "%s:%d: url: ", file,
				i - first + 2);
			assert_true(n < errs.list.n);
			if (strncmp(errs.list.v[n], line, strlen(line)) != 0)
				fail_msg("not %s but %s", line,
					errs.list.v[n]);
			n++;
		}
		assert_int_equal(n, errs.list.n);
		assert_int_equal(n == 0, c != NULL);
		conf_free(c);
		opt_errors_release(&errs);
		strbuf_release(&text);
	}
}

static void repositories(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool want;
	} cases[] = {
		{"shop/web", "shop/web", true},
		{"shop/web", "shop/webs", false},
		{"nginx", "library/nginx", true},
		{"library/nginx", "nginx", true},
		{"nginx", "other/nginx", false},
		{"shop/*", "shop/web", true},
		{"shop/*", "shop/web/blue", false},
		{"shop/*", "shop", false},
		{"shop/**", "shop/web/blue", true},
		{"**/web", "a/b/web", true},
		{"**/web", "a/b/webs", false},
		{"**", "anything/at/all", true},
		{"*", "one", true},
		{"*", "one/two", false},
		{"*/w*b", "shop/web", true},
		{"**/w*b/x", "a/wb/wb/x", true},
		{"a**b*c", "a/x/bxbyc", true},
		{"a**b*c", "a/x/bxbyc/d", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (conf_repository_match(cases[i].pattern, NULL,
			    cases[i].name) !=
			cases[i].want)
			fail_msg("%s on %s", cases[i].pattern, cases[i].name);
}

/* The folder of what runs is found in a file that is no YAML any more. */
static void run_of_a_broken_file(void **state)
{
	static const struct {
		const char *line, *run;
	} cases[] = {
		{"run: /a/b", "/a/b"},
		{"run: /a/b # ours", "/a/b"},
		{"run: \"/a b\"", "/a b"},
		{"run: '/a/b' # ours", "/a/b"},
		{"run: ${CONF_TEST_RUN:-/x}", "/of/the/environment"},
		{"run: \"${CONF_TEST_RUN}/y\"", "/of/the/environment/y"},
		{"run: ${CONF_TEST_NONE:-/x}", "/x"},
		{"run: ${CONF_TEST_NONE}", "/run/pullwire"},
		{"run: # where?", "/run/pullwire"},
		{"run:", "/run/pullwire"},
		{" \"run\" : \"/a/b\",", "/a/b"},
		{"  run: /a/b", "/run/pullwire"}, /* another section's */
		{"# none", "/run/pullwire"},
	};

	(void)state;
	setenv("CONF_TEST_RUN", "/of/the/environment", 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = xprintf("triggers: [\n%s\n\tx}\n", cases[i].line);
		char *run;

		write_text(file, text);
		run = conf_run(file);
		assert_string_equal(run, cases[i].run);
		free(run);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_and_its_fragment),
		cmocka_unit_test(a_key_of_a_section_says_which),
		cmocka_unit_test(five_faults_are_five_sentences),
		cmocka_unit_test(each_rule_has_its_sentence),
		cmocka_unit_test(every_port_is_decided),
		cmocka_unit_test(repositories),
		cmocka_unit_test(run_of_a_broken_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
