/*
 * Triggers that containers and services have as labels: looked for at each
 * engine of our lanes, at the start, whenever those change and now and then.
 * What is found becomes part of our configuration (conf_with_labels()) and is told
 * to every matcher; it is kept on disk, so that a deployer that starts before
 * its engine knows it, too. An engine that does not answer changes nothing.
 * Loop thread only.
 */
#ifndef DEPLOYER_LABELS_H
#define DEPLOYER_LABELS_H

#include "deployer/deployer.h"

struct labels;

/* Takes what is on disk, and begins to look. NULL with err. */
struct labels *labels_new(struct deployer *d, struct err *err);
void labels_free(struct labels *l); /* NULL is fine */
/* Another configuration is in force. */
void labels_apply(struct labels *l);
/* A matcher has come: it is told what is known. */
void labels_greet(struct labels *l, uint64_t peer);

#endif
