#include "proto/data/opt.h"

#include "proto/data/opt_value.h"

#include <stdarg.h>

static void *member(const struct opt *o, void *obj)
{
	return (char *)obj + o->offset;
}

/* ---- faults -------------------------------------------------------------- */

void opt_error(struct opt_errors *errs, const char *file, size_t line,
	const char *fmt, ...)
{
	struct strbuf text = {0};
	char sentence[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	if (line)
		strbuf_addf(&text, "%s:%zu: %s", file, line, sentence);
	else
		strbuf_addf(&text, "%s: %s", file, sentence);
	VEC_PUSH(&errs->list, strbuf_detach(&text));
}

/* The file's name and the line of a "FILE:LINE: sentence". */
static size_t fault_line(const char *text, size_t *file_len)
{
	size_t colon = 0, line = 0, i;

	for (colon = 0; text[colon]; colon++) {
		if (text[colon] != ':')
			continue;
		for (i = colon + 1, line = 0;
			text[i] >= '0' && text[i] <= '9'; i++)
			line = line * 10 + (size_t)(text[i] - '0');
		if (text[i] == ':' && i > colon + 1)
			break;
		if (text[colon + 1] == ' ')
			break;
	}
	*file_len = colon;
	return line;
}

static int fault_cmp(const void *a, const void *b)
{
	const char *ta = *(char *const *)a, *tb = *(char *const *)b;
	size_t fa, fb, la = fault_line(ta, &fa), lb = fault_line(tb, &fb);
	int order = strncmp(ta, tb, fa < fb ? fa : fb);

	if (order == 0 && fa != fb)
		return fa < fb ? -1 : 1;
	if (order == 0 && la != lb)
		return la < lb ? -1 : 1;
	return order ? order : strcmp(ta, tb);
}

void opt_errors_sort(struct opt_errors *errs)
{
	if (errs->list.n)
		qsort(errs->list.v, errs->list.n, sizeof(*errs->list.v),
			fault_cmp);
}

void opt_errors_release(struct opt_errors *errs)
{
	for (size_t i = 0; i < errs->list.n; i++)
		free(errs->list.v[i]);
	VEC_RELEASE(&errs->list);
}

/* ---- did you mean -------------------------------------------------------- */

#define WORD_MAX 40

/* Levenshtein's distance; words over WORD_MAX are far from everything. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], na = strlen(a), nb = strlen(b);

	if (na > WORD_MAX || nb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[nb];
}

/* The word that was typed short, if there is one only; or typed too long. */
static const char *begun(const char *typed, const char *const *words, size_t n)
{
	const char *found = NULL;
	size_t len = strlen(typed);

	for (size_t i = 0; i < n; i++) {
		size_t shorter = strlen(words[i]) < len ? strlen(words[i]) : len;

		if (shorter < 3 || strncmp(typed, words[i], shorter) != 0)
			continue;
		if (found)
			return NULL;
		found = words[i];
	}
	return found;
}

const char *opt_nearest(const char *typed, const char *const *words, size_t n)
{
	const char *nearest = NULL;
	size_t least = strlen(typed) / 3 + 2;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(typed, words[i]);

		if (d < least) {
			least = d;
			nearest = words[i];
		}
	}
	return nearest ? nearest : begun(typed, words, n);
}

/* The one section of t that has this key; NULL: none, or several. */
static const char *below(const struct opt_table *t, const char *key)
{
	const char *found = NULL;

	for (size_t i = 0; i < t->n; i++) {
		const struct opt_table *sub = t->opts[i].sub;

		for (size_t k = 0; sub && k < sub->n; k++) {
			if (strcmp(sub->opts[k].key, key) != 0)
				continue;
			if (found)
				return NULL;
			found = t->opts[i].key;
		}
	}
	return found;
}

static void unknown_key(const struct opt_table *t, const struct yaml *node,
	struct opt_errors *errs)
{
	const char *words[64], *near, *section = below(t, node->key);
	size_t n = 0;

	if (section) {
		opt_error(errs, node->file, node->key_line,
			"unknown key `%s` in %s; write it below `%s`",
			node->key, t->name, section);
		return;
	}
	for (size_t i = 0; i < t->n && n < ARRAY_LEN(words); i++)
		words[n++] = t->opts[i].key;
	near = opt_nearest(node->key, words, n);
	if (near)
		opt_error(errs, node->file, node->key_line,
			"unknown key `%s` in %s; did you mean `%s`?",
			node->key, t->name, near);
	else
		opt_error(errs, node->file, node->key_line,
			"unknown key `%s` in %s", node->key, t->name);
}

/* ---- reading ------------------------------------------------------------- */

static void read_scalar(const struct opt *o, const struct yaml *node,
	bool is_file, void *p, struct opt_errors *errs)
{
	const char *key = node->key ? node->key : o->key;
	struct err err = {0};
	char *text;

	if (node->kind != YAML_SCALAR) {
		opt_error(errs, node->file, node->line,
			"`%s` takes one value, not a %s", key,
			node->kind == YAML_LIST ? "list" : "map");
		return;
	}
	text = opt_expand(node->scalar, &err);
	if (!text || (is_file ? opt_value_file(o, text, p, &err)
			      : opt_value(o, text, p, &err)) < 0)
		opt_error(errs, node->file, node->line, "%s: %s", key,
			err.text);
	free(text);
}

