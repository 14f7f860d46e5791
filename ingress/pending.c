#include "ingress/pending.h"

void pending_init(struct pending *p)
{
	pthread_mutex_init(&p->lock, NULL);
	list_init(&p->waiting);
	p->wake = 0;
}

void pending_destroy(struct pending *p)
{
	pthread_mutex_destroy(&p->lock);
}

/* Before the first with a later deadline; most come in that order. */
static void insert(struct pending *p, struct pending_entry *e)
{
	struct list *at = p->waiting.prev;

	while (at != &p->waiting && CONTAINER_OF(at, struct pending_entry,
					    node)->deadline > e->deadline)
		at = at->prev;
	list_insert_before(at->next, &e->node);
}

bool pending_add(struct pending *p, struct pending_entry *e, void *request,
	int64_t deadline)
{
	bool arm;

	e->request = request;
	e->deadline = deadline;
	pthread_mutex_lock(&p->lock);
	insert(p, e);
	arm = p->wake == 0 || deadline < p->wake;
	if (arm)
		p->wake = deadline;
	pthread_mutex_unlock(&p->lock);
	return arm;
}

bool pending_take(struct pending *p, struct pending_entry *e)
{
	bool first;

	pthread_mutex_lock(&p->lock);
	first = list_linked(&e->node);
	if (first)
		list_remove(&e->node);
	pthread_mutex_unlock(&p->lock);
	return first;
}

void *pending_overdue(struct pending *p, int64_t now, int64_t *next)
{
	void *request = NULL;

	*next = 0;
	pthread_mutex_lock(&p->lock);
	if (list_empty(&p->waiting)) {
		p->wake = 0;
	} else {
		struct pending_entry *e = CONTAINER_OF(
			p->waiting.next, struct pending_entry, node);

		if (e->deadline > now) {
			*next = p->wake = e->deadline;
		} else {
			list_remove(&e->node);
			request = e->request;
		}
	}
	pthread_mutex_unlock(&p->lock);
	return request;
}
