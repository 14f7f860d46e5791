#include "deployer/docker/docker_diff.h"

#include "deployer/docker/docker_spec_part.h"

#define VALUE_MAX ((size_t)120)

static void add_value(struct strbuf *out, const char *path,
	const struct json *value)
{
	struct strbuf text = {0};
	struct str s;
	char safe[VALUE_MAX * 4 + 1];

	json_write(value, &text);
	s = json_str(value) != NULL ? str_from(json_str(value))
				    : strbuf_str(&text);
	if (strcmp(path, "Config.Env") == 0 && str_find(s, '=') < s.n)
		strbuf_addf(out, "%.*s=...", (int)str_find(s, '='), s.p);
	else
		strbuf_addf(out, "%s%s",
			str_safe(str_cut(s, 0, VALUE_MAX), safe, sizeof(safe)),
			s.n > VALUE_MAX ? "..." : "");
	strbuf_release(&text);
}

static void add_line(struct strbuf *out, char sign, const char *path,
	const char *key, const struct json *value)
{
	strbuf_addf(out, "  %c %s", sign, path);
	if (key != NULL)
		strbuf_addf(out, ".%s", key);
	if (value != NULL) {
		strbuf_add_cstr(out, " ");
		add_value(out, path, value);
	}
	strbuf_add_char(out, '\n');
}

static bool has_item(const struct json *array, const struct json *item)
{
	for (const struct json *i = json_first(array); i; i = json_next(i))
		if (json_equal(i, item))
			return true;
	return false;
}

static void diff_arrays(const struct json *a, const struct json *b,
	const char *path, struct strbuf *out)
{
	const struct json *i;

	for (i = json_first(a); i; i = json_next(i))
		if (!has_item(b, i))
			add_line(out, '-', path, NULL, i);
	for (i = json_first(b); i; i = json_next(i))
		if (!has_item(a, i))
			add_line(out, '+', path, NULL, i);
}

static bool is_ours(const char *path, const char *key)
{
	return strcmp(path, "Config.Labels") == 0 &&
		str_starts(str_from(key), STR("pullwire."));
}

static void diff_objects(const struct json *a, const struct json *b,
	const char *path, struct strbuf *out)
{
	const struct json *i, *other;

	for (i = json_first(a); i; i = json_next(i)) {
		other = json_get(b, json_key(i));
		if (is_ours(path, json_key(i)) || docker_spec_same(i, other))
			continue;
		add_line(out, other != NULL ? '~' : '-', path, json_key(i),
			other != NULL ? other : i);
	}
	for (i = json_first(b); i; i = json_next(i))
		if (json_get(a, json_key(i)) == NULL &&
			!is_ours(path, json_key(i)))
			add_line(out, '+', path, json_key(i), i);
}

static void diff_member(const struct json *a, const struct json *b,
	const char *path, struct strbuf *out)
{
	enum json_kind kind = json_kind(docker_spec_empty(a) ? b : a);

	if (docker_spec_same(a, b))
		return;
	if (kind == JSON_ARRAY)
		diff_arrays(a, b, path, out);
	else if (kind == JSON_OBJECT)
		diff_objects(a, b, path, out);
	else
		add_line(out, docker_spec_empty(a) ? '+'
				: b == NULL	   ? '-'
						   : '~',
			path, NULL, b != NULL ? b : a);
}

static void diff_part(const struct json *a, const struct json *b,
	const char *name, struct strbuf *out)
{
	const struct json *i;
	struct strbuf path = {0};

	for (i = json_first(a); i; i = json_next(i)) {
		strbuf_truncate(&path, 0);
		strbuf_addf(&path, "%s.%s", name, json_key(i));
		diff_member(i, json_get(b, json_key(i)), strbuf_cstr(&path),
			out);
	}
	for (i = json_first(b); i; i = json_next(i)) {
		/* The two other parts of the body are not Config's. */
		if (json_get(a, json_key(i)) != NULL ||
			strcmp(json_key(i), "HostConfig") == 0 ||
			strcmp(json_key(i), "NetworkingConfig") == 0)
			continue;
		strbuf_truncate(&path, 0);
		strbuf_addf(&path, "%s.%s", name, json_key(i));
		diff_member(NULL, i, strbuf_cstr(&path), out);
	}
	strbuf_release(&path);
}

void docker_diff_lines(const struct json *old, const struct json *body,
	struct strbuf *out)
{
	diff_part(json_get(old, "Config"), body, "Config", out);
	diff_part(json_get(old, "HostConfig"), json_get(body, "HostConfig"),
		"HostConfig", out);
}
