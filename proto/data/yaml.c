#include "proto/data/yaml.h"

#include "proto/base/mem.h"

#include <errno.h>
#include <yaml.h>

#define FILE_MAX ((size_t)256 << 20) /* bytes: a million triggers */
#define DEPTH_MAX 16

struct reader {
	yaml_parser_t parser;
	const char *file;
	struct err *err;
};

static size_t line_of(const yaml_mark_t *mark)
{
	return mark->line + 1;
}

static int fault(struct reader *r, size_t line, const char *text)
{
	return err_fail(r->err, "%s:%zu: %s", r->file, line, text);
}

/* What people meant who wrote what libyaml complains of. */
static const struct {
	const char *problem, *advice;
} advices[] = {
	{"found character that cannot start any token",
		"a tab indents nothing here, use spaces; a value that begins "
		"with @, ` or % wants quotes"},
	{"did not find expected '-' indicator",
		"begin the entries of a list in the same column"},
	{"did not find expected key",
		"begin the keys of an entry in the same column; a quote in a "
		"quoted value is written twice"},
	{"mapping values are not allowed in this context",
		"a value with `: ` in it wants quotes; or the line above is "
		"indented less"},
	{"found unexpected end of stream", "a quote is not closed"},
};

static const char *advice_for(const char *problem)
{
	for (size_t i = 0; i < ARRAY_LEN(advices); i++)
		if (!strcmp(problem, advices[i].problem))
			return advices[i].advice;
	return NULL;
}

static int syntax_error(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *advice;
	struct strbuf text = {0};

	if (p->error == YAML_MEMORY_ERROR) /* without a problem's text */
		BUG("libyaml has no memory");
	if (p->error == YAML_READER_ERROR)
		return err_fail(r->err, "%s: byte %zu: %s; write the file in "
			"UTF-8", r->file, p->problem_offset, p->problem);
	advice = advice_for(p->problem);
	strbuf_addf(&text, "%s", p->problem);
	if (p->context)
		strbuf_addf(&text, " (%s, which starts in line %zu)",
			p->context, line_of(&p->context_mark));
	if (advice)
		strbuf_addf(&text, ": %s", advice);
	err_fail(r->err, "%s:%zu: %s", r->file, line_of(&p->problem_mark),
		text.buf);
	strbuf_release(&text);
	return -1;
}

static int next_event(struct reader *r, yaml_event_t *ev)
{
	size_t line;
	const char *text = NULL;

	if (!yaml_parser_parse(&r->parser, ev))
		return syntax_error(r);
	line = line_of(&ev->start_mark);
	if (ev->type == YAML_ALIAS_EVENT)
		text = "aliases (*name) are not understood here: write the "
		       "value out";
	else if (ev->type == YAML_SCALAR_EVENT && ev->data.scalar.anchor)
		text = "anchors (&name) are not understood here";
	else if (ev->type == YAML_SCALAR_EVENT && ev->data.scalar.tag)
		text = "tags (!name) are not understood here: quote the value";
	else if (ev->type == YAML_MAPPING_START_EVENT &&
		(ev->data.mapping_start.anchor || ev->data.mapping_start.tag))
		text = "anchors and tags are not understood here";
	else if (ev->type == YAML_SEQUENCE_START_EVENT &&
		(ev->data.sequence_start.anchor ||
			ev->data.sequence_start.tag))
		text = "anchors and tags are not understood here";
	if (!text)
		return 0;
	yaml_event_delete(ev);
	return fault(r, line, text);
}

static struct yaml *node_new(struct reader *r, enum yaml_kind kind,
	const yaml_event_t *ev)
{
	struct yaml *n = xcalloc(1, sizeof(*n));

	n->kind = kind;
	n->file = r->file;
	n->line = line_of(&ev->start_mark);
	return n;
}

static struct yaml *read_node(struct reader *r, const yaml_event_t *ev,
	int depth);

static struct yaml *read_scalar(struct reader *r, const yaml_event_t *ev)
{
	struct yaml *n;

	if (memchr(ev->data.scalar.value, 0, ev->data.scalar.length)) {
		fault(r, line_of(&ev->start_mark), "a value has a NUL byte");
		return NULL;
	}
	n = node_new(r, YAML_SCALAR, ev);
	n->scalar = xmemdup0(ev->data.scalar.value, ev->data.scalar.length);
	n->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	return n;
}

static struct yaml *read_list(struct reader *r, const yaml_event_t *start,
	int depth)
{
	struct yaml *list = node_new(r, YAML_LIST, start);
	struct yaml **tail = &list->first;
	yaml_event_t ev;

	for (;;) {
		if (next_event(r, &ev) < 0)
			goto fail;
		if (ev.type == YAML_SEQUENCE_END_EVENT)
			break;
		*tail = read_node(r, &ev, depth + 1);
		yaml_event_delete(&ev);
		if (!*tail)
			goto fail;
		tail = &(*tail)->next;
	}
	yaml_event_delete(&ev);
	return list;
fail:
	yaml_tree_free(list);
	return NULL;
}

