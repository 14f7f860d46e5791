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

static bool has_variable(const struct json *env, struct str entry)
{
	struct str name = str_cut(entry, 0, str_find(entry, '='));
	const struct json *i = json_first(env);
	struct str s;

	for (; i; i = json_next(i)) {
		s = str_from(json_str(i));
		if (str_eq(str_cut(s, 0, str_find(s, '=')), name))
			return true;
	}
	return false;
}

/* Engine's merge of what the image has with one member of the body. */
static void fill(struct json *body, const struct json *member)
{
	const char *key = json_key(member);
	struct json *mine = json_get(body, key);
	const struct json *i = json_first(member);

	if (docker_spec_empty(mine)) {
		json_set(body, key, json_copy(member));
		return;
	}
	for (; i && json_kind(member) == JSON_OBJECT; i = json_next(i))
		if (json_get(mine, json_key(i)) == NULL)
			json_set(mine, json_key(i), json_copy(i));
	for (; i && strcmp(key, "Env") == 0; i = json_next(i))
		if (!has_variable(mine, str_from(json_str(i))))
			json_push(mine, json_copy(i));
}

/* The body as the engine will have it. An entrypoint of the user's leaves the
 * image's command out. */
static struct json *filled(const struct json *body, const struct json *image)
{
	struct json *all = json_copy(body);
	bool own = !docker_spec_empty(json_get(body, "Entrypoint"));
	const struct json *i = json_first(json_get(image, "Config"));

	for (; i; i = json_next(i))
		if (!own || strcmp(json_key(i), "Cmd") != 0)
			fill(all, i);
	return all;
}

void docker_diff_lines(const struct json *old, const struct json *body,
	const struct json *image, struct strbuf *out)
{
	struct json *was = json_copy(json_get(old, "Config"));
	struct json *will = filled(body, image);
	struct str id = str_from(json_str(json_get(old, "Id")));
	struct str host = str_from(json_str(json_get(was, "Hostname")));

	if (host.n > 0 && str_starts(id, host))
		json_del(was, "Hostname");
	diff_part(was, will, "Config", out);
	diff_part(json_get(old, "HostConfig"), json_get(body, "HostConfig"),
		"HostConfig", out);
	json_free(was);
	json_free(will);
}
