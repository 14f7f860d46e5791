#include "matcher/rule_load.h"

#include "matcher/rule_index.h"
#include "matcher/rule_parts.h"
#include "proto/base/mem.h"

/* ---- faults -------------------------------------------------------------- */

static struct regex *compile(struct rule_parts *parts,
	const struct conf_trigger *t, const char *key, const char **text,
	struct opt_errors *errs)
{
	bool exclude = strcmp(key, "exclude") == 0;
	struct err err = {0};
	struct regex *regex = rule_parts_regex(parts,
		exclude ? t->exclude : t->expression, text, &err);

	if (regex == NULL)
		opt_error(errs, t->where.file,
			exclude ? t->exclude_line : t->expression_line,
			"%s: %s", key, err.text);
	return regex;
}

void rule_check(const struct conf *conf, struct opt_errors *errs)
{
	struct rule_parts *parts = rule_parts_new();
	const char *text;

	CONF_EACH(conf->triggers, const struct conf_trigger, t) {
		if (t->expression != NULL)
			compile(parts, t, "expression", &text, errs);
		if (t->exclude != NULL)
			compile(parts, t, "exclude", &text, errs);
	}
	rule_parts_free(parts);
}

/* ---- one rule ------------------------------------------------------------ */

static void load_tags(struct rule *r, struct rule_parts *parts,
	const struct opt_strs *tags)
{
	r->method = RULE_TAGS;
	r->tags = rule_parts_alloc(parts, tags->n * sizeof(*r->tags));
	for (size_t i = 0; i < tags->n; i++)
		r->tags[r->n_tags++] = rule_parts_text(parts, tags->v[i]);
}

static void load_range(struct rule *r, struct rule_parts *parts,
	const struct conf_trigger *t)
{
	struct err err = {0};

	r->range = rule_parts_range(parts, t->semver, &r->semver, &err);
	if (r->range == NULL)
		BUG("conf_load() let pass: %s", err.text);
}

/* "`A` or `B`" */
static const char *any_of(
	struct rule_parts *parts, const struct opt_strs *list)
{
	struct strbuf text = {0};
	const char *kept;

	if (list->n == 0)
		return NULL;
	for (size_t i = 0; i < list->n; i++)
		strbuf_addf(&text, "%s`%s`", i != 0 ? " or " : "", list->v[i]);
	kept = rule_parts_text(parts, strbuf_cstr(&text));
	strbuf_release(&text);
	return kept;
}

static void load_action(struct rule *r, struct rule_parts *parts,
	const struct conf_trigger *t)
{
	struct strbuf text = {0};
	size_t n;

	r->lane = rule_parts_lane(parts, conf_trigger_lane(t));
	strbuf_addf(&text, "%s/", r->lane);
	n = text.len;
	if (t->url != NULL) {
		/* Each URL is its own target, whoever else posts to it. */
		strbuf_add_cstr(&text, t->name);
		r->affinity = rule_parts_text(parts, strbuf_cstr(&text));
		r->target = "url";
		strbuf_truncate(&text, 0);
		url_redact(str_from(t->url), &text);
		r->url = rule_parts_text(parts, strbuf_cstr(&text));
	} else {
		conf_trigger_target(t, &text);
		r->affinity = rule_parts_text(parts, strbuf_cstr(&text));
		r->target = r->affinity + n;
	}
	strbuf_release(&text);
}

static void load(struct rule *r, struct rule_parts *parts,
	const struct conf_trigger *t, struct opt_errors *errs)
{
	r->name = rule_parts_text(parts, t->name);
	if (strlen(t->repository) < sizeof(r->near))
		r->repository = memcpy(r->near, t->repository,
			strlen(t->repository) + 1);
	else
		r->repository = rule_parts_text(parts, t->repository);
	if (t->expression != NULL) {
		r->method = RULE_EXPRESSION;
		r->regex = compile(
			parts, t, "expression", &r->expression, errs);
	} else if (t->tags.n != 0) {
		load_tags(r, parts, &t->tags);
	}
	if (t->exclude != NULL)
		r->exclude_regex = compile(
			parts, t, "exclude", &r->exclude, errs);
	if (t->semver != NULL)
		load_range(r, parts, t);
	r->newer_only = t->newer_only;
	r->digest_changed = t->digest_changed;
	r->dry_run = t->dry_run;
	r->approve = t->approve;
	r->min_age = t->min_age;
	r->window = any_of(parts, &t->window);
	r->platforms = any_of(parts, &t->platforms);
	load_action(r, parts, t);
}

struct ruleset *rule_load_labelled(
	const struct conf *conf, struct opt_errors *errs)
{
	struct opt_list all = conf_labelled_triggers(conf);
	struct ruleset *set = xcalloc(1, sizeof(*set));

	set->refs = 1;
	set->parts = rule_parts_new();
	set->generation = rule_parts_text(
		set->parts, conf_labelled_generation(conf));
	set->rules = xcalloc_large(all.n + 1, sizeof(*set->rules));
	CONF_EACH(all, const struct conf_trigger, t) {
		size_t before = errs->list.n;

		load(&set->rules[set->n], set->parts, t, errs);
		if (errs->list.n == before)
			set->n++;
		else
			set->rules[set->n] = (struct rule){0};
	}
	set->lanes = rule_parts_lanes(set->parts, &set->n_lanes);
	set->index = rule_index_new(set->rules, set->n);
	return set;
}

struct ruleset *rule_load(const struct conf *conf, struct opt_errors *errs)
{
	struct ruleset *set = xcalloc(1, sizeof(*set));
	size_t before = errs->list.n;

	set->refs = 1;
	set->parts = rule_parts_new();
	set->generation = rule_parts_text(set->parts, conf->generation);
	set->rules = xcalloc_large(conf->triggers.n, sizeof(*set->rules));
	CONF_EACH(conf->triggers, const struct conf_trigger, t)
		load(&set->rules[set->n++], set->parts, t, errs);
	set->lanes = rule_parts_lanes(set->parts, &set->n_lanes);
	if (errs->list.n != before) {
		ruleset_unref(set);
		return NULL;
	}
	set->index = rule_index_new(set->rules, set->n);
	return set;
}
