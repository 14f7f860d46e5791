#include "matcher/rule.h"

#include "matcher/rule_index.h"

struct ruleset *ruleset_ref(struct ruleset *set)
{
	set->refs++;
	return set;
}

static void release(struct rule *r)
{
	free(r->name);
	free(r->repository);
	free(r->expression);
	regex_free(r->regex);
	for (size_t i = 0; i < r->n_tags; i++)
		free(r->tags[i]);
	free(r->tags);
	free(r->lane);
	free(r->target);
	free(r->action);
	free(r->affinity);
}

void ruleset_unref(struct ruleset *set)
{
	if (set == NULL || --set->refs > 0)
		return;
	rule_index_free(set->index);
	for (size_t i = 0; i < set->n; i++)
		release(&set->rules[i]);
	free(set->rules);
	free(set);
}

void rule_list_tags(const struct rule *r, struct strbuf *out)
{
	for (size_t i = 0; i < r->n_tags; i++)
		strbuf_addf(out, "%s`%s`", i != 0 ? ", " : "", r->tags[i]);
}

void rule_describe(const struct rule *r, struct strbuf *out)
{
	strbuf_addf(out, "%s: %s, ", r->name, r->repository);
	switch (r->method) {
	case RULE_ALL:
		strbuf_add_cstr(out, "every tag");
		break;
	case RULE_EXPRESSION:
		strbuf_addf(out, "tags that match `%s`", r->expression);
		break;
	case RULE_TAGS:
		strbuf_add_cstr(out, r->n_tags == 1 ? "tag " : "tags ");
		rule_list_tags(r, out);
		break;
	}
	strbuf_addf(out, ": %s (lane %s)", r->action, r->lane);
}
