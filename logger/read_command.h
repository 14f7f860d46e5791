/*
 * What the commands that read the access log share: filters on the command
 * line, the store, rows page by page, and the end of the output. They read
 * the store themselves, whether the daemon runs or not.
 */
#ifndef LOGGER_READ_COMMAND_H
#define LOGGER_READ_COMMAND_H

#include <getopt.h>

#include "logger/store.h"
#include "proto/data/conf.h"

#define READ_FILTERS_HELP \
	"  filters: --trigger NAME --repository NAME --tag TAG " \
	"--status CODE --event ID\n" \
	"      --since AGE     30m, 2h, 7d or a time such as " \
	"2026-11-23T11:49:00Z\n" \
	"      --until AGE     likewise\n"

/* Options of getopt_long: 'q' for each, whose name is the query's key. */
#define READ_FILTERS \
	{"since", required_argument, NULL, 'q'}, \
	{"until", required_argument, NULL, 'q'}, \
	{"trigger", required_argument, NULL, 'q'}, \
	{"repository", required_argument, NULL, 'q'}, \
	{"tag", required_argument, NULL, 'q'}, \
	{"status", required_argument, NULL, 'q'}, \
	{"event", required_argument, NULL, 'q'}

struct store *read_store(const struct conf *conf, struct err *err);
/* All rows that the query asks for, the oldest first, however many: in pages,
 * so that the daemon's writing is not held up. Nonzero of row ends it. */
int read_rows(struct store *s, struct query *q, store_row_fn *row, void *ctx,
	struct err *err) MUST_CHECK;
/* Tells err if rc < 0, flushes standard output: the exit code. */
int read_end(int rc, const struct err *err);

#endif
