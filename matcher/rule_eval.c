#include "matcher/rule_eval.h"

#include "matcher/rule_index.h"
#include "proto/base/utf8.h"
#include "proto/msg/job.h"

static enum rule_verdict cannot_tell(const char *tag, const char *expression,
	const struct err *err, struct strbuf *why)
{
	strbuf_truncate(why, 0);
	strbuf_addf(why,
		"whether tag `%s` matches `%s` could not be told: %s; make the "
		"expression simpler",
		tag, expression, err->text);
	return RULE_ERROR;
}

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
	return cannot_tell(tag, r->expression, &err, why);
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

static enum rule_verdict by_method(
	const struct rule *r, const char *tag, struct strbuf *why)
{
	switch ((enum rule_method)r->method) {
	case RULE_ALL:
		strbuf_addf(why, "tag `%s` is taken: the trigger takes "
				 "every tag", tag);
		return RULE_MATCHED;
	case RULE_EXPRESSION:
		return by_expression(r, tag, why);
	case RULE_TAGS:
		return by_tags(r, tag, why);
	}
	BUG("method %d", (int)r->method);
}

static enum rule_verdict by_exclude(
	const struct rule *r, const char *tag, struct strbuf *why)
{
	struct err err = {0};

	switch (regex_match(r->exclude_regex, str_from(tag), &err)) {
	case REGEX_YES:
		strbuf_truncate(why, 0);
		strbuf_addf(why, "tag `%s` is excluded by `%s`", tag,
			r->exclude);
		return RULE_UNTRIGGERED;
	case REGEX_NO:
		strbuf_addf(why, "; it is not excluded by `%s`", r->exclude);
		return RULE_MATCHED;
	case REGEX_UNKNOWN:
		break;
	}
	return cannot_tell(tag, r->exclude, &err, why);
}

static enum rule_verdict by_version(
	const struct rule *r, const char *tag, struct strbuf *why)
{
	struct semver v;

	if (semver_parse(str_from(tag), &v) < 0) {
		strbuf_truncate(why, 0);
		strbuf_addf(why, "tag `%s` is no version (MAJOR.MINOR.PATCH), "
				 "so it is not in `%s`", tag, r->semver);
		return RULE_UNTRIGGERED;
	}
	if (semver_range_has(r->range, &v)) {
		strbuf_addf(why, "; it is in `%s`", r->semver);
		return RULE_MATCHED;
	}
	strbuf_truncate(why, 0);
	strbuf_addf(why, "tag `%s` is not in `%s`%s", tag, r->semver,
		v.pre.n == 0 ? "" : ", which takes a pre-release only if it "
				    "names one of the same version");
	return RULE_UNTRIGGERED;
}

static void write_semver(const struct semver *v, struct strbuf *out)
{
	strbuf_addf(out, "semver %llu.%llu.%llu",
		(unsigned long long)v->part[0], (unsigned long long)v->part[1],
		(unsigned long long)v->part[2]);
	if (v->pre.n > 0) {
		strbuf_add_char(out, '-');
		strbuf_add_str(out, v->pre);
	}
}

/* Groups may stand in each other, so that each takes most of the tag. What is
 * cut would be in another order. */
static void too_long(const struct rule *r, const char *tag, size_t n,
	struct strbuf *why)
{
	strbuf_truncate(why, 0);
	strbuf_addf(why, "whether tag `%s` is newer could not be told: the "
		"named groups of `%s` take %zu bytes of it, more than the %zu "
		"of a version; name fewer, none inside another", tag,
		r->expression, n, JOB_VERSION_MAX);
}

/* What the deployer compares with what it did last. */
static enum rule_verdict take_version(const struct rule *r, const char *tag,
	char **version, struct strbuf *why)
{
	struct strbuf text = {0};
	struct semver v;

	if (r->method == RULE_EXPRESSION && regex_has_names(r->regex)) {
		strbuf_add_cstr(&text, "groups ");
		regex_names(r->regex, str_from(tag), &text);
	} else if (semver_parse(str_from(tag), &v) == 0) {
		write_semver(&v, &text);
	} else {
		strbuf_truncate(why, 0);
		strbuf_addf(why, "tag `%s` is no version (MAJOR.MINOR.PATCH), "
			"so it is not newer than another", tag);
		return RULE_UNTRIGGERED;
	}
	if (text.len > JOB_VERSION_MAX) {
		too_long(r, tag, text.len, why);
		strbuf_release(&text);
		return RULE_ERROR;
	}
	*version = strbuf_detach(&text);
	return RULE_MATCHED;
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

/* Each test in turn; the first that does not hold has the word. */
static struct rule_result eval_one(const struct rule *r, const char *tag)
{
	struct rule_result result = {.rule = r};
	struct strbuf why = {0};

	result.verdict = by_method(r, tag, &why);
	if (result.verdict == RULE_MATCHED && r->exclude_regex != NULL)
		result.verdict = by_exclude(r, tag, &why);
	if (result.verdict == RULE_MATCHED && r->range != NULL)
		result.verdict = by_version(r, tag, &why);
	if (result.verdict == RULE_MATCHED && r->newer_only)
		result.verdict = take_version(r, tag, &result.version, &why);
	result.reason = sentence(&why);
	return result;
}

static char *no_trigger(const struct event *e)
{
	if (e->trigger != NULL)
		return xprintf("it came by the URL of trigger `%s`, which does "
			       "not exist here or does not name repository "
			       "`%s`", e->trigger, e->repository);
	return xprintf("no trigger names repository `%s%s%s`",
		e->registry != NULL ? e->registry : "",
		e->registry != NULL ? "/" : "", e->repository);
}

static void eval_set(const struct ruleset *set, const struct event *e,
	struct rule_results *out)
{
	struct rule_list rules = {0};

	rule_index_find(set->index, e, &rules);
	for (size_t i = 0; i < rules.n; i++) {
		struct rule_result one;

		if (e->trigger != NULL &&
			strcmp(rules.v[i]->name, e->trigger) != 0)
			continue;
		one = eval_one(rules.v[i], e->tag);
		one.set = set;
		VEC_PUSH(out, one);
	}
	VEC_RELEASE(&rules);
}

void rule_eval(const struct ruleset *set, const struct ruleset *labels,
	const struct event *e, struct rule_results *out)
{
	struct rule_result none = {.verdict = RULE_NO_TRIGGER, .set = set};

	eval_set(set, e, out);
	if (labels != NULL && labels->n > 0)
		eval_set(labels, e, out);
	if (out->n != 0)
		return;
	none.reason = no_trigger(e);
	VEC_PUSH(out, none);
}

void rule_results_release(struct rule_results *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].reason);
		free(r->v[i].version);
	}
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
