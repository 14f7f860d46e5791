/*
 * A YAML file (JSON is a subset) as a tree in which every node knows its
 * file:line. One document; anchors, aliases, tags, duplicate keys and
 * non-scalar keys are refused with their line. Scalars keep their text:
 * types are the option tables' business. Only file with yaml.h.
 */
#ifndef PROTO_DATA_YAML_H
#define PROTO_DATA_YAML_H

#include "proto/base/err.h"
#include "proto/base/strbuf.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
	enum yaml_kind kind;
	const char *file; /* lives as long as the tree */
	size_t line;      /* from 1 */
	char *key;        /* of a map's member */
	size_t key_line;
	char *scalar;     /* YAML_SCALAR */
	bool quoted;      /* the scalar was quoted: "null" is a text */
	struct yaml *first, *next;
};

/* NULL and err ("FILE:LINE: …") on a syntax error. An empty file is an empty
 * map. text_name is what errors call it. */
struct yaml *yaml_load(const char *path, struct err *err);
struct yaml *yaml_parse(struct str text, const char *text_name,
	struct err *err);
/* Not yaml_free: libyaml exports that name and would call ours. */
void yaml_tree_free(struct yaml *root);
struct yaml *yaml_get(const struct yaml *map, const char *key);
/* The map without that member, if it has it. */
void yaml_drop(struct yaml *map, const char *key);

#endif
