#include "deployer/docker/docker_spec_part.h"

#include "proto/base/mem.h"

/* ---- volumes ---------------------------------------------------------------- */

/* "src:dst[:options]" or "dst" alone, an anonymous volume. */
static struct str bind_target(const char *bind)
{
	struct str rest = str_from(bind), part = {0};

	str_split(&rest, ':', &part);
	str_split(&rest, ':', &part);
	return part;
}

/* Equal paths but for doubled and trailing slashes: users write /data/, the
 * engine reports /data. */
static bool path_equal(struct str a, struct str b)
{
	struct str x, y;

	do {
		do
			x = (struct str){0};
		while (str_split(&a, '/', &x) && x.n == 0);
		do
			y = (struct str){0};
		while (str_split(&b, '/', &y) && y.n == 0);
		if (!str_eq(x, y))
			return false;
	} while (x.n != 0);
	return true;
}

static const struct json *mount_at(const struct json *mounts, struct str path)
{
	for (const struct json *m = json_first(mounts); m; m = json_next(m))
		if (path_equal(str_from(json_str(json_get(m, "Destination"))),
			    path))
			return m;
	return NULL;
}

/* Does the HostConfig itself, or a container it takes volumes from that is
 * still there, say what is mounted at the path? */
static bool said(const struct docker_spec_input *in, const struct json *host,
	struct str path)
{
	const struct json *i;

	for (i = json_first(json_get(host, "Binds")); i; i = json_next(i))
		if (path_equal(bind_target(json_str(i)), path))
			return true;
	for (i = json_first(json_get(host, "Mounts")); i; i = json_next(i))
		if (path_equal(str_from(json_str(json_get(i, "Target"))), path))
			return true;
	for (i = json_first(json_get(host, "Tmpfs")); i; i = json_next(i))
		if (path_equal(str_from(json_key(i)), path))
			return true;
	for (i = json_first(in->sources); i; i = json_next(i))
		if (mount_at(json_get(i, "Mounts"), path) != NULL)
			return true;
	return false;
}

/* "NAME:/path[:options]" for what is mounted; NULL when it cannot be said. */
static struct json *bind_of(const struct json *mount)
{
	const char *type = json_str(json_get(mount, "Type"));
	const char *target = json_str(json_get(mount, "Destination"));
	const char *mode = json_str(json_get(mount, "Mode"));
	bool is_volume = type != NULL && strcmp(type, "volume") == 0;
	const char *source =
		json_str(json_get(mount, is_volume ? "Name" : "Source"));
	bool ro = json_kind(json_get(mount, "RW")) == JSON_BOOL &&
		!json_bool(json_get(mount, "RW"));
	struct strbuf sb = {0};
	struct json *bind;

	if (source == NULL || *source == '\0' || target == NULL)
		return NULL;
	strbuf_addf(&sb, "%s:%s", source, target);
	if (ro)
		strbuf_add_cstr(&sb, ":ro");
	else if (!is_volume && mode != NULL && *mode != '\0')
		strbuf_addf(&sb, ":%s", mode);
	bind = json_new_strn(strbuf_str(&sb));
	strbuf_release(&sb);
	return bind;
}

static struct json *binds_of(struct json *host)
{
	if (json_kind(json_get(host, "Binds")) != JSON_ARRAY)
		json_set(host, "Binds", json_new_array());
	return json_get(host, "Binds");
}

static void name_anonymous_binds(struct json *host, const struct json *mounts)
{
	struct json *old = json_detach(host, "Binds");
	struct json *binds, *named;
	const char *text;

	if (json_len(old) == 0) {
		json_free(old);
		return;
	}
	binds = binds_of(host);
	for (const struct json *b = json_first(old); b; b = json_next(b)) {
		text = json_str(b);
		named = text == NULL || strchr(text, ':') != NULL
			? NULL
			: bind_of(mount_at(mounts, str_from(text)));
		json_push(binds, named != NULL ? named : json_copy(b));
	}
	json_free(old);
}

/* Compose writes its anonymous volumes as mounts without a source. */
static void name_anonymous_mounts(struct json *host, const struct json *mounts)
{
	struct json *m = json_first(json_get(host, "Mounts"));
	const struct json *mounted;
	const char *type, *name;

	for (; m; m = json_next(m)) {
		type = json_str(json_get(m, "Type"));
		if (type == NULL || strcmp(type, "volume") != 0 ||
			!docker_spec_empty(json_get(m, "Source")))
			continue;
		mounted = mount_at(
			mounts, str_from(json_str(json_get(m, "Target"))));
		name = json_str(json_get(mounted, "Name"));
		if (name != NULL)
			json_set_str(m, "Source", name);
	}
}

/* Drops the sources that are gone; true when there was one. */
static bool drop_gone_sources(struct json *host, const struct json *sources)
{
	struct json *from = json_get(host, "VolumesFrom");
	bool gone = false;
	struct str name;
	char *key;

	for (size_t i = json_len(from); i-- > 0;) {
		name = str_from(json_str(json_at(from, i)));
		name = str_cut(name, 0, str_find(name, ':'));
		key = xmemdup0(name.p, name.n);
		if (json_is_null(json_get(sources, key))) {
			json_del_at(from, i);
			gone = true;
		}
		free(key);
	}
	return gone;
}

/*
 * What the container has mounted and its HostConfig does not say by name would
 * come up empty in the successor: anonymous volumes, and all that came from a
 * container that is gone.
 */
