#include "ingress/normalise.h"

#include "proto/base/mem.h"

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

bool normalise_is_tag(struct str s)
{
	if (s.n == 0 || s.n > NORMALISE_TAG_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!is_alnum(c) && c != '_' &&
			!(i > 0 && (c == '.' || c == '-')))
			return false;
	}
	return true;
}

/* Length of the separator at s: ".", "_", "__" or any number of "-". */
static size_t separator(struct str s)
{
	size_t n = 0;

	if (s.n >= 1 && s.p[0] == '.')
		return 1;
	while (n < s.n && n < 2 && s.p[n] == '_')
		n++;
	if (n)
		return n;
	while (n < s.n && s.p[n] == '-')
		n++;
	return n;
}

/* [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* */
static bool is_component(struct str s)
{
	while (s.n) {
		size_t word = 0, sep;

		while (word < s.n && (is_lower(s.p[word]) ||
			is_digit(s.p[word])))
			word++;
		if (word == 0)
			return false;
		s = str_cut(s, word, s.n);
		if (s.n == 0)
			return true;
		sep = separator(s);
		if (sep == 0)
			return false;
		s = str_cut(s, sep, s.n);
	}
	return false;
}

bool normalise_is_repository(struct str s)
{
	struct str rest = s, part;

	if (s.n == 0 || s.n > NORMALISE_REPOSITORY_MAX)
		return false;
	while (str_split(&rest, '/', &part))
		if (!is_component(part))
			return false;
	return true;
}

bool normalise_is_digest(struct str s)
{
	if (!str_starts(s, STR("sha256:")) || s.n != 7 + 64)
		return false;
	for (size_t i = 7; i < s.n; i++)
		if (!is_digit(s.p[i]) && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
			return false;
	return true;
}

static bool is_port(struct str s)
{
	int64_t port;

	return s.n > 0 && s.n <= 5 && is_digit(s.p[0]) &&
		!str_to_i64(s, &port) && port >= 1 && port <= 65535;
}

bool normalise_is_host(struct str s)
{
	bool v6 = s.n > 0 && s.p[0] == '[';
	size_t end = v6 ? str_find(s, ']') : str_find(s, ':');
	struct str name = str_cut(s, v6 ? 1 : 0, end);
	struct str rest = str_cut(s, v6 ? end + 1 : end, s.n);

	if (s.n > 255 || name.n == 0 || (v6 && end == s.n))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!is_alnum(c) && c != '.' &&
			!(v6 ? c == ':' : c == '-' || c == '_'))
			return false;
	}
	if (!v6 && (name.p[0] == '-' || name.p[0] == '.'))
		return false;
	return rest.n == 0 ||
		(rest.p[0] == ':' && is_port(str_cut(rest, 1, rest.n)));
}

void normalise_split_host(struct str reference, struct str *host,
	struct str *repository)
{
	size_t slash = str_find(reference, '/');
	struct str first = str_cut(reference, 0, slash);

	*host = STR("");
	*repository = reference;
	if (slash == reference.n)
		return;
	if (str_find(first, '.') == first.n && str_find(first, ':') == first.n &&
		!str_is(first, "localhost"))
		return;
	*host = first;
	*repository = str_cut(reference, slash + 1, reference.n);
}

