#include "deployer/docker/docker_swap.h"

#include "deployer/docker/docker_spec.h"
#include "deployer/docker/docker_stop.h"
#include "proto/base/clock.h"
#include "proto/base/enc.h"
#include "proto/base/mem.h"

#define ID_HEX 8
#define FULL_ID 32 /* bytes of an engine's id */
#define GONE_MS 60000 /* for a removal that somebody else began */
#define POLL_MS 100

/* ---- the record of it --------------------------------------------------------- */

static const struct {
	const char *key, *label; /* label NULL: the journal's alone */
	size_t offset;
	bool needed;
} texts[] = {
	{"did", DOCKER_LABEL_DEPLOY, offsetof(struct docker_swap, did), true},
	{"name", DOCKER_LABEL_NAME, offsetof(struct docker_swap, name), true},
	{"old", DOCKER_LABEL_REPLACES, offsetof(struct docker_swap, old_id),
		true},
	{"was", DOCKER_LABEL_WAS, offsetof(struct docker_swap, was), true},
	{"policy", DOCKER_LABEL_POLICY, offsetof(struct docker_swap, policy),
		true},
	{"new", NULL, offsetof(struct docker_swap, new_id), false},
	{"image", NULL, offsetof(struct docker_swap, image), false},
	{"order", DOCKER_LABEL_ORDER, offsetof(struct docker_swap, order),
		false},
	{"role", NULL, offsetof(struct docker_swap, role), false},
	{"owner", DOCKER_LABEL_OWNER, offsetof(struct docker_swap, owner),
		false},
	{"signal", DOCKER_LABEL_SIGNAL, offsetof(struct docker_swap, signal),
		false},
	{"told", NULL, offsetof(struct docker_swap, told), false},
	{"keep", NULL, offsetof(struct docker_swap, keep), false},
};

static char **text_of(struct docker_swap *s, size_t i)
{
	return (char **)(void *)((char *)s + texts[i].offset);
}

static const char *text_in(const struct docker_swap *s, size_t i)
{
	return *(char *const *)(const void *)((const char *)s +
		texts[i].offset);
}

void docker_swap_release(struct docker_swap *s)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(*text_of(s, i));
	json_free(s->rebirth);
	json_free(s->memory);
	json_free(s->aliases);
	*s = (struct docker_swap){0};
}

struct json *docker_swap_to_json(const struct docker_swap *s)
{
	struct json *j = json_new_object();

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (text_in(s, i) != NULL)
			json_set_str(j, texts[i].key, text_in(s, i));
	if (s->rebirth != NULL)
		json_set(j, "rebirth", json_copy(s->rebirth));
	if (s->memory != NULL)
		json_set(j, "memory", json_copy(s->memory));
	if (s->aliases != NULL)
		json_set(j, "aliases", json_copy(s->aliases));
	return j;
}

/* 0, or -1 and nothing is kept. */
static int take(struct docker_swap *s, const struct json *from, bool labels)
{
	const char *text;

	*s = (struct docker_swap){0};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (labels && texts[i].label == NULL)
			continue;
		text = json_str(json_get(
			from, labels ? texts[i].label : texts[i].key));
		if (text == NULL && texts[i].needed) {
			docker_swap_release(s);
			return -1;
		}
		*text_of(s, i) = xstrdup_null(text);
	}
	return 0;
}

int docker_swap_from_json(const struct json *j, struct docker_swap *s)
{
	if (take(s, j, false) != 0)
		return -1;
	if (!json_is_null(json_get(j, "rebirth")))
		s->rebirth = json_copy(json_get(j, "rebirth"));
	if (!json_is_null(json_get(j, "memory")))
		s->memory = json_copy(json_get(j, "memory"));
	if (!json_is_null(json_get(j, "aliases")))
		s->aliases = json_copy(json_get(j, "aliases"));
	return 0;
}

struct json *docker_swap_labels(const struct docker_swap *s)
{
	struct json *labels = json_new_object();

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].label != NULL && text_in(s, i) != NULL)
			json_set_str(labels, texts[i].label, text_in(s, i));
	return labels;
}

/* Labels may be an image's, whose maker can name any container, but know the
 * id of none. */
static bool is_full_id(const char *id)
{
	unsigned char raw[FULL_ID];

	return enc_unhex(str_from(id), raw, sizeof(raw)) == 0;
}

int docker_swap_from_labels(const struct json *container,
	struct docker_swap *s)
{
	const char *id = json_str(json_get(container, "Id"));

	if (id == NULL ||
		take(s, json_path(container, "Config.Labels"), true) != 0)
		return -1;
	if (!is_full_id(s->old_id)) {
		docker_swap_release(s);
		return -1;
	}
	s->new_id = xstrdup(id);
	return 0;
}

/* ---- names and states --------------------------------------------------------- */

char *docker_swap_did(const char *job, char buf[DOCKER_DID_LEN])
{
	unsigned char hash[ENC_SHA256_LEN];

	enc_sha256(job, strlen(job), hash);
	enc_hex(hash, ID_HEX / 2, buf);
	return buf;
}

char *docker_swap_alias(const struct docker_swap *s, const char *kind)
{
	return xprintf("%s.%s-%s", s->name, kind, s->did);
}

