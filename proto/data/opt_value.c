#include "proto/data/opt_value.h"

#include <ctype.h>

#define TEXT_MAX ((size_t)64 << 10) /* bytes of one value */

/* Takes "NAME}" or "NAME:-default}" off *s, which stands after "${". */
static int expand_one(const char **s, struct strbuf *out, struct err *err)
{
	const char *name = *s, *end = strchr(name, '}'), *value;
	size_t n = 0;
	char var[128];

	if (!end)
		return err_fail(err, "`${` has no closing brace; write $$ for "
				     "a dollar sign");
	while (isalnum((unsigned char)name[n]) || name[n] == '_')
		n++;
	if (n == 0 || n >= sizeof(var) ||
		(name[n] != '}' && strncmp(name + n, ":-", 2) != 0))
		return err_fail(err, "`${%.*s}` is not ${NAME} or "
				     "${NAME:-default}",
			(int)(end - name), name);
	snprintf(var, sizeof(var), "%.*s", (int)n, name);
	value = getenv(var);
	if (value && *value)
		strbuf_add_cstr(out, value);
	else if (name[n] == ':')
		strbuf_add(out, name + n + 2, (size_t)(end - name) - n - 2);
	else
		return err_fail(err, "${%s} is not set in the environment; "
				     "set it, or write ${%s:-default}",
			var, var);
	*s = end + 1;
	return 0;
}

char *opt_expand(const char *text, struct err *err)
{
	struct strbuf out = {.limit = TEXT_MAX};

	strbuf_add_cstr(&out, "");
	while (*text) {
		if (text[0] == '$' && text[1] == '$') {
			strbuf_add_char(&out, '$');
			text += 2;
		} else if (text[0] == '$' && text[1] == '{') {
			text += 2;
			if (expand_one(&text, &out, err) < 0) {
				strbuf_release(&out);
				return NULL;
			}
		} else {
			strbuf_add_char(&out, *text++);
		}
	}
	if (out.failed) {
		strbuf_release(&out);
		err_fail(err, "the value is longer than %zu KiB",
			TEXT_MAX >> 10);
		return NULL;
	}
	return out.buf ? strbuf_detach(&out) : xstrdup("");
}

static int value_bool(const char *text, bool *out, struct err *err)
{
	static const char *const yes[] = {"true", "yes", "on"};
	static const char *const no[] = {"false", "no", "off"};

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*out = strcmp(text, yes[i]) == 0;
			return 0;
		}
	}
	return err_fail(err, "`%s` is not true or false", text);
}

static int value_enum(const struct opt *o, const char *text, int *out,
	struct err *err)
{
	struct strbuf all = {0};
	const char *near;
	size_t n = 0;

	for (; o->words[n]; n++) {
		if (strcmp(text, o->words[n]) == 0) {
			*out = (int)n;
			strbuf_release(&all);
			return 0;
		}
		strbuf_addf(&all, "%s%s", n ? ", " : "", o->words[n]);
	}
	near = opt_nearest(text, o->words, n);
	if (near)
		err_fail(err, "`%s` is not one of %s; did you mean `%s`?",
			text, strbuf_cstr(&all), near);
	else
		err_fail(err, "`%s` is not one of %s", text,
			strbuf_cstr(&all));
	strbuf_release(&all);
	return -1;
}

static int value_number(const struct opt *o, const char *text, int64_t *out,
	struct err *err)
{
	struct str s = str_from(text);
	int64_t n = 0;

	if (o->type == OPT_INT && str_to_i64(s, &n) < 0)
		return err_fail(err, "`%s` is not a whole number", text);
	if (o->type == OPT_DURATION && str_to_duration(s, &n) < 0)
		return err_fail(err, "`%s` is not a duration; write for "
				     "example 500ms, 30s, 5m, 2h or 7d",
			text);
	if (o->type == OPT_SIZE && str_to_size(s, &n) < 0)
		return err_fail(err, "`%s` is not a size; write for example "
				     "512, 256KiB or 1MiB",
			text);
	if ((o->min || o->max) && (n < o->min || n > o->max)) {
		const char *unit = o->type == OPT_DURATION ? " ms"
			: o->type == OPT_SIZE		   ? " bytes"
							   : "";

		return err_fail(err, "`%s` is not between %lld%s and %lld%s",
			text, (long long)o->min, unit, (long long)o->max,
			unit);
	}
	*out = n;
	return 0;
}

static int value_str(const struct opt *o, const char *text, char **out,
	struct err *err)
{
	if (o->max && strlen(text) > (size_t)o->max)
		return err_fail(err, "the value is longer than %lld bytes",
			(long long)o->max);
	free(*out);
	*out = xstrdup(text);
	return 0;
}

static void add_str(struct opt_strs *list, const char *text)
{
	list->v = xreallocarray(list->v, list->n + 1, sizeof(*list->v));
	list->v[list->n++] = xstrdup(text);
}

static struct secret *add_secret(struct opt_secrets *list)
{
	list->v = xreallocarray(list->v, list->n + 1, sizeof(*list->v));
	memset(&list->v[list->n], 0, sizeof(*list->v));
	return &list->v[list->n++];
}

static int value_secret(struct secret *s, const char *text, struct err *err)
{
	if (!*text)
		return err_fail(err, "an empty secret would let everyone in");
	secret_set(s, str_from(text));
	return 0;
}

int opt_value(const struct opt *o, const char *text, void *p, struct err *err)
{
	switch (o->type) {
	case OPT_STR:
		return value_str(o, text, p, err);
	case OPT_BOOL:
		return value_bool(text, p, err);
	case OPT_INT:
	case OPT_DURATION:
	case OPT_SIZE:
		return value_number(o, text, p, err);
	case OPT_ENUM:
		return value_enum(o, text, p, err);
	case OPT_STRS:
		add_str(p, text);
		return 0;
	case OPT_SECRET:
		return value_secret(p, text, err);
	case OPT_SECRETS:
		return value_secret(add_secret(p), text, err);
	case OPT_SUB:
	case OPT_LIST:
		break;
	}
	BUG("option %s is no scalar", o->key);
}

int opt_value_file(const struct opt *o, const char *path, void *p,
	struct err *err)
{
	return secret_read(o->type == OPT_SECRETS ? add_secret(p) : p, path,
		err);
}

void opt_value_release(const struct opt *o, void *p)
{
	struct opt_strs *strs = p;
	struct opt_secrets *secrets = p;

	switch (o->type) {
	case OPT_STR:
		free_null((char **)p);
		break;
	case OPT_STRS:
		for (size_t i = 0; i < strs->n; i++)
			free(strs->v[i]);
		free(strs->v);
		memset(strs, 0, sizeof(*strs));
		break;
	case OPT_SECRET:
		secret_release(p);
		break;
	case OPT_SECRETS:
		for (size_t i = 0; i < secrets->n; i++)
			secret_release(&secrets->v[i]);
		free(secrets->v);
		memset(secrets, 0, sizeof(*secrets));
		break;
	case OPT_BOOL:
	case OPT_INT:
	case OPT_DURATION:
	case OPT_SIZE:
	case OPT_ENUM:
	case OPT_SUB:
	case OPT_LIST:
		break;
	}
}
