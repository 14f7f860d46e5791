#include "ingress/pending.h"

void pending_init(struct pending *p)
{
	pthread_mutex_init(&p->lock, NULL);
	list_init(&p->waiting);
	p->armed = false;
}

void pending_destroy(struct pending *p)
{
	pthread_mutex_destroy(&p->lock);
}

bool pending_add(struct pending *p, struct pending_entry *e, void *request,
	int64_t deadline)
{
	bool arm;

	e->request = request;
	e->deadline = deadline;
	pthread_mutex_lock(&p->lock);
	list_push_back(&p->waiting, &e->node);
	arm = !p->armed;
	p->armed = true;
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
		p->armed = false;
	} else {
		struct pending_entry *e = CONTAINER_OF(
			p->waiting.next, struct pending_entry, node);

		if (e->deadline > now) {
			*next = e->deadline;
		} else {
			list_remove(&e->node);
			request = e->request;
		}
	}
	pthread_mutex_unlock(&p->lock);
	return request;
}
