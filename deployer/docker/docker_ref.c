#include "deployer/docker/docker_ref.h"

#include "proto/base/mem.h"

#define HUB STR("docker.io")
#define LIBRARY STR("library/")
#define ID_SHORTEST 12
#define ID_LEN 64

static bool is_hub(struct str registry)
{
	return registry.n == 0 || str_eq(registry, HUB) ||
		str_is(registry, "index.docker.io") ||
		str_is(registry, "registry-1.docker.io");
}

/* Is what stands before the first slash a host? */
static bool is_host(struct str first)
{
	return str_find(first, '.') < first.n ||
		str_find(first, ':') < first.n || str_is(first, "localhost");
}

void docker_ref_split(struct str text, struct docker_ref *ref)
{
	size_t at = str_find(text, '@');
	struct str name = str_cut(text, 0, at);
	size_t slash, colon;

	*ref = (struct docker_ref){0};
	if (at < text.n)
		ref->digest = str_cut(text, at + 1, text.n);
	for (colon = name.n; colon > 0; colon--)
		if (name.p[colon - 1] == '/' || name.p[colon - 1] == ':')
			break;
	if (colon > 0 && name.p[colon - 1] == ':') {
		ref->tag = str_cut(name, colon, name.n);
		name = str_cut(name, 0, colon - 1);
	}
	ref->repository = ref->path = name;
	ref->registry = HUB;
	slash = str_find(name, '/');
	if (slash == name.n || !is_host(str_cut(name, 0, slash)))
		return;
	ref->path = str_cut(name, slash + 1, name.n);
	if (!is_hub(str_cut(name, 0, slash)))
		ref->registry = str_cut(name, 0, slash);
}

/* The path less Docker Hub's implied first part. */
static struct str short_path(const struct docker_ref *ref)
{
	if (str_eq(ref->registry, HUB) && str_starts(ref->path, LIBRARY))
		return str_cut(ref->path, LIBRARY.n, ref->path.n);
	return ref->path;
}

bool docker_ref_same_repository(struct str a, struct str b)
{
	struct docker_ref ra, rb;

	docker_ref_split(a, &ra);
	docker_ref_split(b, &rb);
	return str_eq(ra.registry, rb.registry) &&
		str_eq(short_path(&ra), short_path(&rb));
}

void docker_ref_repository(const char *registry, const char *repository,
	struct strbuf *out)
{
	struct str host = str_from(registry), path = str_from(repository);
	size_t slash = str_find(path, '/');

	if (!is_hub(host)) {
		strbuf_add_str(out, host);
		strbuf_add_char(out, '/');
	} else if (str_starts(path, LIBRARY)) {
		path = str_cut(path, LIBRARY.n, path.n);
	} else if (slash < path.n && is_host(str_cut(path, 0, slash))) {
		/* Its first part would be taken for a registry. */
		strbuf_add_str(out, HUB);
		strbuf_add_char(out, '/');
	}
	strbuf_add_str(out, path);
}

bool docker_ref_is_id(struct str s)
{
	if (str_starts(s, STR("sha256:")))
		s = str_cut(s, STR("sha256:").n, s.n);
	if (s.n < ID_SHORTEST || s.n > ID_LEN)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("0123456789abcdef", s.p[i]))
			return false;
	return true;
}

bool docker_ref_is_digest(const char *tag)
{
	return strchr(tag, ':') != NULL;
}

char *docker_ref_join(const char *repository, const char *tag)
{
	return xprintf("%s%c%s", repository,
		docker_ref_is_digest(tag) ? '@' : ':', tag);
}
