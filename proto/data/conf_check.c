#include "proto/data/conf_load.h"

#include "proto/data/pg.h"

/* Where the key stands, or its section when it is absent. */
size_t conf_key_line(const struct yaml *map, const char *key)
{
	const struct yaml *n = yaml_get(map, key);

	return n ? n->key_line : map->key ? map->key_line : map->line;
}

bool conf_name_ok(const char *s)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t n = strlen(s);

	return n > 0 && n <= 64 && strchr(first, s[0]) &&
		strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			  "0123456789._-") == n;
}

/* where is the named struct itself: its first member. */
void conf_check_name(struct conf_loader *l, const struct yaml *map,
	const char *what, const char *name, struct opt_where *where)
{
	const struct opt_where *taken;
	char key[96];

	if (!name)
		return;
	if (!conf_name_ok(name)) {
		FAULT(map, "name",
			"name: `%s` is no %s name: up to 64 letters, digits, "
			"dots, dashes and underscores, a letter or digit first",
			name, what);
		return;
	}
	snprintf(key, sizeof(key), "%s %s", what, name);
	taken = map_get(l->conf->names, str_from(key));
	if (taken)
		FAULT(map, "name", "name: %s `%s` is already in %s:%zu", what,
			name, taken->file, taken->line);
	else
		map_put(l->conf->names, str_from(key), where);
}

static void check_lanes(struct conf_loader *l, const struct yaml *root)
{
	struct conf *c = l->conf;
	const struct yaml *map = yaml_get(root, "deployer");
	struct opt_strs *lanes = &c->deployer.lanes;
	int64_t ms;

	for (size_t i = 0; i < lanes->n && !l->standing; i++)
		if (strcmp(lanes->v[i], "http") != 0 &&
			!conf_engine(c, lanes->v[i]))
			FAULT(map, "lanes", "lanes: `%s` is neither http nor "
					    "an engine", lanes->v[i]);
	for (size_t i = 0; i < c->deployer.schedule.n; i++)
		if (str_to_duration(str_from(c->deployer.schedule.v[i]),
			    &ms) < 0)
			FAULT(map, "schedule", "schedule: `%s` is not a "
				"duration", c->deployer.schedule.v[i]);
	if (lanes->n)
		return;
	lanes->v = xcalloc(c->engines.n + 1, sizeof(*lanes->v));
	lanes->v[lanes->n++] = xstrdup("http");
	CONF_EACH(c->engines, const struct conf_engine, e)
		if (e->name)
			lanes->v[lanes->n++] = xstrdup(e->name);
}

static void check_endpoint(struct conf_loader *l, const struct yaml *root,
	const char *section, const char *key, const char *value)
{
	const struct yaml *map = yaml_get(root, section);

	if (map && value && strncmp(value, "ipc://", 6) != 0 &&
		strncmp(value, "tcp://", 6) != 0)
		FAULT(map, key, "%s: `%s` is no link; write ipc:///PATH or "
				"tcp://HOST:PORT", key, value);
}

void conf_check_sections(struct conf_loader *l, const struct yaml *root)
{
	struct conf *c = l->conf;
	const struct yaml *map = yaml_get(root, "logger");
	const struct {
		const char *key;
		const struct opt_strs *list;
	} lists[] = {
		{"ingress", &c->matcher.ingress},
		{"deployer", &c->matcher.deployer},
		{"logger", &c->matcher.logger},
	};
	const struct opt_strs *notices = &c->deployer.notices;

	check_endpoint(l, root, "ingress", "link", c->ingress.link);
	check_endpoint(l, root, "deployer", "link", c->deployer.link);
	check_endpoint(l, root, "logger", "link", c->logger.link);
	if (map)
		conf_check_logger(l, map);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (size_t k = 0; k < lists[i].list->n; k++)
			check_endpoint(l, root, "matcher", lists[i].key,
				lists[i].list->v[k]);
	for (size_t i = 0; i < notices->n; i++)
		check_endpoint(l, root, "deployer", "notices", notices->v[i]);
	if (map && c->logger.store &&
		strncmp(c->logger.store, "sqlite:/", 8) != 0 &&
		!pg_url_valid(c->logger.store))
		/* Not quoted: it may have a password. */
		FAULT(map, "store", "store: this is no store; write "
				    "sqlite:/PATH/log.db or "
				    "postgresql://USER@HOST/DATABASE");
	check_lanes(l, root);
}
