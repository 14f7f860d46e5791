#include "proto/base/err.h"

#include <stdarg.h>

static int fill(struct err *err, enum err_class cls, int code, const char *fmt,
	va_list ap) __attribute__((format(printf, 4, 0)));

static int fill(struct err *err, enum err_class cls, int code, const char *fmt,
	va_list ap)
{
	char text[sizeof(err->text)];

	if (err == NULL)
		return -1;
	/* Aside first: an argument may be err->text itself. */
	vsnprintf(text, sizeof(text), fmt, ap);
	err->cls = cls;
	err->code = code;
	memcpy(err->text, text, sizeof(text));
	return -1;
}

int err_fail(struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(err, ERR_FAIL, 0, fmt, ap);
	va_end(ap);
	return -1;
}

int err_retry(struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(err, ERR_RETRY, 0, fmt, ap);
	va_end(ap);
	return -1;
}

int err_set(struct err *err, enum err_class cls, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(err, cls, code, fmt, ap);
	va_end(ap);
	return -1;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	char text[2 * sizeof(err->text)];
	size_t at;
	va_list ap;
	int n;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(err->text), fmt, ap);
	va_end(ap);
	at = n < 0 ? 0 : (size_t)n;
	if (at > sizeof(err->text) - 1)
		at = sizeof(err->text) - 1;
	snprintf(text + at, sizeof(text) - at, ": %s", err->text);
	text[sizeof(err->text) - 1] = '\0';
	memcpy(err->text, text, sizeof(err->text));
	return -1;
}

void err_clear(struct err *err)
{
	if (err == NULL)
		return;
	err->cls = ERR_NONE;
	err->code = 0;
	err->text[0] = '\0';
}
