#include "proto/base/base.h"

#include <stdarg.h>

void base_bug(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "bug at %s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}
