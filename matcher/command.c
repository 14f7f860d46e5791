#include "matcher/command.h"

#include "matcher/payload.h"
#include "matcher/rule_eval.h"
#include "matcher/rule_load.h"
#include "proto/base/metrics.h"
#include "proto/daemon/addresses.h"
#include "proto/msg/msg.h"

#define TAG_MAX 128
#define REPOSITORY_MAX 255
/* Triggers that a push does not concern, one by one. */
#define OTHERS_MAX 100
#define DIGEST STR("sha256:")
#define DIGEST_HEX 64

/* What any of the four would refuse, as far as the file alone tells. */
static void check_conf(const struct conf *conf, struct opt_errors *errs)
{
	rule_check(conf, errs);
	addresses_check(conf, NULL, errs);
}

/* NULL after every fault was printed. *conf is the caller's, with the rules. */
static struct ruleset *load(const char *path, struct conf **conf)
{
	struct opt_errors errs = {0};
	struct ruleset *set = NULL;

	*conf = conf_load_checked(path, check_conf, &errs);
	if (*conf != NULL)
		set = rule_load(*conf, &errs);
	for (size_t i = 0; i < errs.list.n; i++)
		fprintf(stderr, "%s\n", errs.list.v[i]);
	if (errs.list.n != 0)
		fprintf(stderr, "%zu fault%s\n", errs.list.n,
			errs.list.n == 1 ? "" : "s");
	opt_errors_release(&errs);
	if (set == NULL)
		conf_free(*conf);
	return set;
}

static int misused(const char *usage)
{
	fprintf(stderr, "usage: pullwire-matcher %s\n", usage);
	return 2;
}

static void add_other_keys(const struct conf *conf, const struct rule *r,
	struct strbuf *out)
{
	static const char *const said[] = {RULE_SAID_KEYS, NULL};

	opt_print_said(&conf_trigger_table, conf_trigger(conf, r->name), said,
		"    ", out);
}

void command_rule(
	const struct conf *conf, const struct rule *r, struct strbuf *out)
{
	rule_describe(r, out);
	strbuf_add_char(out, '\n');
	add_other_keys(conf, r, out);
}

int command_check(const struct conf *none, int argc, char **argv)
{
	struct strbuf text = {0};
	struct ruleset *set;
	struct conf *conf;

	(void)none;
	if (argc != 2)
		return misused("check FILE");
	set = load(argv[1], &conf);
	if (set == NULL)
		return 2;
	for (size_t i = 0; i < set->n; i++)
		command_rule(conf, &set->rules[i], &text);
	printf("%s%s: %zu trigger%s, no fault\n", strbuf_cstr(&text), argv[1],
		set->n, set->n == 1 ? "" : "s");
	strbuf_release(&text);
	ruleset_unref(set);
	conf_free(conf);
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

static bool is_digest(struct str s)
{
	static const char hex[] = "0123456789abcdef";

	if (s.n != DIGEST.n + DIGEST_HEX || !str_starts(s, DIGEST))
		return false;
	for (size_t i = DIGEST.n; i < s.n; i++)
		if (s.p[i] == '\0' || strchr(hex, s.p[i]) == NULL)
			return false;
	return true;
}

/* What stands before the digest, if there is one. */
static int cut_digest(
	const char *text, struct str *name, struct str *digest, struct err *err)
{
	size_t at = str_find(*name, '@');

	*digest = str_cut(*name, at < name->n ? at + 1 : at, name->n);
	if (at == name->n)
		return 0;
	*name = str_cut(*name, 0, at);
	if (!is_digest(*digest))
		return err_fail(err, "`%.*s` is no digest: it is sha256: and "
			"64 of 0-9 and a-f", (int)digest->n, digest->p);
	if (str_find(*name, ':') == name->n)
		return err_fail(err, "`%s` has no tag, and triggers go by the "
			"tag: write %.*s:TAG@sha256:...", text,
			(int)(name->p + name->n - text), text);
	return 0;
}

int command_reference(const char *text, struct event *e, struct err *err)
{
	size_t host = conf_host_len(text);
	struct str name = str_from(host ? text + host + 1 : text);
	struct str t = STR("latest"), digest;
	size_t colon;

	if (cut_digest(text, &name, &digest, err) < 0)
		return -1;
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
	if (digest.n)
		e->digest = xmemdup0(digest.p, digest.n);
	return 0;
}

static void print_result(const struct conf *conf, const struct rule_result *r)
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
	strbuf_truncate(&text, 0);
	if (status == NULL)
		add_other_keys(conf, r->rule, &text);
	fputs(strbuf_cstr(&text), stdout);
	strbuf_release(&text);
}

