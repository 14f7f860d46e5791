#include "matcher/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "matcher/rule_load.h"

#define HEX16 "0123456789abcdef"
#define HEX HEX16 HEX16 HEX16 HEX16

static const struct {
	const char *text, *repository, *tag; /* repository NULL: refused */
} cases[] = {
	{"shop/web:release-v2", "shop/web", "release-v2"},
	{"shop/web", "shop/web", "latest"},
	{"nginx:1.27", "nginx", "1.27"},
	{"localhost/shop/web:v1", "shop/web", "v1"},
	{"localhost:5000/shop/web:v1", "shop/web", "v1"},
	{"registry.example.com/web", "web", "latest"},
	{"registry.example.com:5000/a/b/c:V1_2", "a/b/c", "V1_2"},
	{"shop/web:v1@sha256:" HEX, "shop/web", "v1"},
	{"localhost:5000/shop/web:v1@sha256:" HEX, "shop/web", "v1"},
	/* By the tag alone a trigger takes it: `latest` would be another push. */
	{"shop/web@sha256:" HEX, NULL, NULL},
	{"localhost:5000/shop/web@sha256:" HEX, NULL, NULL},
	{"shop/web:v1@sha256:0123", NULL, NULL},
	{"shop/web:v1@sha512:" HEX, NULL, NULL},
	{"shop/web:v1@", NULL, NULL},
	{"", NULL, NULL},
	{":v1", NULL, NULL},
	{"Shop/web:v1", NULL, NULL},
	{"shop/web:", NULL, NULL},
	{"shop/web:-v1", NULL, NULL},
	{"shop/web:v1/x", NULL, NULL},
	{"shop/web:v 1", NULL, NULL},
	{"shop/*:v1", NULL, NULL},
};

static void test_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct event e = {0};
		struct err err = {0};
		int rc = command_reference(cases[i].text, &e, &err);

		if (cases[i].repository == NULL) {
			if (rc == 0)
				fail_msg("`%s` was taken", cases[i].text);
			assert_null(e.repository);
			assert_true(err.text[0] != '\0');
			continue;
		}
		if (rc < 0)
			fail_msg("`%s`: %s", cases[i].text, err.text);
		assert_string_equal(e.repository, cases[i].repository);
		assert_string_equal(e.tag, cases[i].tag);
		if (strchr(cases[i].text, '@') == NULL)
			assert_null(e.digest);
		else
			assert_string_equal(e.digest, "sha256:" HEX);
		field_release(&event_table, &e);
	}
}

/* What to write for each key of a trigger and of its deploy, beside
 * `name: web, repository: shop/web, deploy: {container: web}`; and what check
 * has to say of it. */
static const struct {
	const char *key, *yaml, *says;
} keys[] = {
	{"name", "name: other", "other: shop/web, every tag"},
	{"repository", "repository: shop/*", "web: shop/*, every tag"},
	{"expression", "expression: v.*", "tags that match `v.*`"},
	{"tags", "tags: [a, b]", "tags `a`, `b`"},
	{"type", "type: TAG_LIST, tag: a", "tag `a`"},
	{"tag", "type: TAG_REG_EXP, tag: v.*", "tags that match `v.*`"},
	{"exclude", "exclude: .*-rc", "but not `.*-rc`"},
	{"semver", "semver: ^1.4", "versions in `^1.4`"},
	{"newer_only", "newer_only: true", "newer than the last"},
	{"digest_changed", "digest_changed: true", "the digest has changed"},
	{"platforms", "platforms: [linux/arm64, linux/amd64]",
		"if the image is of `linux/arm64` or `linux/amd64`"},
	{"min_age", "min_age: 2m", "120 s after the push"},
	{"window", "window: '22:00-06:00 UTC'", "within `22:00-06:00 UTC`"},
	{"approve", "approve: true", "once approved"},
	{"dry_run", "dry_run: true", "as a dry run"},
	{"url", "url: 'http://h.example/'", "post to http://h.example/"},
	{"secret", "url: 'http://h.example/', secret: "
		   "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", "secret: ***\n"},
	{"headers", "url: 'http://h.example/', headers: ['X-Key: hush']",
		"headers: X-Key: ***\n"},
	{"engine", "engine: far", "(lane far)"},
	{"health_timeout", "health_timeout: 90s", "health_timeout: 90s\n"},
	{"grace", "grace: 1500ms", "grace: 1500ms\n"},
	{"deploy.container", "deploy: {container: x}", "container x"},
	{"deploy.compose", "deploy: {compose: a/b}", "compose a/b"},
	{"deploy.service", "deploy: {service: a_b}", "service a_b"},
};

