/*
 * The rows on standard output, one line each, in the order they come. A
 * thread of its own writes, so that a reader who stands still holds neither
 * the store nor the loop: past a limit lines are left out and counted. They
 * are in the store.
 */
#ifndef LOGGER_OUTPUT_H
#define LOGGER_OUTPUT_H

#include "proto/base/err.h"
#include "proto/msg/record.h"

#define OUTPUT_WAITING_MAX ((size_t)8 << 20) /* bytes */

enum output_format { OUTPUT_AUTO, OUTPUT_TEXT, OUTPUT_JSON };

struct output;

/* Auto: text on a terminal, else JSON. fd stays the caller's. NULL with err. */
struct output *output_start(int fd, enum output_format format,
	struct err *err);
/* From any thread; never waits for the reader. */
void output_row(struct output *o, const struct record *r);
uint64_t output_left_out(struct output *o);
/* Waits at most wait_ms for what is to be written; NULL is fine. */
void output_stop(struct output *o, int64_t wait_ms);

/* What auto means for fd, and whether text there has colours: on a terminal
 * unless NO_COLOR is set, and anywhere when CLICOLOR_FORCE is (and not 0). */
enum output_format output_resolve(int fd, enum output_format format);
bool output_colour(int fd);

#endif
