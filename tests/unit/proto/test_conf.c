#include "proto/data/conf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/pullwire-conf-XXXXXX";
static char file[64], extra[64];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/pullwire.yml", dir);
	snprintf(extra, sizeof(extra), "%s/triggers.d", dir);
	if (mkdir(extra, 0700) < 0)
		return -1;
	snprintf(extra, sizeof(extra), "%s/triggers.d/more.yml", dir);
	return 0;
}

static int teardown(void **state)
{
	char path[64];

	(void)state;
	unlink(file);
	unlink(extra);
	snprintf(path, sizeof(path), "%s/triggers.d", dir);
	rmdir(path);
	return rmdir(dir);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
}

static struct conf *load(const char *text, struct opt_errors *errs)
{
	write_text(file, text);
	return conf_load(file, errs);
}

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
static void each_rule_has_its_sentence(void **state)
{
	static const char head[] =
		"sources: [{name: r, type: generic, auth: {url_token: t}}]\n"
		"engines: [{name: a, docker: 'unix:///a'}, "
		"{name: b, docker: 'unix:///b'}]\n";
	static const struct {
		const char *trigger, *want;
	} cases[] = {
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

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct opt_errors errs = {0};
		char text[1024];

		snprintf(text, sizeof(text), "%striggers: [%s]\n", head,
			cases[i].trigger);
		assert_null(load(text, &errs));
		if (errs.list.n != 1 ||
			!strstr(errs.list.v[0], cases[i].want))
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

/* One fault each, or none; and the line it is told with. */
static void notify_has_its_rules(void **state)
{
	static const char head[] =
		"engines: [{name: a, docker: 'unix:///a'}]\n"
		"triggers: [{name: web, repository: x, deploy: {container: c}},"
		" {name: tell, repository: x, url: 'http://h/'}]\n";
	static const struct {
		const char *entry, *want;
	} cases[] = {
		{"{name: a, url: 'https://h/'}", NULL},
		{"{name: a, url: 'https://h/', format: ntfy, on: [failed], "
		 "triggers: [web, 'x*'], template: 'a {{ tag }} {b}'}", NULL},
		{"{url: 'https://h/'}", "`name`"},
		{"{name: a}", "`url`"},
		{"{name: 'a:b', url: 'https://h/'}", "is no notify name"},
		{"{name: a23456789012345678901234567890123, "
		 "url: 'https://h/'}", "name"},
		{"{name: a, url: 'https://h:8443/'}", "url: https is sent"},
		{"{name: a, url: 'http://h:25/'}", "25"},
		{"{name: a, url: 'https://h/', format: irc}", "irc"},
		{"{name: a, url: 'https://h/', on: [done]}",
			":3: on: `done` is none of"},
		{"{name: a, url: 'https://h/', triggers: [wep]}",
			"`wep` is no trigger"},
		{"{name: a, url: 'https://h/', triggers: [tell]}",
			"redeploys nothing"},
		{"{name: a, url: 'https://h/', template: '{{tga}}'}",
			":3: template: `{{tga` is no field"},
		{"{name: a, url: 'https://h/', template: '{{tag'}",
			"`{{tag` is no field"},
		{"{name: a, url: 'https://h/', template: '{{tag}'}",
			"`{{tag` is no field"},
		{"{name: a, url: 'https://h/', template: ''}", "is empty"},
		{"{name: a, url: 'https://h/'}, {name: a, url: 'https://h/'}",
			"is already in"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct opt_errors errs = {0};
		char text[1024];
		struct conf *c;

		snprintf(text, sizeof(text), "%snotify: [%s]\n", head,
			cases[i].entry);
		c = load(text, &errs);
		if (!c != (cases[i].want != NULL) ||
			errs.list.n != (size_t)(cases[i].want != NULL) ||
			(!c && !strstr(errs.list.v[0], cases[i].want)))
			fail_msg("case %zu: %zu faults, first: %s", i,
				errs.list.n,
				errs.list.n ? errs.list.v[0] : "none");
		conf_free(c);
		opt_errors_release(&errs);
	}
}

/* By its rows' triggers, and shown without what may be a secret. */
static void notify_is_found(void **state)
{
	struct opt_errors errs = {0};
	struct conf *c = load("notify:\n  - {name: team, "
			      "url: 'https://hooks.example.com/T0/B0/s3cret'}\n",
		&errs);
	const struct conf_trigger *t;
	struct strbuf shown = {0};

	(void)state;
	assert_non_null(c);
	t = conf_notify(c, "notify:team:web:2");
	assert_non_null(t);
	assert_string_equal(t->name, "notify:team");
	assert_ptr_equal(t, conf_poster(c, "notify:team"));
	assert_ptr_equal(t->notify, (const struct conf_notify *)c->notify.v);
	assert_null(conf_notify(c, "notify:teams:web"));
	assert_null(conf_notify(c, "team"));
	assert_null(conf_trigger(c, "notify:team"));
	conf_trigger_url(t, &shown);
	assert_string_equal(strbuf_cstr(&shown),
		"https://hooks.example.com/***");
	strbuf_release(&shown);
	conf_free(c);
}

static void sources_have_their_rules(void **state)
{
	static const struct {
		const char *keys, *want; /* NULL: fine */
	} cases[] = {
		{"type: ecr, topic: 'arn:aws:sns:x'", NULL},
		{"type: auto, topic: 'arn:aws:sns:x'", NULL},
		{"type: gar, topic: 'arn:aws:sns:x'", "topic: only a source of"},
		{"type: dockerhubs", "dockerhub"},
		{"type: jfrog, registry_map: 'a.b:1/c=d.e'", NULL},
		{"type: jfrog, registry_map: ['a.b=c.d', 'e.f=g.h']", NULL},
		{"type: jfrog, registry_map: a.b", "`a.b` is not `FROM=TO`"},
		{"type: jfrog, registry_map: 'a.b='", "is not `FROM=TO`"},
		{"type: jfrog, registry_map: '=a.b'", "is not `FROM=TO`"},
		{"type: jfrog, registry_map: 'a.b=c=d'", "is not `FROM=TO`"},
		{"type: jfrog, registry_map: 'a.b/=c.d'", "is not `FROM=TO`"},
		{"type: jfrog, registry_map: 'a.b=c.d/'", "is not `FROM=TO`"},
		{"type: jfrog, registry_map: 'https://a.b=c.d'",
			"is not `FROM=TO`"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct opt_errors errs = {0};
		char text[512];
		struct conf *c;

		snprintf(text, sizeof(text), "sources: [{name: r, auth: "
			"{url_token: t}, %s}]\n", cases[i].keys);
		c = load(text, &errs);
		if (cases[i].want ? errs.list.n != 1 ||
			!strstr(errs.list.v[0], cases[i].want) : !c)
			fail_msg("case %zu: %zu faults, first: %s", i,
				errs.list.n, errs.list.n ? errs.list.v[0] : "");
		conf_free(c);
		opt_errors_release(&errs);
	}
}

static void stop_signals(void **state)
{
	static const char *const good[] = {"SIGTERM", "sigint", "usr1", "CLD",
		"1", "31", "34", "64", "SIGRTMIN", "RTMIN+1", "sigrtmin+15",
		"RTMAX-14", "SIGRTMAX"};
	static const char *const bad[] = {"''", "SIG", "SIGNOPE", "SIGSIGINT",
		"0", "32", "33", "65", "-9", "9x", "INT ", "RTMIN+0",
		"RTMIN+16", "RTMIN+01", "RTMIN+", "RTMAX-15", "RTMIN-1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good) + ARRAY_LEN(bad); i++) {
		bool ok = i < ARRAY_LEN(good);
		const char *s = ok ? good[i] : bad[i - ARRAY_LEN(good)];
		struct opt_errors errs = {0};
		char text[256], want[128];
		struct conf *c;

		snprintf(text, sizeof(text), "engines: [{name: a, docker: "
			"'unix:///e'}]\ntriggers:\n  - name: t\n    repository: r\n"
			"    deploy:\n      container: c\n      stop_signal: %s%s%s\n",
			*s == '\'' ? "" : "'", s, *s == '\'' ? "" : "'");
		snprintf(want, sizeof(want), ":7: stop_signal: `%s` is no "
			"signal of Linux", *s == '\'' ? "" : s);
		c = load(text, &errs);
		if (ok ? !c : errs.list.n != 1 ||
				!strstr(errs.list.v[0], want))
			fail_msg("%s: %zu faults, first: %s", s, errs.list.n,
				errs.list.n ? errs.list.v[0] : "none");
		conf_free(c);
		opt_errors_release(&errs);
	}
}

static void restarts(void **state)
{
	static const struct {
		const char *list, *want; /* NULL: fine */
	} cases[] = {
		{"[db]", NULL},
		{"db", NULL},
		{"[db, shop/web, a-b.c_d]", NULL},
		{"['a b']", "`a b` is neither a container's name"},
		{"[db, /web]", "`/web` is neither"},
		{"[shop/]", "`shop/` is neither"},
		{"[a/b/c]", "`a/b/c` is neither"},
		{"['']", "`` is neither"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct opt_errors errs = {0};
		char text[256];
		struct conf *c;

		snprintf(text, sizeof(text), "engines: [{name: a, docker: "
			"'unix:///e'}]\ntriggers: [{name: t, repository: r, "
			"deploy: {container: c, restart_after: %s}}]\n",
			cases[i].list);
		c = load(text, &errs);
		if (cases[i].want ? errs.list.n != 1 ||
				!strstr(errs.list.v[0], cases[i].want) : !c)
			fail_msg("%s: %zu faults, first: %s", cases[i].list,
				errs.list.n, errs.list.n ? errs.list.v[0] : "");
		conf_free(c);
		opt_errors_release(&errs);
	}
}

static void engines(void **state)
{
	static const struct {
		const char *keys, *want, *docker; /* want NULL: fine */
	} cases[] = {
		{"docker: unix:///run/d.sock", NULL, "unix:///run/d.sock"},
		{"docker: 'unix://'", NULL, "unix:///var/run/docker.sock"},
		{"docker: '${NOT_SET:-unix:///d}'", NULL, "unix:///d"},
		{"docker: tcp://h", NULL, "tcp://h:2376"},
		{"docker: tcp://h, insecure: true", NULL, "tcp://h:2375"},
		{"docker: 'tcp://10.0.0.1:77', tls: {cert: a, key: b}", NULL,
			"tcp://10.0.0.1:77"},
		{"docker: 'tcp://[::1]:77', tls: {ca: c, cert: a, key: b}",
			NULL, "tcp://[::1]:77"},
		{"docker: 'tcp://[fd00::7]'", NULL, "tcp://[fd00::7]:2376"},
		{"docker: ssh://root@h", "forward the engine's socket", NULL},
		{"docker: tcp://h:2376/x", "is no engine address", NULL},
		{"docker: 'tcp://h:0'", "is no engine address", NULL},
		{"docker: 'tcp://u:p@h:1'", "is no engine address", NULL},
		{"docker: 'tcp://'", "is no engine address", NULL},
		{"docker: 'tcp://[]:1'", "is no engine address", NULL},
		{"docker: 'tcp://[::1'", "is no engine address", NULL},
		{"docker: 'tcp://:2376'", "is no engine address", NULL},
		{"docker: 'fd://'", "is no engine address", NULL},
		{"docker: unix:///d, insecure: true", "only an engine at a tcp", NULL},
		{"docker: unix:///d, tls: {cert: a, key: b}", "only an engine", NULL},
		{"docker: tcp://h, insecure: true, tls: {cert: a, key: b}",
			"take one of both out", NULL},
		{"docker: tcp://h, tls: {cert: a}", "key", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct opt_errors errs = {0};
		char text[512];
		struct conf *c;

		snprintf(text, sizeof(text), "engines: [{name: e, %s}]\n",
			cases[i].keys);
		c = load(text, &errs);
		if (cases[i].want ? errs.list.n != 1 ||
			!strstr(errs.list.v[0], cases[i].want) : !c)
			fail_msg("case %zu: %zu faults, first: %s", i,
				errs.list.n, errs.list.n ? errs.list.v[0] : "");
		if (c)
			assert_string_equal(conf_engine(c, "e")->docker,
				cases[i].docker);
		conf_free(c);
		opt_errors_release(&errs);
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

/* One fault each, of a source's proof. */
static void each_proof_has_its_sentence(void **state)
{
	static const struct {
		const char *keys, *want; /* NULL: fine */
	} cases[] = {
		{"auth: {basic: 'u:p'}", NULL},
		{"auth: {header: {name: X-T, secret: [a, b]}}", NULL},
		{"auth: {hmac: {preset: nexus, secret: s}}", NULL},
		{"auth: {hmac: {header: X-S, encoding: base64, algorithm: "
		 "sha512, prefix: 'v=', secret: s}}", NULL},
		{"auth: {standard_webhooks: "
		 "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}", NULL},
		{"auth: {none: true}, allow: [10.0.0.0/8, '::1']", NULL},
		{"auth: {none: false}", "none: true"},
		{"auth: {none: true, bearer: x}", "take one of both out"},
		{"auth: {basic: user}", "write USER:PASSWORD"},
		{"auth: {header: {secret: a}}", "has no `name`"},
		{"auth: {header: {name: X-T}}", "has no `secret`"},
		{"auth: {header: {name: 'X T', secret: a}}",
			"is no name of a header"},
		{"auth: {hmac: {secret: s}}", "give `preset`, or the `header`"},
		{"auth: {hmac: {preset: github}}", "has no `secret`"},
		{"auth: {hmac: {preset: gitlab, secret: s}}",
			"is not one of custom, github"},
		{"auth: {hmac: {preset: github, algorithm: sha1, secret: s}}",
			"says the `algorithm` already"},
		{"auth: {standard_webhooks: whsec_AAAA}", "24 to 64 bytes"},
		{"auth: {client_cert: ci.example.com}", "set `ingress.tls`"},
		{"auth: {standard_webhooks: "
		 "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}", "24 to 64 bytes"},
		{"auth: {bearer: x}, allow: 10.0.0.1/8", "with no bit set"},
		{"auth: {bearer: x}, allow: [10.0.0.0/33]", "neither an"},
		{"auth: {bearer: x}, allow: [example.com]", "neither an"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct opt_errors errs = {0};
		char text[512];
		struct conf *c;

		snprintf(text, sizeof(text), "sources:\n"
			"  - {name: r, type: generic, %s}\n", cases[i].keys);
		c = load(text, &errs);
		if (!c != !!cases[i].want || (cases[i].want &&
			(errs.list.n != 1 ||
				!strstr(errs.list.v[0], cases[i].want))))
			fail_msg("%s: %zu: %s", cases[i].keys, errs.list.n,
				errs.list.n ? errs.list.v[0] : "fine");
		conf_free(c);
		opt_errors_release(&errs);
	}
}

static void presets_are_filled_in(void **state)
{
	struct opt_errors errs = {0};
	struct conf *c = load("sources:\n"
		"  - {name: a, type: generic, auth: {hmac: {preset: github, "
		"secret: s}}}\n"
		"  - {name: b, type: generic, auth: {hmac: {preset: nexus, "
		"secret: s}}}\n", &errs);
	const struct conf_auth_hmac *a, *b;

	(void)state;
	assert_non_null(c);
	a = &conf_source(c, STR("a"))->auth.hmac;
	b = &conf_source(c, STR("b"))->auth.hmac;
	assert_string_equal(a->header, "X-Hub-Signature-256");
	assert_string_equal(a->prefix, "sha256=");
	assert_int_equal(a->algorithm, 0);
	assert_string_equal(b->header, "X-Nexus-Webhook-Signature");
	assert_null(b->prefix);
	assert_int_equal(b->algorithm, 1);
	conf_free(c);
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
		cmocka_unit_test(notify_has_its_rules),
		cmocka_unit_test(notify_is_found),
		cmocka_unit_test(sources_have_their_rules),
		cmocka_unit_test(stop_signals),
		cmocka_unit_test(restarts),
		cmocka_unit_test(engines),
		cmocka_unit_test(repositories),
		cmocka_unit_test(each_proof_has_its_sentence),
		cmocka_unit_test(presets_are_filled_in),
		cmocka_unit_test(run_of_a_broken_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
