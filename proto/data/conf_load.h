/*
 * Loading a configuration, between the files that check it: conf.c reads and
 * checks all but the triggers, conf_trigger.c those. Each check adds what it
 * finds; none stops at the first fault.
 */
#ifndef PROTO_DATA_CONF_LOAD_H
#define PROTO_DATA_CONF_LOAD_H

#include "proto/base/map.h"
#include "proto/data/conf.h"

struct conf_loader {
	struct conf *conf;
	struct opt_errors *errs;
	/* The node of each source, trigger and engine, in their order. */
	VEC(const struct yaml *) sources, triggers, engines;
	VEC(struct yaml *) trees;
};

/* Where the key stands, or its section when it is absent. */
size_t conf_key_line(const struct yaml *map, const char *key);

#define FAULT(map, key, ...) \
	opt_error(l->errs, (map)->file, conf_key_line(map, key), __VA_ARGS__)

bool conf_name_ok(const char *s);
/* where is the named struct itself: its first member. */
void conf_check_name(struct conf_loader *l, const struct yaml *map,
	const char *what, const char *name, struct opt_where *where);
void conf_check_trigger(struct conf_loader *l, const struct yaml *map,
	struct conf_trigger *t);

#endif
