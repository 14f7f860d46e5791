/*
 * What all processes count, as Prometheus reads it: the text format 0.0.4, or
 * OpenMetrics 1.0 when it asks for that. Each process tells its series with
 * its status; here they get the labels role and instance. Nothing of a message
 * is taken over unread: a name that is not in the table, or a label that is
 * not the family's, is left out. A process that is silent has no series.
 */
#ifndef LOGGER_EXPOSITION_H
#define LOGGER_EXPOSITION_H

#include "logger/processes.h"

/* Does an Accept header (NULL: none) ask for OpenMetrics? */
bool exposition_is_open(const char *accept);
/* The Content-Type of the one or the other. */
const char *exposition_type(bool open);
/* mono: ms. */
void exposition_write(struct processes *p, int64_t mono, bool open,
	struct strbuf *out);

#endif