/* The rules that are not asked, too: who looks for one wants to see it. */
static void print_others(
	const struct ruleset *set, const struct rule_results *results)
{
	size_t others = set->n, next = 0;

	for (size_t i = 0; i < results->n; i++)
		others -= results->v[i].rule != NULL;
	if (others > OTHERS_MAX) {
		printf("%zu other triggers are not concerned\n", others);
		return;
	}
	/* The results are in the set's order. */
	for (size_t i = 0; i < set->n; i++) {
		if (next < results->n && results->v[next].rule == &set->rules[i])
			next++;
		else
			printf("  %s: not concerned: it is for %s\n",
				set->rules[i].name, set->rules[i].repository);
	}
}

/* None is in the file, but the matchers may know one all the same. */
static void print_labels(const struct conf *conf)
{
	bool possible = false;

	CONF_EACH(conf->engines, const struct conf_engine, e)
		possible |= e->labels;
	if (possible)
		printf("  triggers that containers and services have as labels "
		       "are not in the file and not looked at here; `docker ps "
		       "--filter label=pullwire.enable` (`docker service ls` "
		       "...) lists who has one\n");
}

static void explain(const struct conf *conf, const struct ruleset *set,
	const struct event *e)
{
	struct rule_results results = {0};
	struct strbuf reference = {0};

	rule_eval(set, NULL, e, &results);
	event_reference(e, &reference);
	printf("%s\n", strbuf_cstr(&reference));
	for (size_t i = 0; i < results.n; i++)
		print_result(conf, &results.v[i]);
	if (results.v[0].verdict == RULE_NO_TRIGGER)
		print_labels(conf);
	print_others(set, &results);
	strbuf_release(&reference);
	rule_results_release(&results);
}

struct explain_args {
	const char *file, *reference, *payload;
	char *read[16]; /* what `pullwire-ingress read` is given */
	size_t n_read;
	bool typed; /* its type is said */
};

static int parse_explain(struct explain_args *a, int argc, char **argv)
{
	char *const first[] = {"pullwire-ingress", "read", "--config"};

	memcpy(a->read, first, sizeof(first));
	a->n_read = ARRAY_LEN(first);
	a->file = argc > 1 ? argv[1] : NULL;
	a->read[a->n_read++] = argc > 1 ? argv[1] : NULL;
	for (int i = 2; i < argc; i++) {
		bool payload = strcmp(argv[i], "--payload") == 0;
		bool typed = strcmp(argv[i], "--type") == 0 ||
			strcmp(argv[i], "--source") == 0;

		if (strncmp(argv[i], "--", 2) != 0) {
			if (a->reference != NULL)
				return -1;
			a->reference = argv[i];
			continue;
		}
		if (i + 1 == argc || a->n_read + 4 > ARRAY_LEN(a->read) ||
			(!payload && !typed &&
				strcmp(argv[i], "--header") != 0))
			return -1;
		a->typed |= typed;
		if (payload) {
			a->payload = argv[++i];
			continue;
		}
		a->read[a->n_read++] = argv[i];
		a->read[a->n_read++] = argv[++i];
	}
	if ((a->payload == NULL) == a->typed ||
		(a->payload == NULL && a->reference == NULL))
		return -1;
	a->read[a->n_read++] = (char *)(uintptr_t)a->payload;
	a->read[a->n_read] = NULL;
	return 0;
}

static int explain_reference(
	const struct conf *conf, const struct ruleset *set, const char *text)
{
	struct event e = {0};
	struct err err = {0};

	if (command_reference(text, &e, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	explain(conf, set, &e);
	field_release(&event_table, &e);
	return 0;
}

static int explain_payload(const struct conf *conf, const struct ruleset *set,
	const struct explain_args *a)
{
	struct payload p = {0};
	struct err err = {0};
	int rc = payload_read(a->read, &p, &err);

	if (rc < 0 && err.text[0] != '\0')
		fprintf(stderr, "%s\n", err.text);
	for (size_t i = 0; i < p.ignored.n && rc == 0; i++)
		printf("ignored: %s\n", p.ignored.v[i]);
	for (size_t i = 0; i < p.events.n && rc == 0; i++)
		explain(conf, set, &p.events.v[i]);
	payload_release(&p);
	return rc < 0 ? 2 : 0;
}

int command_explain(const struct conf *none, int argc, char **argv)
{
	struct explain_args a = {0};
	struct ruleset *set;
	struct conf *conf;
	int code = 0;

	(void)none;
	if (parse_explain(&a, argc, argv) < 0)
		return misused("explain FILE [REPOSITORY:TAG] [--payload BODY "
			       "--type TYPE | --source NAME [--header 'N: V']]");
	set = load(a.file, &conf);
	if (set == NULL)
		return 2;
	if (a.reference != NULL)
		code = explain_reference(conf, set, a.reference);
	if (code == 0 && a.payload != NULL)
		code = explain_payload(conf, set, &a);
	ruleset_unref(set);
	conf_free(conf);
	return code;
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
