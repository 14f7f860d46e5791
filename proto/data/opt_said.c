#include "proto/data/opt.h"

#include "proto/data/opt_value.h"

/* A number, a switch or the index of a word, as it is in obj. */
static int64_t scalar(const struct opt *o, const void *p)
{
	if (o->type == OPT_BOOL)
		return *(const bool *)p;
	return o->type == OPT_ENUM ? *(const int *)p : *(const int64_t *)p;
}

static int64_t scalar_default(const struct opt *o)
{
	struct err err = {0};
	int64_t number = 0;
	bool yes = false;
	int word = 0;
	void *p = o->type == OPT_BOOL ? &yes
		: o->type == OPT_ENUM ? (void *)&word
				      : &number;

	if (o->def && opt_value(o, o->def, p, &err) < 0)
		BUG("default of %s: %s", o->key, err.text);
	return scalar(o, p);
}

static void print_duration(int64_t ms, struct strbuf *out)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}};

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (ms == 0 || ms % units[i].ms != 0)
			continue;
		strbuf_addf(out, "%lld%s", (long long)(ms / units[i].ms),
			units[i].unit);
		return;
	}
	strbuf_addf(out, "%lldms", (long long)ms);
}

static void print_scalar(const struct opt *o, int64_t n, struct strbuf *out)
{
	if (o->type == OPT_BOOL)
		strbuf_add_cstr(out, n ? "true" : "false");
	else if (o->type == OPT_ENUM)
		strbuf_add_cstr(out, o->words[n]);
	else if (o->type == OPT_DURATION)
		print_duration(n, out);
	else
		strbuf_addf(out, "%lld", (long long)n);
}

static void print_list(
	const struct opt *o, const struct opt_strs *list, struct strbuf *out)
{
	bool hidden = o->flags & OPT_NAMED;

	for (size_t i = 0; i < list->n; i++) {
		const char *text = list->v[i];

		strbuf_add_cstr(out, i ? ", " : list->n > 1 ? "[" : "");
		strbuf_add(out, text, hidden ? strcspn(text, ":") : strlen(text));
		strbuf_add_cstr(out, hidden ? ": ***" : "");
	}
	strbuf_add_cstr(out, list->n > 1 ? "]" : "");
}

/* The value as it would be written; nothing where it is the default. */
static void print_value(
	const struct opt *o, const void *p, struct strbuf *out)
{
	const struct opt_secrets *secrets = p;
	const char *text;

	switch (o->type) {
	case OPT_STR:
		text = *(char *const *)p;
		if (text && (!o->def || strcmp(text, o->def) != 0))
			strbuf_add_cstr(out, text);
		break;
	case OPT_BOOL:
	case OPT_INT:
	case OPT_DURATION:
	case OPT_SIZE:
	case OPT_ENUM:
		if (scalar(o, p) != scalar_default(o))
			print_scalar(o, scalar(o, p), out);
		break;
	case OPT_STRS:
		print_list(o, p, out);
		break;
	case OPT_SECRET:
		if (((const struct secret *)p)->n)
			strbuf_add_cstr(out, "***");
		break;
	case OPT_SECRETS:
		for (size_t i = 0; i < secrets->n; i++)
			strbuf_add_cstr(out, i ? ", ***" : "***");
		break;
	case OPT_SUB:
	case OPT_LIST:
		break;
	}
}

static bool one_of(const char *key, const char *const *keys)
{
	while (*keys && strcmp(*keys, key) != 0)
		keys++;
	return *keys != NULL;
}

void opt_print_said(const struct opt_table *t, const void *obj,
	const char *const *but, const char *before, struct strbuf *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct opt *o = &t->opts[i];
		const void *p = (const char *)obj + o->offset;
		struct strbuf value = {0};

		if (one_of(o->key, but))
			continue;
		if (o->type == OPT_SUB) {
			char *prefix = xprintf("%s%s.", before, o->key);

			opt_print_said(o->sub, p, but, prefix, out);
			free(prefix);
			continue;
		}
		print_value(o, p, &value);
		if (value.len)
			strbuf_addf(out, "%s%s: %s\n", before, o->key,
				strbuf_cstr(&value));
		strbuf_release(&value);
	}
}