bool docker_swap_is_alias(struct str name, const char *kind, struct str *base)
{
	static const char *const kinds[] = {"new", "old", "failed"};
	struct str end;
	unsigned char id[ID_HEX / 2];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t tail = strlen(kinds[i]) + 2 + ID_HEX;

		if (kind != NULL && strcmp(kind, kinds[i]) != 0)
			continue;
		if (name.n <= tail)
			continue;
		end = str_cut(name, name.n - tail, name.n);
		if (end.p[0] != '.' || end.p[tail - ID_HEX - 1] != '-' ||
			!str_is(str_cut(end, 1, tail - ID_HEX - 1), kinds[i]) ||
			enc_unhex(str_cut(end, tail - ID_HEX, tail), id,
				sizeof(id)) != 0)
			continue;
		*base = str_cut(name, 0, name.n - tail);
		return true;
	}
	return false;
}

const char *docker_swap_name(const struct json *container)
{
	const char *name = json_str(json_get(container, "Name"));

	/* A list shows names of links too: "/linker/alias". */
	for (const struct json *n = json_first(json_get(container, "Names")); n;
		n = json_next(n))
		if (json_str(n) != NULL && strchr(json_str(n) + 1, '/') == NULL)
			name = json_str(n);
	if (name == NULL)
		return "";
	return *name == '/' ? name + 1 : name;
}

const char *docker_swap_status(const struct json *container)
{
	const char *status = json_str(json_path(container, "State.Status"));

	return status != NULL ? status : "";
}

bool docker_swap_started(const struct json *container)
{
	struct str at =
		str_from(json_str(json_path(container, "State.StartedAt")));

	return at.n > 0 && !str_starts(at, STR("0001-"));
}

/* ---- steps -------------------------------------------------------------------- */

int docker_swap_ensure_name(struct docker_api *api, const char *id,
	const char *name, struct err *err)
{
	struct json *c = docker_container_inspect(api, id, err);
	bool same = strcmp(docker_swap_name(c), name) == 0;
	bool there = c != NULL;

	json_free(c);
	if (!there || same)
		return there ? 0 : -1;
	return docker_container_rename(api, id, name, err);
}

static bool is_gone(const struct err *err)
{
	return err->code == 404;
}

int docker_swap_ensure_gone(struct docker_api *api, const char *id,
	bool volumes, struct err *err)
{
	int64_t end = clock_mono() + GONE_MS;
	struct err e = {0};
	struct json *c;

	for (;;) {
		if (docker_container_remove(api, id, volumes, &e) == 0 ||
			is_gone(&e))
			return 0;
		if (e.code != 409 || clock_mono() >= end)
			break;
		/* Its engine removes it already (--rm), or it runs. */
		c = docker_container_inspect(api, id, &e);
		if (c == NULL && is_gone(&e))
			return 0;
		if (json_bool(json_path(c, "State.Running"))) {
			json_free(c);
			return err_fail(err, "it runs, so it is not removed");
		}
		json_free(c);
		clock_sleep(POLL_MS);
	}
	if (err != NULL)
		*err = e;
	return -1;
}

/* Has the endpoint got the first of the aliases that it is to have? */
static bool has_alias(const struct json *endpoint, const struct json *spec)
{
	const struct json *want =
		json_first(json_path(spec, "EndpointConfig.Aliases"));
	const struct json *a = json_first(json_get(endpoint, "Aliases"));

	for (; a; a = json_next(a))
		if (json_equal(a, want))
			return true;
	return false;
}

int docker_swap_give_aliases(struct docker_api *api,
	const struct docker_swap *s, bool gap, struct err *err)
{
	const struct json *spec = json_first(s->aliases), *nets, *endpoint;
	struct json *c;
	int rc = 0;

	if (spec == NULL)
		return 0;
	c = docker_container_inspect(api, s->new_id, err);
	nets = json_path(c, "NetworkSettings.Networks");
	for (; c != NULL && rc == 0 && spec; spec = json_next(spec)) {
		endpoint = json_get(nets, json_str(json_get(spec, "Network")));
		if (endpoint != NULL && (gap || has_alias(endpoint, spec)))
			continue;
		if (endpoint != NULL)
			rc = docker_container_disconnect(
				api, s->new_id, spec, err);
		if (rc == 0)
			rc = docker_container_connect(
				api, s->new_id, spec, err);
	}
	if (c == NULL)
		rc = -1;
	json_free(c);
	return rc;
}

int docker_swap_take_over(struct docker_api *api, const struct docker_swap *s,
	struct err *err)
{
	struct json *old;
	struct err e = {0};
	char *aside;
	int rc = 0;

	old = docker_container_inspect(api, s->old_id, &e);
	if (old == NULL && !is_gone(&e)) {
		if (err != NULL)
			*err = e;
		return -1;
	}
	if (old != NULL) {
		rc = docker_stop(api, s->old_id, s->signal, err);
		if (rc == 0)
			rc = docker_stop_retire(api, s->old_id, err);
		if (rc == 0 && strcmp(docker_swap_name(old), s->name) == 0) {
			aside = docker_swap_alias(s, "old");
			rc = docker_container_rename(
				api, s->old_id, aside, err);
			free(aside);
		}
	}
	json_free(old);
	if (rc == 0)
		rc = docker_swap_ensure_name(api, s->new_id, s->name, err);
	if (rc == 0)
		rc = docker_swap_give_aliases(api, s, false, err);
	return rc;
}

int docker_swap_forward(struct docker_api *api, const struct docker_swap *s,
	struct err *err)
{
	if (docker_swap_take_over(api, s, err) != 0)
		return -1;
	return docker_swap_ensure_gone(api, s->old_id, false, err);
}
