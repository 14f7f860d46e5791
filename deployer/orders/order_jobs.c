#include "deployer/orders/order.h"
#include "deployer/http/notify.h"

void order_enable(struct deployer *d, struct order *o)
{
	const char *name = order_arg(o, "trigger");
	const struct conf_trigger *t = name ? conf_poster(d->conf, name) : NULL;

	if (!name) {
		order_refuse(o, ANSWER_MALFORMED,
			"enable takes the name of a trigger");
	} else if (!t || !d->notify) {
		order_refuse(o, ANSWER_ABSENT,
			"%s is no trigger of ours with a URL: not enabled",
			name);
	} else {
		notify_enable(d->notify, t);
		order_done(o, NULL, "%s may post again", name);
	}
}
