/* The rules of sources, engines, notices and deploys, one fault at a time. */
#include "tests/unit/proto/conf_rig.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notify_has_its_rules),
		cmocka_unit_test(notify_is_found),
		cmocka_unit_test(sources_have_their_rules),
		cmocka_unit_test(stop_signals),
		cmocka_unit_test(restarts),
		cmocka_unit_test(engines),
		cmocka_unit_test(each_proof_has_its_sentence),
		cmocka_unit_test(presets_are_filled_in),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
