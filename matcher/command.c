#include "matcher/command.h"

#include "matcher/rule_eval.h"
#include "matcher/rule_load.h"
#include "proto/base/metrics.h"
#include "proto/msg/msg.h"

#define TAG_MAX 128
#define REPOSITORY_MAX 255

/* NULL after every fault was printed. */
static struct ruleset *load(const char *path)
{
	struct opt_errors errs = {0};
	struct ruleset *set = NULL;
	struct conf *conf = conf_load_checked(path, rule_check, &errs);

	if (conf != NULL)
		set = rule_load(conf, &errs);
	for (size_t i = 0; i < errs.list.n; i++)
		fprintf(stderr, "%s\n", errs.list.v[i]);
	if (errs.list.n != 0)
		fprintf(stderr, "%zu fault%s\n", errs.list.n,
			errs.list.n == 1 ? "" : "s");
	conf_free(conf);
	opt_errors_release(&errs);
	return set;
}

static int misused(const char *usage)
{
	fprintf(stderr, "usage: pullwire-matcher %s\n", usage);
	return 2;
}

int command_check(const struct conf *none, int argc, char **argv)
{
	struct strbuf text = {0};
	struct ruleset *set;

	(void)none;
	if (argc != 2)
		return misused("check FILE");
	set = load(argv[1]);
	if (set == NULL)
		return 2;
	for (size_t i = 0; i < set->n; i++) {
		rule_describe(&set->rules[i], &text);
		strbuf_add_char(&text, '\n');
	}
	printf("%s%s: %zu trigger%s, no fault\n", strbuf_cstr(&text), argv[1],
		set->n, set->n == 1 ? "" : "s");
	strbuf_release(&text);
	ruleset_unref(set);
	return 0;
}

static bool all_of(struct str s, const char *also, bool capitals)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			continue;
		if (capitals && c >= 'A' && c <= 'Z')
			continue;
		if (c == '\0' || strchr(also, c) == NULL)
			return false;
	}
	return true;
}

int command_reference(const char *text, struct event *e, struct err *err)
{
	size_t host = conf_host_len(text);
	struct str name = str_from(host ? text + host + 1 : text);
	struct str t = STR("latest");
	size_t colon;

	name = str_cut(name, 0, str_find(name, '@'));
	colon = str_find(name, ':');
	if (colon != name.n) {
		t = str_cut(name, colon + 1, name.n);
		name = str_cut(name, 0, colon);
	}
	if (name.n == 0 || name.n > REPOSITORY_MAX ||
		!all_of(name, "._-/", false))
		return err_fail(err, "`%s` names no repository: write it like "
				     "shop/web:release-v2", text);
	if (t.n == 0 || t.n > TAG_MAX || !all_of(t, "._-", true) ||
		t.p[0] == '.' || t.p[0] == '-')
		return err_fail(err, "`%.*s` can be no tag", (int)t.n, t.p);
	if (host)
		e->registry = xmemdup0(text, host);
	e->repository = xmemdup0(name.p, name.n);
	e->tag = xmemdup0(t.p, t.n);
	return 0;
}

static void print_result(const struct rule_result *r)
{
	const char *status = rule_status(r->verdict);
	struct strbuf text = {0};

	if (r->rule != NULL)
		strbuf_addf(&text, "%s: ", r->rule->name);
	if (status != NULL)
		strbuf_add_cstr(&text, status);
	else
		rule_action(r->rule, &text);
	printf("  %s: %s\n", strbuf_cstr(&text), r->reason);
	strbuf_release(&text);
}

static void explain(const struct ruleset *set, const struct event *e)
{
	struct rule_results results = {0};
	size_t others;

	rule_eval(set, NULL, e, &results);
	printf("%s%s%s:%s\n", e->registry != NULL ? e->registry : "",
		e->registry != NULL ? "/" : "", e->repository, e->tag);
	others = set->n;
	for (size_t i = 0; i < results.n; i++) {
		print_result(&results.v[i]);
		others -= results.v[i].rule != NULL;
	}
	if (others != 0)
		printf("%zu other trigger%s not concerned\n", others,
			others == 1 ? " is" : "s are");
	rule_results_release(&results);
}

int command_explain(const struct conf *none, int argc, char **argv)
{
	struct event e = {0};
	struct err err = {0};
	struct ruleset *set;

	(void)none;
	if (argc != 3)
		return misused("explain FILE REPOSITORY:TAG");
	set = load(argv[1]);
	if (set == NULL)
		return 2;
	if (command_reference(argv[2], &e, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		ruleset_unref(set);
		return 2;
	}
	explain(set, &e);
	field_release(&event_table, &e);
	ruleset_unref(set);
	return 0;
}

int command_docs(const struct conf *none, int argc, char **argv)
{
	static const struct {
		const char *page;
		void (*print)(struct strbuf *out);
	} pages[] = {
		{"config", conf_print_markdown},
		{"wire", msg_print_markdown},
		{"metrics", metrics_markdown},
	};
	struct strbuf text = {0};

	(void)none;
	for (size_t i = 0; i < ARRAY_LEN(pages) && argc == 2; i++) {
		if (strcmp(argv[1], pages[i].page) != 0)
			continue;
		pages[i].print(&text);
		fputs(strbuf_cstr(&text), stdout);
		strbuf_release(&text);
		return 0;
	}
	return misused("docs config|wire|metrics");
}
