/*
 * What the tests of pullwire.yml share: a folder of their own with the file, a
 * fragment in triggers.d, and loading a text from it.
 */
#ifndef TESTS_UNIT_PROTO_CONF_RIG_H
#define TESTS_UNIT_PROTO_CONF_RIG_H

#include "proto/data/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/pullwire-conf-XXXXXX";
static char file[64], extra[64];

static inline int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/pullwire.yml", dir);
	snprintf(extra, sizeof(extra), "%s/triggers.d", dir);
	if (mkdir(extra, 0700) < 0)
		return -1;
	snprintf(extra, sizeof(extra), "%s/triggers.d/more.yml", dir);
	return 0;
}

static inline int teardown(void **state)
{
	char path[64];

	(void)state;
	unlink(file);
	unlink(extra);
	snprintf(path, sizeof(path), "%s/triggers.d", dir);
	rmdir(path);
	return rmdir(dir);
}

static inline void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
}

static inline struct conf *load(const char *text, struct opt_errors *errs)
{
	write_text(file, text);
	return conf_load(file, errs);
}

#endif
