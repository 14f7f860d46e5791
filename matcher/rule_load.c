#include "matcher/rule_load.h"

#include "matcher/rule_index.h"

static void load_tags(struct rule *r, const struct opt_strs *tags)
{
	r->method = RULE_TAGS;
	r->tags = xcalloc(tags->n, sizeof(*r->tags));
	for (size_t i = 0; i < tags->n; i++)
		r->tags[r->n_tags++] = xstrdup(tags->v[i]);
}

static struct regex *compile(
	const struct conf_trigger *t, struct opt_errors *errs)
{
	struct err err = {0};
	struct regex *regex = regex_new(t->expression, &err);

	if (regex == NULL)
		opt_error(errs, t->where.file, t->expression_line,
			"expression: %s", err.text);
	return regex;
}

void rule_check(const struct conf *conf, struct opt_errors *errs)
{
	CONF_EACH(conf->triggers, const struct conf_trigger, t)
		if (t->expression != NULL)
			regex_free(compile(t, errs));
}

static void load_expression(struct rule *r, const struct conf_trigger *t,
	struct opt_errors *errs)
{
	r->method = RULE_EXPRESSION;
	r->expression = xstrdup(t->expression);
	r->regex = compile(t, errs);
}

static void load_action(struct rule *r, const struct conf_trigger *t)
{
	struct strbuf text = {0};

	conf_trigger_target(t, &text);
	r->target = strbuf_detach(&text);
	if (t->url != NULL) {
		url_redact(str_from(t->url), &text);
		r->action = xprintf("post to %s", strbuf_cstr(&text));
		/* Each URL is its own target, whoever else posts to it. */
		r->affinity = xprintf("http/%s", t->name);
	} else {
		r->action = xprintf("redeploy %s", r->target);
		r->affinity = xprintf("%s/%s", r->lane, r->target);
	}
	strbuf_release(&text);
}

static void load(struct rule *r, const struct conf_trigger *t,
	struct opt_errors *errs)
{
	r->name = xstrdup(t->name);
	r->repository = xstrdup(t->repository);
	r->lane = xstrdup(conf_trigger_lane(t));
	if (t->expression != NULL)
		load_expression(r, t, errs);
	else if (t->tags.n != 0)
		load_tags(r, &t->tags);
	load_action(r, t);
}

struct ruleset *rule_load(const struct conf *conf, struct opt_errors *errs)
{
	struct ruleset *set = xcalloc(1, sizeof(*set));
	size_t before = errs->list.n;

	set->refs = 1;
	set->rules = xcalloc(conf->triggers.n, sizeof(*set->rules));
	CONF_EACH(conf->triggers, const struct conf_trigger, t)
		load(&set->rules[set->n++], t, errs);
	if (errs->list.n != before) {
		ruleset_unref(set);
		return NULL;
	}
	set->index = rule_index_new(set->rules, set->n);
	return set;
}
