/*
 * In builds with sanitizers: the undefined behaviour sanitizer, when it is not
 * alone in a program, does not look at its own log_path. So this sets it, to
 * what PULLWIRE_UBSAN_PATH says.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static __attribute__((constructor)) void set_path(void)
{
	const char *path = getenv("PULLWIRE_UBSAN_PATH");
	void *library = dlopen("libubsan.so.1", RTLD_NOW | RTLD_NOLOAD);
	/* Its own, not that of the address sanitizer, which has one, too. */
	void *found = library ? dlsym(library, "__sanitizer_set_report_path") :
				NULL;
	void (*set)(const char *);

	if (path == NULL || found == NULL)
		return;
	memcpy(&set, &found, sizeof(set)); /* ISO C knows no such cast */
	set(path);
}