static void keep_volumes(struct json *host, const struct docker_spec_input *in)
{
	const struct json *mounts = json_get(in->old, "Mounts");
	bool gone = drop_gone_sources(host, in->sources);
	const char *type, *target;
	struct json *bind;

	name_anonymous_binds(host, mounts);
	name_anonymous_mounts(host, mounts);
	for (const struct json *m = json_first(mounts); m; m = json_next(m)) {
		type = json_str(json_get(m, "Type"));
		target = json_str(json_get(m, "Destination"));
		if (type == NULL || said(in, host, str_from(target)))
			continue;
		if (strcmp(type, "volume") != 0 &&
			!(gone && strcmp(type, "bind") == 0))
			continue;
		bind = bind_of(m);
		if (bind != NULL)
			json_push(binds_of(host), bind);
	}
}

/* ---- the rest ----------------------------------------------------------------- */

/* "/target:/self/alias" as reported; "target:alias" as taken. */
static void rewrite_links(struct json *host)
{
	struct json *links = json_new_array();
	const struct json *l = json_first(json_get(host, "Links"));
	struct str rest, target, alias;
	struct strbuf sb = {0};
	size_t slash;

	for (; l; l = json_next(l)) {
		rest = str_from(json_str(l));
		str_split(&rest, ':', &target);
		alias = rest;
		while ((slash = str_find(alias, '/')) < alias.n)
			alias = str_cut(alias, slash + 1, alias.n);
		if (str_starts(target, STR("/")))
			target = str_cut(target, 1, target.n);
		strbuf_truncate(&sb, 0);
		strbuf_add_str(&sb, target);
		strbuf_add_char(&sb, ':');
		strbuf_add_str(&sb, alias);
		json_push(links, json_new_strn(strbuf_str(&sb)));
	}
	strbuf_release(&sb);
	if (json_len(links) > 0)
		json_set(host, "Links", links);
	else
		json_free(links);
}

/* Options of another type than the mount's, refused from 1.42 on. */
static void strip_mount_options(struct json *host)
{
	static const struct {
		const char *type, *options;
	} table[] = {
		{"bind", "BindOptions"},
		{"volume", "VolumeOptions"},
		{"tmpfs", "TmpfsOptions"},
		{"image", "ImageOptions"},
		{"cluster", "ClusterOptions"},
	};
	struct json *m = json_first(json_get(host, "Mounts"));
	const char *type;

	for (; m; m = json_next(m)) {
		type = json_str(json_get(m, "Type"));
		for (size_t i = 0; type != NULL && i < ARRAY_LEN(table); i++)
			if (strcmp(type, table[i].type) != 0)
				json_del(m, table[i].options);
	}
}

static void fill_device_permissions(struct json *host)
{
	struct json *d = json_first(json_get(host, "Devices"));

	for (; d; d = json_next(d))
		if (docker_spec_empty(json_get(d, "CgroupPermissions")))
			json_set_str(d, "CgroupPermissions", "rwm");
}

/* The successor of the container that is named so, or NULL. */
static const char *successor_of(const struct docker_spec_input *in,
	struct str name)
{
	const struct json *s = json_first(in->successors);

	for (; s; s = json_next(s))
		if (name.n >= DOCKER_SHORT_ID &&
			str_starts(str_from(json_key(s)), name))
			return json_str(s);
	return NULL;
}

/* References by id to containers that were replaced; names need no change. */
static void follow_successors(struct json *host,
	const struct docker_spec_input *in)
{
	static const char *const modes[] = {
		"NetworkMode", "PidMode", "IpcMode"};
	const struct str joins = STR("container:");
	struct json *from = json_get(host, "VolumesFrom"), *named;
	struct str text;
	const char *id;
	char *value;

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		text = str_from(json_str(json_get(host, modes[i])));
		if (!str_starts(text, joins))
			continue;
		id = successor_of(in, str_cut(text, joins.n, text.n));
		if (id == NULL)
			continue;
		value = xprintf("container:%s", id);
		json_set_str(host, modes[i], value);
		free(value);
	}
	if (json_len(from) == 0)
		return;
	named = json_new_array();
	for (const struct json *v = json_first(from); v; v = json_next(v)) {
		text = str_from(json_str(v));
		id = successor_of(in, str_cut(text, 0, str_find(text, ':')));
		text = str_cut(text, str_find(text, ':'), text.n);
		if (id == NULL) {
			json_push(named, json_copy(v));
			continue;
		}
		value = xprintf("%s%.*s", id, (int)text.n, text.p);
		json_push(named, json_new_str(value));
		free(value);
	}
	json_set(host, "VolumesFrom", named);
}

static void drop_endpoint_sysctls(struct json *host,
	const struct docker_spec_input *in)
{
	struct json *sysctls = json_get(host, "Sysctls");
	struct json *s, *next;

	for (s = json_first(sysctls); s; s = next) {
		next = json_next(s);
		if (docker_spec_sysctl_of_endpoint(in, json_key(s)))
			json_del(sysctls, json_key(s));
	}
}

struct json *docker_spec_host(const struct docker_spec_input *in)
{
	struct json *host = json_copy(json_get(in->old, "HostConfig"));

	keep_volumes(host, in);
	rewrite_links(host);
	if (in->api >= 42)
		strip_mount_options(host);
	fill_device_permissions(host);
	drop_endpoint_sysctls(host, in);
	follow_successors(host, in);
	if (docker_spec_joins(docker_spec_mode(in)))
		json_del(host, "PortBindings");
	json_del(host, "ContainerIDFile");
	return host;
}