/* The key of the next member, NULL at the map's end or on a fault. */
static char *read_key(struct reader *r, struct yaml *map, size_t *line,
	bool *end)
{
	const struct yaml *same;
	yaml_event_t ev;
	char *key = NULL;

	*end = false;
	if (next_event(r, &ev) < 0)
		return NULL;
	*line = line_of(&ev.start_mark);
	if (ev.type == YAML_MAPPING_END_EVENT) {
		*end = true;
	} else if (ev.type != YAML_SCALAR_EVENT) {
		fault(r, *line, "a key must be a plain text");
	} else {
		key = xmemdup0(ev.data.scalar.value, ev.data.scalar.length);
		same = yaml_get(map, key);
		if (same) {
			err_fail(r->err, "%s:%zu: key `%s` stands here again; "
				"it is already in line %zu", r->file, *line,
				key, same->key_line);
			free_null(&key);
		}
	}
	yaml_event_delete(&ev);
	return key;
}

static struct yaml *read_map(struct reader *r, const yaml_event_t *start,
	int depth)
{
	struct yaml *map = node_new(r, YAML_MAP, start);
	struct yaml **tail = &map->first;
	yaml_event_t ev;
	size_t line;
	char *key;
	bool end;

	while ((key = read_key(r, map, &line, &end)) != NULL) {
		if (next_event(r, &ev) < 0) {
			free(key);
			goto fail;
		}
		*tail = read_node(r, &ev, depth + 1);
		yaml_event_delete(&ev);
		if (!*tail) {
			free(key);
			goto fail;
		}
		(*tail)->key = key;
		(*tail)->key_line = line;
		tail = &(*tail)->next;
	}
	if (end)
		return map;
fail:
	yaml_tree_free(map);
	return NULL;
}

static struct yaml *read_node(struct reader *r, const yaml_event_t *ev,
	int depth)
{
	if (depth > DEPTH_MAX) {
		fault(r, line_of(&ev->start_mark), "nested too deeply");
		return NULL;
	}
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(r, ev);
	case YAML_SEQUENCE_START_EVENT:
		return read_list(r, ev, depth);
	case YAML_MAPPING_START_EVENT:
		return read_map(r, ev, depth);
	default:
		fault(r, line_of(&ev->start_mark), "a value was expected");
		return NULL;
	}
}

/* The events around the one document; root stays NULL when it is empty. */
static int read_stream(struct reader *r, struct yaml **root)
{
	yaml_event_t ev;
	yaml_event_type_t type;

	do {
		if (next_event(r, &ev) < 0)
			return -1;
		type = ev.type;
		if (type == YAML_DOCUMENT_START_EVENT && *root) {
			size_t line = line_of(&ev.start_mark);

			yaml_event_delete(&ev);
			return fault(r, line,
				"a second document starts here; one file is "
				"one document");
		}
		if (type == YAML_SCALAR_EVENT ||
			type == YAML_SEQUENCE_START_EVENT ||
			type == YAML_MAPPING_START_EVENT) {
			*root = read_node(r, &ev, 0);
			if (!*root) {
				yaml_event_delete(&ev);
				return -1;
			}
		}
		yaml_event_delete(&ev);
	} while (type != YAML_STREAM_END_EVENT);
	return 0;
}

struct yaml *yaml_parse(struct str text, const char *text_name,
	struct err *err)
{
	struct reader r = {.file = text_name, .err = err};
	struct yaml *root = NULL;

	if (!yaml_parser_initialize(&r.parser))
		BUG("libyaml has no memory");
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&r.parser, (const unsigned char *)text.p, text.n);
	if (read_stream(&r, &root) < 0) {
		yaml_tree_free(root);
		root = NULL;
	} else if (!root || (root->kind == YAML_SCALAR && !root->quoted &&
				   !*root->scalar)) {
		yaml_tree_free(root);
		root = xcalloc(1, sizeof(*root));
		root->kind = YAML_MAP;
		root->file = text_name;
		root->line = 1;
	}
	yaml_parser_delete(&r.parser);
	return root;
}

struct yaml *yaml_load(const char *path, struct err *err)
{
	struct strbuf text = {.limit = FILE_MAX};
	struct yaml *root = NULL;
	char buf[16384];
	size_t n;
	FILE *f = fopen(path, "re");

	if (!f) {
		err_fail(err, "%s: cannot be read: %s", path, strerror(errno));
		return NULL;
	}
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(&text, buf, n);
	if (ferror(f))
		err_fail(err, "%s: cannot be read: %s", path, strerror(errno));
	else if (text.failed)
		err_fail(err, "%s: is larger than %zu MiB", path,
			FILE_MAX >> 20);
	else
		root = yaml_parse(strbuf_str(&text), path, err);
	strbuf_release(&text);
	fclose(f);
	return root;
}

void yaml_tree_free(struct yaml *n)
{
	struct yaml *next;

	for (; n; n = next) {
		next = n->next;
		yaml_tree_free(n->first);
		free(n->key);
		free(n->scalar);
		free(n);
	}
}

void yaml_drop(struct yaml *map, const char *key)
{
	struct yaml *n = yaml_get(map, key);

	if (!n)
		return;
	for (struct yaml **at = &map->first; *at; at = &(*at)->next)
		if (*at == n) {
			*at = n->next;
			break;
		}
	n->next = NULL;
	yaml_tree_free(n);
}

struct yaml *yaml_get(const struct yaml *map, const char *key)
{
	struct yaml *n;

	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (n = map->first; n; n = n->next)
		if (n->key && strcmp(n->key, key) == 0)
			return n;
	return NULL;
}
