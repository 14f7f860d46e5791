#include "matcher/rule_eval.h"

#include "matcher/rule_index.h"
#include "proto/base/utf8.h"

static enum rule_verdict by_expression(
	const struct rule *r, const char *tag, struct strbuf *why)
{
	struct err err = {0};

	switch (regex_match(r->regex, str_from(tag), &err)) {
	case REGEX_YES:
		strbuf_addf(why, "tag `%s` matches `%s`", tag, r->expression);
		return RULE_MATCHED;
	case REGEX_NO:
		strbuf_addf(why, "tag `%s` does not match `%s`", tag,
			r->expression);
		return RULE_UNTRIGGERED;
	case REGEX_UNKNOWN:
		break;
	}
	strbuf_addf(why,
		"whether tag `%s` matches `%s` could not be told: %s; make the "
		"expression simpler",
		tag, r->expression, err.text);
	return RULE_ERROR;
}

static enum rule_verdict by_tags(
	const struct rule *r, const char *tag, struct strbuf *why)
{
	enum rule_verdict verdict = RULE_UNTRIGGERED;

	for (size_t i = 0; i < r->n_tags; i++)
		if (strcmp(r->tags[i], tag) == 0)
			verdict = RULE_MATCHED;
	strbuf_addf(why, "tag `%s` is %s ", tag,
		verdict == RULE_MATCHED ? "one of" : "not one of");
	rule_list_tags(r, why);
	return verdict;
}

/* The sentence; a row's reason has an end, and ten long tags pass it. */
static char *sentence(struct strbuf *why)
{
	if (why->len > RULE_REASON_MAX) {
		strbuf_truncate(why,
			utf8_prefix(strbuf_str(why), RULE_REASON_MAX - 3));
		strbuf_add_cstr(why, "...");
	}
	return strbuf_detach(why);
}

static struct rule_result eval_one(const struct rule *r, const char *tag)
{
	struct rule_result result = {.rule = r, .verdict = RULE_MATCHED};
	struct strbuf why = {0};

	switch (r->method) {
	case RULE_ALL:
		strbuf_addf(&why, "tag `%s` is taken: the trigger takes "
				  "every tag", tag);
		break;
	case RULE_EXPRESSION:
		result.verdict = by_expression(r, tag, &why);
		break;
	case RULE_TAGS:
		result.verdict = by_tags(r, tag, &why);
		break;
	}
	result.reason = sentence(&why);
	return result;
}

void rule_eval(const struct ruleset *set, const struct event *e,
	struct rule_results *out)
{
	struct rule_list rules = {0};
	struct rule_result none = {.verdict = RULE_NO_TRIGGER};

	rule_index_find(set->index, e->repository, &rules);
	for (size_t i = 0; i < rules.n; i++)
		VEC_PUSH(out, eval_one(rules.v[i], e->tag));
	VEC_RELEASE(&rules);
	if (out->n != 0)
		return;
	none.reason = xprintf("no trigger names repository `%s`",
		e->repository);
	VEC_PUSH(out, none);
}

void rule_results_release(struct rule_results *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].reason);
	VEC_RELEASE(r);
}

const char *rule_status(enum rule_verdict v)
{
	switch (v) {
	case RULE_MATCHED:
		return NULL;
	case RULE_UNTRIGGERED:
		return "untriggered";
	case RULE_ERROR:
		return "expression_error";
	case RULE_NO_TRIGGER:
		return "no_trigger";
	}
	BUG("verdict %d", (int)v);
}
