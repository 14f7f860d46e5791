/*
 * Loading a configuration: conf.c reads it and has each part checked, the
 * daemons' sections in conf_check.c, the rest in conf_source.c, conf_trigger.c,
 * conf_engine.c, conf_auth.c, conf_logger.c and conf_notify.c.
 * Each check adds what it finds; none stops at the first fault.
 */
#ifndef PROTO_DATA_CONF_LOAD_H
#define PROTO_DATA_CONF_LOAD_H

#include "proto/base/map.h"
#include "proto/data/conf.h"

/* Rows of an option table, and the table. */
#define KEY(type_, member, otype, def_, help_, ...) \
	{ \
		.key = #member, .type = (otype), \
		.offset = offsetof(type_, member), .def = (def_), \
		.help = (help_), __VA_ARGS__ \
	}
#define CONF_RUN "/run/pullwire" /* `run`, where nothing else is said */
/* Units of what the tables limit, ms. */
#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KEYS_HELP \
	"Folder with the link keys that `pullwire-ingress keys FOLDER` makes; " \
	"needed for tcp links between machines."
#define TABLE(type_, name_, opts_, help_) \
	{ \
		.name = (name_), .help = (help_), .size = sizeof(type_), \
		.opts = (opts_), .n = ARRAY_LEN(opts_) \
	}

/* Beside a configuration: what conf_with_labels() adds to base. */
struct conf_labelled {
	struct conf *base;
	struct opt_list triggers; /* struct conf_trigger */
	struct map *names, *windows; /* as in struct conf */
	struct opt_strs files; /* what the wheres point to */
	char generation[CONF_GENERATION_LEN];
};

void conf_labelled_free(struct conf_labelled *l);
void conf_windows_free(struct map *windows);

extern const struct opt_table conf_auth_table, conf_deploy_table,
	conf_engine_table, conf_notify_table, conf_tls_table, conf_logger_table;

struct conf_loader {
	struct conf *conf;
	struct opt_errors *errs;
	/* The node of each source, trigger ..., in their order. */
	VEC(const struct yaml *) sources, triggers, engines, notify;
	VEC(struct yaml *) trees;
	bool standing; /* conf_load_standing() */
};

/* Where the key stands, or its section when it is absent. */
size_t conf_key_line(const struct yaml *map, const char *key);

#define FAULT(map, key, ...) \
	opt_error(l->errs, (map)->file, conf_key_line(map, key), __VA_ARGS__)

bool conf_name_ok(const char *s);
/* where is the named struct itself: its first member. */
void conf_check_name(struct conf_loader *l, const struct yaml *map,
	const char *what, const char *name, struct opt_where *where);
/* The daemons' sections; after the engines. */
void conf_check_sections(struct conf_loader *l, const struct yaml *root);
/* auth: and allow: of a source, presets filled in. */
void conf_check_source(struct conf_loader *l, const struct yaml *map,
	struct conf_source *s);
void conf_check_auth(struct conf_loader *l, const struct yaml *map,
	struct conf_source *s);
/* Fingerprints in one form; what the tls of the section must have for each. */
void conf_check_client_cert(struct conf_loader *l, const struct yaml *auth,
	const char *section, const struct conf_tls *tls, struct opt_strs *list);
/* tokens: and hosts: of the logger. */
void conf_check_logger(struct conf_loader *l, const struct yaml *map);
/* Name or number of a signal that Linux knows. */
bool conf_is_signal(const char *text);
/* Each of the list is an address or a network. */
void conf_check_blocks(struct conf_loader *l, const struct yaml *map,
	const char *key, const struct opt_strs *list);
/* Its address in one form. */
void conf_check_engine(struct conf_loader *l, const struct yaml *map,
	struct conf_engine *e);
void conf_check_trigger(struct conf_loader *l, const struct yaml *map,
	struct conf_trigger *t);
/* What does not go with `deploy: {service: ...}`; any other trigger is fine. */
void conf_check_service(struct conf_loader *l, const struct yaml *map,
	const struct conf_trigger *t);
/* After the triggers. */
void conf_check_notify(struct conf_loader *l, const struct yaml *map,
	struct conf_notify *n);
/* The rules of trigger URLs. */
void conf_check_url(struct conf_loader *l, const struct yaml *map,
	const char *url);

/* The pattern of the files in triggers.d beside path; the caller's. */
char *conf_fragments(const char *path);
/* A generation of these texts. */
void conf_hash_texts(const char *const *texts, size_t n,
	char out[CONF_GENERATION_LEN]);
/* conf's generation and hashes, from its trees. */
void conf_set_generation(struct conf_loader *l);

#endif
