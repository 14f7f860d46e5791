#include "deployer/http/receiver.h"

enum receiver_gate receiver_gate(const struct receiver *r, int64_t now)
{
	if (r->gone_since)
		return RECEIVER_GONE;
	if (!r->probe_at)
		return RECEIVER_OPEN;
	return now < r->probe_at ? RECEIVER_SUSPENDED : RECEIVER_PROBE;
}

bool receiver_note(struct receiver *r, enum receiver_outcome outcome,
	int64_t now)
{
	struct receiver before = *r;

	switch (outcome) {
	case RECEIVER_TOOK:
		*r = (struct receiver){0};
		break;
	case RECEIVER_SAID_GONE:
		r->gone_since = now;
		break;
	case RECEIVER_FAILED:
		if (!r->failing_since)
			r->failing_since = now;
		if (now - r->failing_since >= RECEIVER_SUSPEND_MS)
			r->probe_at = now + RECEIVER_PROBE_MS;
		break;
	}
	return memcmp(&before, r, sizeof(before)) != 0;
}
