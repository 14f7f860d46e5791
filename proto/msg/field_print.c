/* What field.h promises for people: log lines and docs/WIRE.md. */
#include "proto/msg/field.h"

#define PRINT_MAX 256 /* bytes of a text in a log line, before escaping */

/* ---- log lines ----------------------------------------------------------- */

static void print_text(const char *text, struct strbuf *out)
{
	struct str s = str_from(text);
	char safe[4 * PRINT_MAX + 1];
	bool quote = s.n == 0;

	str_safe(str_cut(s, 0, PRINT_MAX), safe, sizeof(safe));
	for (const char *p = safe; *p != '\0'; p++)
		quote = quote || strchr(" \"=,[]", *p) != NULL;
	if (quote)
		strbuf_add_char(out, '"');
	for (const char *p = safe; *p != '\0'; p++) {
		if (*p == '"')
			strbuf_add_char(out, '\\');
		strbuf_add_char(out, *p);
	}
	if (s.n > PRINT_MAX)
		strbuf_add_cstr(out, "...");
	if (quote)
		strbuf_add_char(out, '"');
}

static void print_strs(const struct field_strs *a, struct strbuf *out)
{
	strbuf_add_char(out, '[');
	for (size_t i = 0; i < a->n; i++) {
		if (i != 0)
			strbuf_add_char(out, ',');
		print_text(a->v[i], out);
	}
	strbuf_add_char(out, ']');
}

static void print_i64s(const struct field_i64s *a, struct strbuf *out)
{
	strbuf_add_char(out, '[');
	for (size_t i = 0; i < a->n; i++)
		strbuf_addf(out, "%s%lld", i != 0 ? "," : "",
			(long long)a->v[i]);
	strbuf_add_char(out, ']');
}

static void print_table(const struct field_table *t, const void *obj,
	const char *prefix, size_t start, struct strbuf *out);

/* prefix: "event." inside a message that holds an event. */
static void print_field(const struct field *f, const void *p,
	const char *prefix, size_t start, struct strbuf *out)
{
	char sub[64];

	if (f->type == FIELD_SUB) {
		snprintf(sub, sizeof(sub), "%s%s.", prefix, f->name);
		print_table(f->sub, p, sub, start, out);
		return;
	}
	strbuf_addf(out, "%s%s%s=", out->len > start ? " " : "", prefix,
		f->name);
	switch (f->type) {
	case FIELD_STR:
	case FIELD_JSON:
		print_text(*(char *const *)p, out);
		break;
	case FIELD_I64:
		strbuf_addf(out, "%lld", (long long)*(const int64_t *)p);
		break;
	case FIELD_BOOL:
		strbuf_add_cstr(out, "true");
		break;
	case FIELD_STRS:
		print_strs(p, out);
		break;
	case FIELD_I64S:
		print_i64s(p, out);
		break;
	case FIELD_SUB:
		break;
	}
}

static void print_table(const struct field_table *t, const void *obj,
	const char *prefix, size_t start, struct strbuf *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];
		const void *p = (const char *)obj + f->offset;

		if (field_is_set(f, p))
			print_field(f, p, prefix, start, out);
	}
}

void field_print(const struct field_table *t, const void *obj,
	struct strbuf *out)
{
	print_table(t, obj, "", out->len, out);
}

/* ---- docs/WIRE.md -------------------------------------------------------- */

static void print_type(const struct field *f, struct strbuf *out)
{
	switch (f->type) {
	case FIELD_STR:
		strbuf_addf(out, "text | %zu bytes", f->max);
		break;
	case FIELD_JSON:
		strbuf_addf(out, "text, one JSON value | %zu bytes", f->max);
		break;
	case FIELD_I64:
		strbuf_add_cstr(out, "integer | 64 bits");
		break;
	case FIELD_BOOL:
		strbuf_add_cstr(out, "true or false |");
		break;
	case FIELD_STRS:
		strbuf_addf(out, "array of texts | %zu of %d bytes", f->max,
			FIELD_MAX_ELEMENT);
		break;
	case FIELD_I64S:
		strbuf_addf(out, "array of integers | %zu", f->max);
		break;
	case FIELD_SUB:
		strbuf_addf(out, "map: %s |", f->sub->name);
		break;
	}
}

void field_print_markdown(const struct field_table *t, struct strbuf *out)
{
	strbuf_addf(out, "### %s\n\n%s\n\n", t->name, t->help);
	if (t->n == 0) {
		strbuf_add_cstr(out, "No fields: an empty map.\n\n");
		return;
	}
	strbuf_add_cstr(out,
		"| field | type | limit | required | meaning |\n"
		"|---|---|---|---|---|\n");
	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];

		strbuf_addf(out, "| `%s` | ", f->name);
		print_type(f, out);
		strbuf_addf(out, " | %s | %s |\n",
			f->flags & FIELD_REQUIRED ? "yes" : "", f->help);
	}
	strbuf_add_char(out, '\n');
}
