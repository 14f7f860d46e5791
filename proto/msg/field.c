#include "proto/msg/field.h"

#include <msgpack.h>

#include "proto/base/mem.h"
#include "proto/base/utf8.h"
#include "proto/msg/cursor.h"

static void *at(const struct field *f, void *obj)
{
	return (char *)obj + f->offset;
}

static const void *at_const(const struct field *f, const void *obj)
{
	return (const char *)obj + f->offset;
}

/* ---- pack ---------------------------------------------------------------- */

static int write_out(void *out, const char *p, size_t n)
{
	strbuf_add(out, p, n);
	return 0;
}

static void pack_str(msgpack_packer *pk, struct str s)
{
	msgpack_pack_str_with_body(pk, s.p, s.n);
}

void field_put_array(struct strbuf *out, size_t n)
{
	msgpack_packer pk;

	msgpack_packer_init(&pk, out, write_out);
	msgpack_pack_array(&pk, n);
}

void field_put_str(struct strbuf *out, struct str s)
{
	msgpack_packer pk;

	msgpack_packer_init(&pk, out, write_out);
	pack_str(&pk, s);
}

void field_put_i64(struct strbuf *out, int64_t v)
{
	msgpack_packer pk;

	msgpack_packer_init(&pk, out, write_out);
	msgpack_pack_int64(&pk, v);
}

bool field_is_set(const struct field *f, const void *p)
{
	switch (f->type) {
	case FIELD_STR:
	case FIELD_JSON:
		return *(char *const *)p != NULL;
	case FIELD_I64:
		return *(const int64_t *)p != 0;
	case FIELD_BOOL:
		return *(const bool *)p;
	case FIELD_STRS:
		return ((const struct field_strs *)p)->n != 0;
	case FIELD_I64S:
		return ((const struct field_i64s *)p)->n != 0;
	case FIELD_SUB:
		return true;
	}
	BUG("field %s has no type", f->name);
}

/* The same rule for what leaves and for what comes. */
static int check_text(const struct field_table *t, const struct field *f,
	struct str s, size_t max, struct err *err)
{
	if (s.n > max)
		return err_fail(err, "%s.%s: %zu bytes, the limit is %zu",
			t->name, f->name, s.n, max);
	if (utf8_prefix(s, s.n) != s.n)
		return err_fail(err, "%s.%s: is not UTF-8", t->name, f->name);
	if (s.n != 0 && memchr(s.p, '\0', s.n) != NULL)
		return err_fail(err, "%s.%s: has a NUL", t->name, f->name);
	if (s.n == 0 && (f->flags & FIELD_REQUIRED))
		return err_fail(err, "%s.%s: is empty", t->name, f->name);
	return 0;
}

static int check_count(const struct field_table *t, const struct field *f,
	size_t n, struct err *err)
{
	if (n <= f->max)
		return 0;
	return err_fail(err, "%s.%s: %zu elements, the limit is %zu", t->name,
		f->name, n, f->max);
}

static int pack_map(const struct field_table *t, const void *obj,
	msgpack_packer *pk, struct err *err);

static int pack_strs(const struct field_table *t, const struct field *f,
	const struct field_strs *a, msgpack_packer *pk, struct err *err)
{
	if (check_count(t, f, a->n, err) != 0)
		return -1;
	msgpack_pack_array(pk, a->n);
	for (size_t i = 0; i < a->n; i++) {
		struct str s = str_from(a->v[i]);

		if (check_text(t, f, s, FIELD_MAX_ELEMENT, err) != 0)
			return -1;
		pack_str(pk, s);
	}
	return 0;
}

static int pack_i64s(const struct field_table *t, const struct field *f,
	const struct field_i64s *a, msgpack_packer *pk, struct err *err)
{
	if (check_count(t, f, a->n, err) != 0)
		return -1;
	msgpack_pack_array(pk, a->n);
	for (size_t i = 0; i < a->n; i++)
		msgpack_pack_int64(pk, a->v[i]);
	return 0;
}

static int pack_value(const struct field_table *t, const struct field *f,
	const void *p, msgpack_packer *pk, struct err *err)
{
	struct str s;

	switch (f->type) {
	case FIELD_STR:
	case FIELD_JSON:
		s = str_from(*(char *const *)p);
		if (check_text(t, f, s, f->max, err) != 0)
			return -1;
		pack_str(pk, s);
		return 0;
	case FIELD_I64:
		msgpack_pack_int64(pk, *(const int64_t *)p);
		return 0;
	case FIELD_BOOL:
		if (*(const bool *)p)
			msgpack_pack_true(pk);
		else
			msgpack_pack_false(pk);
		return 0;
	case FIELD_STRS:
		return pack_strs(t, f, p, pk, err);
	case FIELD_I64S:
		return pack_i64s(t, f, p, pk, err);
	case FIELD_SUB:
		return pack_map(f->sub, p, pk, err);
	}
	BUG("field %s has no type", f->name);
}

static bool goes_out(const struct field *f, const void *obj)
{
	return (f->flags & FIELD_REQUIRED) || field_is_set(f, at_const(f, obj));
}

static int pack_map(const struct field_table *t, const void *obj,
	msgpack_packer *pk, struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += goes_out(&t->fields[i], obj);
	msgpack_pack_map(pk, n);
	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];

		if (!goes_out(f, obj))
			continue;
		pack_str(pk, str_from(f->name));
		if (pack_value(t, f, at_const(f, obj), pk, err) != 0)
			return -1;
	}
	return 0;
}

int field_pack(const struct field_table *t, const void *obj,
	struct strbuf *out, struct err *err)
{
	size_t before = out->len;
	msgpack_packer pk;