/* Those of deploy: beside `container: web`; check says what is written. */
static const char *const deploy_keys[] = {
	"same_tag_only: true", "no_downgrade: true", "pinned: skip",
	"stopped: start", "force: true", "order: start-first",
	"allow_shared_rw: true", "alias_after_health: true", "drain: 1h",
	"rollback_timeout: 1d", "pre_hook: [sh, -c, sync]",
	"post_hook: /bin/true", "hook_timeout: 5m", "pre_check: [df, -h]",
	"post_check: df", "check_timeout: 5s", "hook_user: app:app",
	"stop_signal: SIGINT", "keep_env: [A, B]", "restart_after: [db, a/b]",
	"missing_image: keep_all", "self_update: true", "compose_files: true",
	"cleanup: true", "keep_failed: 1h",
};

static bool has_key(const char *yaml, const char *key)
{
	size_t n = strlen(key);

	return strncmp(yaml, key, n) == 0 && yaml[n] == ':';
}

/* `a: b` unless the yaml says `a` itself. */
static void add_unless(struct strbuf *out, const char *yaml, const char *key,
	const char *value)
{
	if (!has_key(yaml, key))
		strbuf_addf(out, "%s: %s, ", key, value);
}

static void told(const char *yaml, const char *deploy, struct strbuf *out)
{
	char path[] = "/tmp/pullwire-command-XXXXXX";
	struct opt_errors errs = {0};
	struct strbuf file = {0};
	struct ruleset *set;
	struct conf *conf;
	int fd = mkstemp(path);

	strbuf_addf(&file, "engines: [{name: local, docker: 'unix:///x'}%s]\n"
		"triggers: [{", has_key(yaml, "engine")
			? ", {name: far, docker: 'unix:///y'}" : "");
	add_unless(&file, yaml, "name", "web");
	add_unless(&file, yaml, "repository", "shop/web");
	if (!has_key(yaml, "deploy") && !has_key(yaml, "url"))
		strbuf_addf(&file, "deploy: {container: web%s%s}, ",
			*deploy ? ", " : "", deploy);
	strbuf_addf(&file, "%s}]\n", *yaml ? yaml : "approve: false");
	assert_true(fd >= 0);
	assert_int_equal(write(fd, file.buf, file.len), file.len);
	close(fd);
	conf = conf_load(path, &errs);
	unlink(path);
	for (size_t i = 0; i < errs.list.n; i++)
		print_message("%s\n%s", errs.list.v[i], strbuf_cstr(&file));
	assert_non_null(conf);
	set = rule_load(conf, &errs);
	assert_non_null(set);
	command_rule(conf, &set->rules[0], out);
	ruleset_unref(set);
	conf_free(conf);
	strbuf_release(&file);
}

static void assert_says(const char *yaml, const char *deploy, const char *says)
{
	struct strbuf text = {0};

	told(yaml, deploy, &text);
	if (strstr(strbuf_cstr(&text), says) == NULL)
		fail_msg("%s%s: `%s` is not in\n%s", yaml, deploy, says,
			strbuf_cstr(&text));
	strbuf_release(&text);
}

/* So that a key that is added one day cannot be left out of check. */
static void assert_all_tried(const struct opt_table *t, const char *prefix)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct opt *o = &t->opts[i];
		char name[80];
		bool tried = false;

		snprintf(name, sizeof(name), "%s%s", prefix, o->key);
		if (o->type == OPT_SUB) {
			assert_all_tried(o->sub, "deploy.");
			continue;
		}
		for (size_t k = 0; k < ARRAY_LEN(keys); k++)
			tried |= strcmp(keys[k].key, name) == 0;
		for (size_t k = 0; k < ARRAY_LEN(deploy_keys); k++)
			tried |= *prefix && has_key(deploy_keys[k], o->key);
		if (!tried)
			fail_msg("what check says of `%s` is not tested", name);
	}
}

static void test_no_key_is_left_out(void **state)
{
	struct strbuf text = {0};

	(void)state;
	assert_all_tried(&conf_trigger_table, "");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_says(keys[i].yaml, "", keys[i].says);
	for (size_t i = 0; i < ARRAY_LEN(deploy_keys); i++) {
		char line[80];

		snprintf(line, sizeof(line), "    deploy.%s\n",
			deploy_keys[i]);
		assert_says("", deploy_keys[i], line);
	}
	/* And what is as it is without being said is not said. */
	told("grace: 10s, health_timeout: 90s", "order: stop-first", &text);
	assert_string_equal(strbuf_cstr(&text), "web: shop/web, every tag: "
		"redeploy container web (lane local)\n"
		"    health_timeout: 90s\n");
	strbuf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_key_is_left_out),
		cmocka_unit_test(test_reference),
	};

	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
