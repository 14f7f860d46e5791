/* What field.h promises besides the wire: copy, release, fit. */
#include "proto/msg/field.h"

#include "proto/base/mem.h"
#include "proto/base/utf8.h"

static void copy_strs(struct field_strs *dst, const struct field_strs *src)
{
	*dst = (struct field_strs){0};
	if (src->n == 0)
		return;
	dst->v = xcalloc(src->n, sizeof(*dst->v));
	for (; dst->n < src->n; dst->n++)
		dst->v[dst->n] = xstrdup(src->v[dst->n]);
}

static void copy_i64s(struct field_i64s *dst, const struct field_i64s *src)
{
	*dst = (struct field_i64s){0};
	if (src->n == 0)
		return;
	dst->v = xcalloc(src->n, sizeof(*dst->v));
	memcpy(dst->v, src->v, src->n * sizeof(*dst->v));
	dst->n = src->n;
}

void field_copy(const struct field_table *t, void *dst, const void *src)
{
	memset(dst, 0, t->size);
	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];
		void *to = (char *)dst + f->offset;
		const void *from = (const char *)src + f->offset;

		switch (f->type) {
		case FIELD_STR:
		case FIELD_JSON:
			*(char **)to = xstrdup_null(*(char *const *)from);
			break;
		case FIELD_I64:
			memcpy(to, from, sizeof(int64_t));
			break;
		case FIELD_BOOL:
			memcpy(to, from, sizeof(bool));
			break;
		case FIELD_STRS:
			copy_strs(to, from);
			break;
		case FIELD_I64S:
			copy_i64s(to, from);
			break;
		case FIELD_SUB:
			field_copy(f->sub, to, from);
			break;
		}
	}
}

static void free_strs(struct field_strs *a, size_t from)
{
	for (size_t i = from; i < a->n; i++)
		free(a->v[i]);
	a->n = from;
}

void field_release(const struct field_table *t, void *obj)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];
		void *p = (char *)obj + f->offset;

		switch (f->type) {
		case FIELD_STR:
		case FIELD_JSON:
			free(*(char **)p);
			break;
		case FIELD_STRS:
			free_strs(p, 0);
			free(((struct field_strs *)p)->v);
			break;
		case FIELD_I64S:
			free(((struct field_i64s *)p)->v);
			break;
		case FIELD_SUB:
			field_release(f->sub, p);
			break;
		case FIELD_I64:
		case FIELD_BOOL:
			break;
		}
	}
	memset(obj, 0, t->size);
}

static void fit_text(char *text, size_t max)
{
	struct str s = str_from(text);
	size_t good = 0;

	for (;;) {
		good += utf8_prefix(str_cut(s, good, s.n), s.n);
		if (good == s.n)
			break;
		text[good] = '?';
	}
	text[utf8_prefix(s, max)] = '\0';
}

static void fit_json(char **json, size_t max)
{
	struct str s = str_from(*json);

	if (utf8_prefix(s, max) != s.n)
		free_null(json);
}

static void fit_strs(struct field_strs *a, size_t max)
{
	if (a->n > max)
		free_strs(a, max);
	for (size_t i = 0; i < a->n; i++)
		fit_text(a->v[i], FIELD_MAX_ELEMENT);
}

void field_fit(const struct field_table *t, void *obj)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];
		void *p = (char *)obj + f->offset;

		switch (f->type) {
		case FIELD_STR:
			if (*(char **)p != NULL)
				fit_text(*(char **)p, f->max);
			break;
		case FIELD_JSON:
			fit_json(p, f->max);
			break;
		case FIELD_STRS:
			fit_strs(p, f->max);
			break;
		case FIELD_I64S:
			if (((struct field_i64s *)p)->n > f->max)
				((struct field_i64s *)p)->n = f->max;
			break;
		case FIELD_SUB:
			field_fit(f->sub, p);
			break;
		case FIELD_I64:
		case FIELD_BOOL:
			break;
		}
	}
}