	msgpack_packer_init(&pk, out, write_out);
	if (pack_map(t, obj, &pk, err) != 0) {
		strbuf_truncate(out, before);
		return -1;
	}
	if (out->failed) {
		strbuf_truncate(out, before);
		return err_fail(err, "%s: is too large to be sent", t->name);
	}
	return 0;
}

/* ---- unpack -------------------------------------------------------------- */

static int unpack_map(const struct field_table *t, struct cursor *c, void *obj,
	unsigned depth, struct err *err);

static int wrong_type(const struct field_table *t, const struct field *f,
	const char *want, struct err *err)
{
	return err_fail(err, "%s.%s: is not %s, or is cut short", t->name,
		f->name, want);
}

static int take_text(const struct field_table *t, const struct field *f,
	struct cursor *c, size_t max, char **out, struct err *err)
{
	struct str s;

	if (cursor_str(c, &s) != 0)
		return wrong_type(t, f, "text", err);
	if (check_text(t, f, s, max, err) != 0)
		return -1;
	*out = xmemdup0(s.p, s.n);
	return 0;
}

/* n is bounded by the bytes that remain (cursor.h), then by the field. */
static int take_count(const struct field_table *t, const struct field *f,
	struct cursor *c, size_t *n, struct err *err)
{
	if (cursor_array(c, n) != 0)
		return wrong_type(t, f, "an array", err);
	return check_count(t, f, *n, err);
}

static int unpack_strs(const struct field_table *t, const struct field *f,
	struct cursor *c, struct field_strs *a, struct err *err)
{
	size_t n;

	if (take_count(t, f, c, &n, err) != 0)
		return -1;
	a->v = n != 0 ? xcalloc(n, sizeof(*a->v)) : NULL;
	for (; a->n < n; a->n++) {
		if (take_text(t, f, c, FIELD_MAX_ELEMENT, &a->v[a->n], err))
			return -1;
	}
	return 0;
}

static int unpack_i64s(const struct field_table *t, const struct field *f,
	struct cursor *c, struct field_i64s *a, struct err *err)
{
	size_t n;

	if (take_count(t, f, c, &n, err) != 0)
		return -1;
	a->v = n != 0 ? xcalloc(n, sizeof(*a->v)) : NULL;
	for (; a->n < n; a->n++) {
		if (cursor_i64(c, &a->v[a->n]) != 0)
			return wrong_type(t, f, "an array of integers", err);
	}
	return 0;
}

static int unpack_value(const struct field_table *t, const struct field *f,
	struct cursor *c, void *p, unsigned depth, struct err *err)
{
	switch (f->type) {
	case FIELD_STR:
	case FIELD_JSON:
		return take_text(t, f, c, f->max, p, err);
	case FIELD_I64:
		if (cursor_i64(c, p) != 0)
			return wrong_type(t, f, "an integer", err);
		return 0;
	case FIELD_BOOL:
		if (cursor_bool(c, p) != 0)
			return wrong_type(t, f, "true or false", err);
		return 0;
	case FIELD_STRS:
		return unpack_strs(t, f, c, p, err);
	case FIELD_I64S:
		return unpack_i64s(t, f, c, p, err);
	case FIELD_SUB:
		return unpack_map(f->sub, c, p, depth - 1, err);
	}
	BUG("field %s has no type", f->name);
}

/* Index of the field, or t->n. */
static size_t find_field(const struct field_table *t, struct str name)
{
	size_t i = 0;

	while (i < t->n && !str_is(name, t->fields[i].name))
		i++;
	return i;
}

static int unpack_pair(const struct field_table *t, struct cursor *c,
	void *obj, uint64_t *seen, unsigned depth, struct err *err)
{
	const struct field *f;
	struct str name;
	size_t i;

	if (cursor_str(c, &name) != 0)
		return err_fail(err,
			"%s: a field's name is not text, or is cut short",
			t->name);
	i = find_field(t, name);
	if (i == t->n) {
		if (cursor_skip(c, depth - 1) != 0)
			return err_fail(err,
				"%s: a field that is not known to us is "
				"malformed or nested too deeply",
				t->name);
		return 0;
	}
	f = &t->fields[i];
	if (*seen & UINT64_C(1) << i)
		return err_fail(err, "%s.%s: is given twice", t->name, f->name);
	*seen |= UINT64_C(1) << i;
	return unpack_value(t, f, c, at(f, obj), depth, err);
}

static int unpack_map(const struct field_table *t, struct cursor *c, void *obj,
	unsigned depth, struct err *err)
{
	uint64_t seen = 0;
	size_t n;

	if (t->n > FIELD_MAX_FIELDS || depth == 0)
		BUG("table %s is too large or nested too deeply", t->name);
	if (cursor_map(c, &n) != 0)
		return err_fail(err, "%s: is not a map, or is cut short",
			t->name);
	for (size_t i = 0; i < n; i++) {
		if (unpack_pair(t, c, obj, &seen, depth, err) != 0)
			return -1;
	}
	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];

		if ((f->flags & FIELD_REQUIRED) && !(seen & UINT64_C(1) << i))
			return err_fail(err, "%s.%s: is missing", t->name,
				f->name);
	}
	return 0;
}

int field_unpack(const struct field_table *t, struct str bytes, void *obj,
	struct err *err)
{
	struct cursor c = cursor_of(bytes);

	if (unpack_map(t, &c, obj, FIELD_MAX_DEPTH, err) != 0) {
		field_release(t, obj);
		return -1;
	}
	if (cursor_left(&c) != 0) {
		field_release(t, obj);
		return err_fail(err, "%s: %zu bytes are left over", t->name,
			cursor_left(&c));
	}
	return 0;
}