static void read_scalars(const struct opt *o, const struct yaml *node,
	bool is_file, void *p, struct opt_errors *errs)
{
	const struct opt_strs *list = p; /* SECRETS has the same shape */

	if (node->kind != YAML_LIST) {
		read_scalar(o, node, is_file, p, errs);
		return;
	}
	for (const struct yaml *i = node->first; i; i = i->next)
		read_scalar(o, i, is_file, p, errs);
	if (!node->first)
		opt_error(errs, node->file, node->line,
			"`%s` is an empty list; leave the key out instead",
			node->key);
	else if (o->max && list->n > (size_t)o->max)
		opt_error(errs, node->file, node->line,
			"`%s` has %zu entries; at most %lld are allowed",
			node->key, list->n, (long long)o->max);
}

static void read_list(const struct opt *o, const struct yaml *node, void *p,
	struct opt_errors *errs)
{
	struct opt_list *list = p;
	size_t n = 0;

	if (node->kind != YAML_LIST) {
		opt_error(errs, node->file, node->line,
			"`%s` takes a list: start each entry with a dash",
			node->key);
		return;
	}
	for (const struct yaml *i = node->first; i; i = i->next)
		n++;
	list->v = xcalloc(n ? n : 1, o->sub->size);
	for (const struct yaml *i = node->first; i; i = i->next)
		opt_read(o->sub, i,
			(char *)list->v + o->sub->size * list->n++, errs);
}

static void read_default(const struct opt *o, void *p)
{
	struct err err = {0};

	if (o->def && opt_value(o, o->def, p, &err) < 0)
		BUG("default of %s: %s", o->key, err.text);
}

static const struct yaml *file_twin(const struct opt *o,
	const struct yaml *map)
{
	char key[80];

	if (o->type != OPT_SECRET && o->type != OPT_SECRETS)
		return NULL;
	snprintf(key, sizeof(key), "%s_file", o->key);
	return yaml_get(map, key);
}

/* A section that is not there: its defaults, and none of its duties. */
static void read_absent(const struct opt_table *t, void *obj)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->opts[i].type == OPT_SUB)
			read_absent(t->opts[i].sub, member(&t->opts[i], obj));
		else
			read_default(&t->opts[i], member(&t->opts[i], obj));
	}
}

static void read_one(const struct opt_table *t, const struct opt *o,
	const struct yaml *map, void *obj, struct opt_errors *errs)
{
	const struct yaml *node = yaml_get(map, o->key);
	const struct yaml *twin = file_twin(o, map);
	void *p = member(o, obj);
	bool many = o->type == OPT_STRS || o->type == OPT_SECRETS;

	if (!node && !twin) {
		if (o->flags & OPT_REQUIRED)
			opt_error(errs, map->file, map->line,
				"%s has no `%s`: %s", t->name, o->key, o->help);
		if (o->type == OPT_SUB)
			read_absent(o->sub, p);
		else
			read_default(o, p);
		return;
	}
	if (o->type == OPT_SUB)
		opt_read(o->sub, node, p, errs);
	else if (o->type == OPT_LIST)
		read_list(o, node, p, errs);
	else if (node)
		(many ? read_scalars : read_scalar)(o, node, false, p, errs);
	if (twin && node && o->type == OPT_SECRET)
		opt_error(errs, twin->file, twin->key_line,
			"`%s` and `%s` exclude each other", o->key, twin->key);
	else if (twin)
		(many ? read_scalars : read_scalar)(o, twin, true, p, errs);
}

static bool known_key(const struct opt_table *t, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < t->n; i++) {
		const struct opt *o = &t->opts[i];
		size_t len = strlen(o->key);

		if (strcmp(o->key, key) == 0)
			return true;
		if ((o->type == OPT_SECRET || o->type == OPT_SECRETS) &&
			n == len + 5 && strncmp(o->key, key, len) == 0 &&
			strcmp(key + len, "_file") == 0)
			return true;
	}
	return false;
}

bool opt_read(const struct opt_table *t, const struct yaml *map, void *obj,
	struct opt_errors *errs)
{
	struct opt_where *where = obj;
	size_t before = errs->list.n;

	where->file = map->file;
	where->line = map->key ? map->key_line : map->line;
	if (map->kind != YAML_MAP) {
		opt_error(errs, map->file, map->line,
			"%s takes keys and values, such as `%s: …`", t->name,
			t->opts[0].key);
		read_absent(t, obj);
		return false;
	}
	for (const struct yaml *n = map->first; n; n = n->next)
		if (!known_key(t, n->key))
			unknown_key(t, n, errs);
	for (size_t i = 0; i < t->n; i++)
		read_one(t, &t->opts[i], map, obj, errs);
	/* Only a whole section is judged as a whole. */
	if (t->check && errs->list.n == before)
		t->check(obj, errs);
	return errs->list.n == before;
}

void opt_release(const struct opt_table *t, void *obj)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct opt *o = &t->opts[i];
		struct opt_list *list = member(o, obj);

		if (o->type == OPT_SUB) {
			opt_release(o->sub, member(o, obj));
		} else if (o->type == OPT_LIST) {
			for (size_t k = 0; k < list->n; k++)
				opt_release(o->sub,
					(char *)list->v + o->sub->size * k);
			free(list->v);
		} else {
			opt_value_release(o, member(o, obj));
		}
	}
	memset(obj, 0, t->size);
}
