/*
 * The tree, in cJSON's nodes. Invariant of numbers: valuestring holds the
 * text as it came, or is NULL and valuedouble is an integer of at most 15
 * digits (json_number_plain). valuedouble is never read otherwise.
 */
#include "proto/data/json.h"

#include <inttypes.h>

#include <cjson/cJSON.h>

#include "proto/data/json_number.h"
#include "proto/data/json_scan.h"

#define CJSON_NUMBER_MAX ((size_t)63) /* it cannot read longer ones */

/* Without memory cJSON would take a good text for a bad one, and its sender
 * would be told so: no memory ends the process, here as elsewhere. */
__attribute__((constructor)) static void use_xmalloc(void)
{
	cJSON_Hooks hooks = {xmalloc, free};

	cJSON_InitHooks(&hooks);
}

static cJSON *node(const struct json *j)
{
	return (cJSON *)(uintptr_t)j;
}

static struct json *tree(cJSON *c)
{
	return (struct json *)c;
}

/* A new node; only a lack of memory makes it NULL. */
static struct json *made(cJSON *c)
{
	if (c == NULL)
		exit(71); /* as xmalloc does */
	return tree(c);
}

/* ---- parsing ------------------------------------------------------------ */

/* Gives the numbers of the subtree, in the order of the text, their texts
 * back. *ordinal counts numbers, *next goes along the list. */
static void restore_numbers(cJSON *c, const struct json_numbers *numbers,
	size_t *ordinal, size_t *next)
{
	for (; c != NULL; c = c->next) {
		restore_numbers(c->child, numbers, ordinal, next);
		if (!cJSON_IsNumber(c))
			continue;
		if (*next < numbers->list.n &&
			numbers->list.v[*next].ordinal == *ordinal) {
			struct str text = numbers->list.v[(*next)++].text;

			c->valuestring = xmemdup0(text.p, text.n);
		}
		(*ordinal)++;
	}
}

/* cJSON fails on very long numbers: blank them in a copy, or NULL when there
 * are none. Their texts are restored afterwards. */
static char *without_long_numbers(struct str text,
	const struct json_numbers *numbers)
{
	char *copy = NULL;

	for (size_t i = 0; i < numbers->list.n; i++) {
		struct str num = numbers->list.v[i].text;

		if (num.n <= CJSON_NUMBER_MAX)
			continue;
		if (copy == NULL)
			copy = xmemdup0(text.p, text.n);
		memset(copy + (num.p - text.p), ' ', num.n);
		copy[num.p - text.p] = '0';
	}
	return copy;
}

struct json *json_parse(struct str text, const struct json_limits *limits,
	struct err *err)
{
	struct json_numbers numbers = {0};
	size_t ordinal = 0, next = 0;
	cJSON *root = NULL;
	char *copy;

	if (json_scan_numbers(text, limits, &numbers, err) == 0) {
		copy = without_long_numbers(text, &numbers);
		root = cJSON_ParseWithLengthOpts(
			copy ? copy : text.p, text.n, NULL, false);
		free(copy);
		if (root == NULL)
			err_fail(err, "cJSON does not take this text");
		restore_numbers(root, &numbers, &ordinal, &next);
	}
	VEC_RELEASE(&numbers.list);
	return tree(root);
}

void json_free(struct json *root)
{
	cJSON_Delete(node(root));
}

/* ---- reading ------------------------------------------------------------ */

