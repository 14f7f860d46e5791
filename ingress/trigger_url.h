/*
 * A trigger's own URL: who posts the notification there has that trigger do
 * its redeploy.
 *
 *   /hook/trigger?triggerUrl=BASE64&secret=HEX
 *
 * BASE64 is of "CLUSTER|APPLICATION|redeploy|ID|": the engine, the target, the
 * action, the trigger's name. HEX is the HMAC-SHA256 of that text by a key, 64
 * digits. The key is `ingress.trigger_key` (each of several is valid, URLs are
 * made with the first), or 32 random bytes that STATE/trigger.key keeps for
 * good, mode 0600. A URL holds until the key or what the text says of the
 * trigger changes. Triggers that post to a URL have none.
 */
#ifndef INGRESS_TRIGGER_URL_H
#define INGRESS_TRIGGER_URL_H

#include "proto/data/conf.h"

struct trigger_url;

/* Reads the key, makes it when there is none; the state folder must exist.
 * conf is borrowed. NULL and err when there is no key to be had. */
struct trigger_url *trigger_url_new(const struct conf *conf, struct err *err);
void trigger_url_free(struct trigger_url *u);

/* "CLUSTER|APPLICATION|redeploy|ID|"; false for a trigger without a target. */
bool trigger_url_text(const struct conf_trigger *t, struct strbuf *out);
/* The whole URL. 0, or -1 for a trigger that has none. */
int trigger_url_make(const struct trigger_url *u, const struct conf_trigger *t,
	struct strbuf *out, struct err *err);
/* The trigger that the two query values (or NULL) are of; NULL with the
 * sentence for the access log when they are not. What is refused took the same
 * time whatever it names. Any thread. */
const struct conf_trigger *trigger_url_check(const struct trigger_url *u,
	const char *trigger_url, const char *secret, struct err *err);

/* The configuration's part, and the `url` command. */
void trigger_url_check_conf(const struct conf *conf, struct opt_errors *errs);
int trigger_url_run(const struct conf *conf, int argc, char **argv);

#endif
