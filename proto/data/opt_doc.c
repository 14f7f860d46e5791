#include "proto/data/opt.h"

static const char *type_name(const struct opt *o)
{
	switch (o->type) {
	case OPT_STR: return "text";
	case OPT_BOOL: return "true or false";
	case OPT_INT: return "number";
	case OPT_DURATION: return "duration";
	case OPT_SIZE: return "size";
	case OPT_ENUM: return "word";
	case OPT_STRS: return "list";
	case OPT_SECRET: return "secret";
	case OPT_SECRETS: return "secrets";
	case OPT_SUB: return "keys";
	case OPT_LIST: return "list of keys";
	}
	return "";
}

static void print_key(const struct opt *o, struct strbuf *out)
{
	bool secret = o->type == OPT_SECRET || o->type == OPT_SECRETS;

	strbuf_addf(out, "| `%s`%s%s%s | %s", o->key, secret ? ", `" : "",
		secret ? o->key : "", secret ? "_file`" : "", type_name(o));
	if (o->type == OPT_ENUM)
		for (size_t i = 0; o->words[i]; i++)
			strbuf_addf(out, "%s`%s`", i ? ", " : ": ",
				o->words[i]);
	if (o->flags & OPT_REQUIRED)
		strbuf_add_cstr(out, " | required");
	else if (o->def)
		strbuf_addf(out, " | `%s`", o->def);
	else
		strbuf_add_cstr(out, " | ");
	strbuf_addf(out, " | %s%s |\n", o->help,
		o->flags & OPT_RELOAD ? "" : " \\*");
}

void opt_print_markdown(const struct opt_table *t, struct strbuf *out)
{
	strbuf_addf(out, "\n## %s\n\n%s\n\n", t->name, t->help);
	strbuf_add_cstr(out, "| key | type | default | |\n"
			     "| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < t->n; i++)
		print_key(&t->opts[i], out);
	for (size_t i = 0; i < t->n; i++)
		if (t->opts[i].sub)
			opt_print_markdown(t->opts[i].sub, out);
}