enum json_kind json_kind(const struct json *j)
{
	switch (j != NULL ? node(j)->type & 0xFF : cJSON_NULL) {
	case cJSON_True:
	case cJSON_False:
		return JSON_BOOL;
	case cJSON_Number:
		return JSON_NUMBER;
	case cJSON_String:
		return JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

struct json *json_get(const struct json *object, const char *key)
{
	if (json_kind(object) != JSON_OBJECT)
		return NULL;
	return tree(cJSON_GetObjectItemCaseSensitive(node(object), key));
}

struct json *json_at(const struct json *array, size_t i)
{
	struct json *c;

	if (json_kind(array) != JSON_ARRAY)
		return NULL;
	for (c = json_first(array); c != NULL && i > 0; i--)
		c = json_next(c);
	return c;
}

size_t json_len(const struct json *array_or_object)
{
	size_t n = 0;

	for (struct json *c = json_first(array_or_object); c; c = json_next(c))
		n++;
	return n;
}

struct json *json_first(const struct json *j)
{
	return j != NULL ? tree(node(j)->child) : NULL;
}

struct json *json_next(const struct json *j)
{
	return tree(node(j)->next);
}

const char *json_key(const struct json *member)
{
	return node(member)->string;
}

const char *json_str(const struct json *j)
{
	return json_kind(j) == JSON_STRING ? node(j)->valuestring : NULL;
}

bool json_bool(const struct json *j)
{
	return j != NULL && cJSON_IsTrue(node(j));
}

bool json_is_null(const struct json *j)
{
	return json_kind(j) == JSON_NULL;
}

struct str json_number_text(const struct json *j, char buf[JSON_NUMBER_BUF])
{
	if (json_kind(j) != JSON_NUMBER)
		return STR("");
	if (node(j)->valuestring != NULL)
		return str_from(node(j)->valuestring);
	snprintf(buf, JSON_NUMBER_BUF, "%" PRId64, (int64_t)node(j)->valuedouble);
	return str_from(buf);
}

int64_t json_i64(const struct json *j, int64_t fallback)
{
	char buf[JSON_NUMBER_BUF];
	int64_t n;

	if (json_kind(j) != JSON_NUMBER ||
		json_number_i64(json_number_text(j, buf), &n) < 0)
		return fallback;
	return n;
}

static bool equal_children(const struct json *a, const struct json *b)
{
	const struct json *y = json_first(b), *x;

	if (json_len(a) != json_len(b))
		return false;
	for (x = json_first(a); x != NULL; x = json_next(x)) {
		if (json_kind(a) == JSON_OBJECT)
			y = json_get(b, json_key(x));
		if (y == NULL || !json_equal(x, y))
			return false;
		if (json_kind(a) == JSON_ARRAY)
			y = json_next(y);
	}
	return true;
}

bool json_equal(const struct json *a, const struct json *b)
{
	char x[JSON_NUMBER_BUF], y[JSON_NUMBER_BUF];

	if (json_kind(a) != json_kind(b))
		return false;
	switch (json_kind(a)) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return json_bool(a) == json_bool(b);
	case JSON_NUMBER:
		return json_number_equal(json_number_text(a, x), json_number_text(b, y));
	case JSON_STRING:
		return strcmp(json_str(a), json_str(b)) == 0;
	case JSON_ARRAY:
	case JSON_OBJECT:
		return equal_children(a, b);
	}
	BUG("json kind %d", (int)json_kind(a));
}

/* ---- making and editing ------------------------------------------------- */

struct json *json_new_object(void)
{
	return made(cJSON_CreateObject());
}

struct json *json_new_array(void)
{
	return made(cJSON_CreateArray());
}

struct json *json_new_str(const char *s)
{
	if (s == NULL)
		return json_new_null();
	return made(cJSON_CreateString(s));
}

struct json *json_new_strn(struct str s)
{
	char *copy = xmemdup0(s.p, s.n);
	struct json *j;

	for (size_t i = 0; i < s.n; i++) {
		if (copy[i] == '\0')
			copy[i] = '?'; /* a tree's texts have no NUL */
	}
	j = json_new_str(copy);
	free(copy);
	return j;
}

struct json *json_new_i64(int64_t n)
{
	char text[JSON_NUMBER_BUF];
	struct json *j = made(cJSON_CreateNumber((double)n));

	snprintf(text, sizeof(text), "%" PRId64, n);
	if (!json_number_plain(str_from(text)))
		node(j)->valuestring = xstrdup(text);
	return j;
}

struct json *json_new_bool(bool b)
{
	return made(cJSON_CreateBool(b));
}

struct json *json_new_null(void)
{
	return made(cJSON_CreateNull());
}

/* Outside its object a node has no key. */
static struct json *without_key(cJSON *c)
{
	cJSON_free(c->string);
	c->string = NULL;
	return tree(c);
}

struct json *json_copy(const struct json *j)
{
	if (j == NULL)
		return json_new_null();
	return without_key(node(made(cJSON_Duplicate(node(j), true))));
}

void json_set(struct json *object, const char *key, struct json *child)
{
	if (json_kind(object) != JSON_OBJECT)
		BUG("json_set of %s: not an object", key);
	if (json_get(object, key) != NULL)
		cJSON_ReplaceItemInObjectCaseSensitive(
			node(object), key, node(child));
	else
		cJSON_AddItemToObject(node(object), key, node(child));
}

void json_set_str(struct json *object, const char *key, const char *s)
{
	json_set(object, key, json_new_str(s));
}

void json_set_i64(struct json *object, const char *key, int64_t n)
{
	json_set(object, key, json_new_i64(n));
}

void json_set_bool(struct json *object, const char *key, bool b)
{
	json_set(object, key, json_new_bool(b));
}

void json_push(struct json *array, struct json *child)
{
	if (json_kind(array) != JSON_ARRAY)
		BUG("json_push: not an array");
	cJSON_AddItemToArray(node(array), node(child));
}

void json_del(struct json *object, const char *key)
{
	json_free(json_detach(object, key));
}

void json_del_at(struct json *array, size_t i)
{
	struct json *c = json_at(array, i);

	if (c != NULL)
		json_free(tree(cJSON_DetachItemViaPointer(node(array), node(c))));
}

struct json *json_detach(struct json *object, const char *key)
{
	struct json *c = json_get(object, key);

	if (c == NULL)
		return NULL;
	return without_key(cJSON_DetachItemViaPointer(node(object), node(c)));
}
