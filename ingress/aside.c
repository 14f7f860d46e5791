#include "ingress/aside.h"

void aside_add(struct aside *a, int64_t seq, int64_t due)
{
	struct aside_entry entry = {seq, due};

	VEC_PUSH(&a->entries, entry);
}

int64_t aside_due(const struct aside *a, int64_t now)
{
	if (!aside_len(a) || a->entries.v[a->first].due > now)
		return 0;
	return a->entries.v[a->first].seq;
}

void aside_pop(struct aside *a)
{
	if (!aside_len(a))
		BUG("nothing is aside");
	a->first++;
	/* Half of the array is past: move the rest down, in all once an
	 * entry. */
	if (a->first * 2 >= a->entries.n) {
		a->entries.n -= a->first;
		memmove(a->entries.v, a->entries.v + a->first,
			a->entries.n * sizeof(a->entries.v[0]));
		a->first = 0;
	}
}

size_t aside_len(const struct aside *a)
{
	return a->entries.n - a->first;
}

void aside_release(struct aside *a)
{
	VEC_RELEASE(&a->entries);
	a->first = 0;
}
