#include "matcher/rule.h"

#include "matcher/rule_index.h"
#include "matcher/rule_parts.h"
#include "proto/base/mem.h"

struct ruleset *ruleset_ref(struct ruleset *set)
{
	set->refs++;
	return set;
}

void ruleset_unref(struct ruleset *set)
{
	if (set == NULL || --set->refs > 0)
		return;
	rule_index_free(set->index);
	free(set->rules);
	rule_parts_free(set->parts);
	free(set);
}

void rule_list_tags(const struct rule *r, struct strbuf *out)
{
	for (size_t i = 0; i < r->n_tags; i++)
		strbuf_addf(out, "%s`%s`", i != 0 ? ", " : "", r->tags[i]);
}

void rule_action(const struct rule *r, struct strbuf *out)
{
	if (r->newer_only)
		strbuf_add_cstr(out, "if it is newer than the last, ");
	if (r->digest_changed)
		strbuf_add_cstr(out, "if the digest has changed, ");
	if (r->platforms != NULL)
		strbuf_addf(out, "if the image is of %s, ", r->platforms);
	strbuf_addf(out, "%s %s", r->url != NULL ? "post to" : "redeploy",
		r->url != NULL ? r->url : r->target);
	if (r->dry_run) {
		strbuf_add_cstr(out, ", as a dry run");
		return;
	}
	if (r->min_age > 0)
		strbuf_addf(out, ", %lld s after the push",
			(long long)r->min_age / 1000);
	if (r->window != NULL)
		strbuf_addf(out, ", within %s", r->window);
	if (r->approve)
		strbuf_add_cstr(out, ", once approved");
}

void rule_describe(const struct rule *r, struct strbuf *out)
{
	strbuf_addf(out, "%s: %s, ", r->name, r->repository);
	switch ((enum rule_method)r->method) {
	case RULE_ALL:
		strbuf_add_cstr(out, r->range != NULL ? "tags" : "every tag");
		break;
	case RULE_EXPRESSION:
		strbuf_addf(out, "tags that match `%s`", r->expression);
		break;
	case RULE_TAGS:
		strbuf_add_cstr(out, r->n_tags == 1 ? "tag " : "tags ");
		rule_list_tags(r, out);
		break;
	}
	if (r->range != NULL)
		strbuf_addf(out, "%s are versions in `%s`",
			r->method == RULE_ALL ? " that" : " and", r->semver);
	if (r->exclude_regex != NULL)
		strbuf_addf(out, " but not `%s`", r->exclude);
	strbuf_add_cstr(out, ": ");
	rule_action(r, out);
	strbuf_addf(out, " (lane %s)", r->lane);
}