static char *lower_case(const char *s)
{
	char *out = xstrdup(s);

	for (char *p = out; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return out;
}

/* A text of the body as it may stand in a sentence: escaped, shortened. */
#define SHOWN 80

static char *shown(const char *s, char buf[SHOWN])
{
	return str_safe(str_cut(str_from(s), 0, SHOWN - 1), buf, SHOWN);
}

static int check_push(const struct provider_push *p, const char *repository,
	struct err *err)
{
	char buf[SHOWN];
	size_t n = strlen(repository), tag = strlen(p->tag);

	if (n > NORMALISE_REPOSITORY_MAX)
		return err_fail(err, "the repository has %zu characters; at "
			"most %d are allowed", n, NORMALISE_REPOSITORY_MAX);
	if (!normalise_is_repository(str_from(repository)))
		return err_fail(err, "repository `%s` is not a name by the OCI "
			"grammar: lower-case words joined by `.`, `_`, `__` or "
			"`-`, with `/` between", shown(p->repository, buf));
	if (tag > NORMALISE_TAG_MAX)
		return err_fail(err, "the tag has %zu characters; at most %d "
			"are allowed", tag, NORMALISE_TAG_MAX);
	if (!normalise_is_tag(str_from(p->tag)))
		return err_fail(err, "tag `%s` is not a tag: letters, digits, "
			"`_`, `.` and `-`, the first no `.` or `-`",
			shown(p->tag, buf));
	if (p->digest && !normalise_is_digest(str_from(p->digest)))
		return err_fail(err, "digest `%s` is not sha256: and 64 "
			"lower-case hexadecimal digits",
			shown(p->digest, buf));
	return 0;
}

/* Bytes of the prefix when it is one of text, whole parts only; else 0. */
static size_t prefix_of(struct str prefix, struct str text)
{
	if (!str_starts(text, prefix) ||
		(text.n > prefix.n && text.p[prefix.n] != '/'))
		return 0;
	return prefix.n;
}

/* The entry of the source's registry_map for a name; false when none is. The
 * longest counts. */
static bool find_mapping(const struct conf_source *source, struct str name,
	size_t *from, struct str *to)
{
	*from = 0;
	for (size_t i = 0; i < source->registry_map.n; i++) {
		struct str entry = str_from(source->registry_map.v[i]);
		size_t eq = str_find(entry, '=');
		size_t n = prefix_of(str_cut(entry, 0, eq), name);

		if (n > *from) {
			*from = n;
			*to = str_cut(entry, eq + 1, entry.n);
		}
	}
	return *from > 0;
}

/* By what name the hosts pull: registry_map, else registry, else as the body
 * has it. Owned by the caller; *registry may be NULL. */
static void choose_name(const struct provider_push *p,
	const struct conf_source *source, char **registry, char **repository)
{
	bool is_host = p->registry && normalise_is_host(str_from(p->registry));
	const char *host = is_host ? p->registry : source->registry;
	struct strbuf name = {0}, mapped = {0};
	struct str to;
	size_t from;

	*repository = lower_case(p->repository);
	strbuf_addf(&name, "%s/%s", host ? host : "", *repository);
	if (find_mapping(source, strbuf_str(&name), &from, &to)) {
		size_t slash;

		strbuf_add_str(&mapped, to);
		strbuf_add_cstr(&mapped, name.buf + from);
		slash = str_find(strbuf_str(&mapped), '/');
		free(*repository);
		*repository = xstrdup(slash < mapped.len
			? mapped.buf + slash + 1 : "");
		mapped.buf[slash] = '\0';
		host = mapped.buf;
	} else if (source->registry) {
		host = source->registry;
	}
	*registry = xstrdup_null(host);
	strbuf_release(&name);
	strbuf_release(&mapped);
}

int normalise_event(const struct provider_push *p,
	const struct conf_source *source, struct event *out, struct err *err)
{
	char *repository, *registry;

	choose_name(p, source, &registry, &repository);
	if (check_push(p, repository, err) < 0) {
		free(registry);
		free(repository);
		return p->where ? err_prefix(err, "%s", p->where) : -1;
	}
	out->source = xstrdup(source->name);
	out->sender_id = xstrdup_null(p->sender_id);
	out->registry = registry;
	out->repository = repository;
	out->tag = xstrdup(p->tag);
	out->digest = xstrdup_null(p->digest);
	out->pushed_at = p->pushed_at;
	out->region = xstrdup_null(p->region ? p->region : source->region);
	out->date_created = xstrdup_null(p->date_created);
	out->auth_type = xstrdup_null(p->auth_type);
	out->origin_type = xstrdup_null(p->origin_type);
	out->repo_type = xstrdup_null(p->repo_type);
	return 0;
}
