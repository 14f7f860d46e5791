#include "ingress/reject.h"

#include <pthread.h>

#include "proto/base/list.h"
#include "proto/base/map.h"
#include "proto/base/mem.h"

struct key {
	struct list node;
	char *text; /* the map's key */
	char *source, *peer, *reason;
	int status;
	int64_t start;  /* of the running minute */
	int single;     /* rows given at once since it was quiet */
	uint64_t count; /* in it, without a row yet */
};

struct reject {
	pthread_mutex_t lock;
	struct map *keys; /* text -> struct key */
	struct list all;
};

struct reject *reject_new(void)
{
	struct reject *r = xcalloc(1, sizeof(*r));

	pthread_mutex_init(&r->lock, NULL);
	r->keys = map_new();
	list_init(&r->all);
	return r;
}

static void key_free(struct reject *r, struct key *k)
{
	map_del(r->keys, str_from(k->text));
	list_remove(&k->node);
	free(k->text);
	free(k->source);
	free(k->peer);
	free(k->reason);
	free(k);
}

void reject_free(struct reject *r)
{
	if (!r)
		return;
	LIST_EACH(&r->all, node)
		key_free(r, CONTAINER_OF(node, struct key, node));
	map_free(r->keys);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static struct key *key_new(struct reject *r, char *text,
	const struct reject_row *row, int64_t now)
{
	struct key *k = xcalloc(1, sizeof(*k));

	k->text = text;
	k->source = xstrdup_null(row->source);
	k->peer = xstrdup(row->peer);
	k->status = row->status;
	k->start = now;
	list_push_back(&r->all, &k->node);
	map_put(r->keys, str_from(text), k);
	return k;
}

static bool note_locked(struct reject *r, const struct reject_row *row,
	int64_t now)
{
	struct reject_row shared = *row;
	char *text = xprintf("%d %s %s", row->status, row->peer,
		row->source ? row->source : "");
	struct key *k = map_get(r->keys, str_from(text));

	if (!k && map_len(r->keys) >= REJECT_KEYS) {
		free(text);
		text = xprintf("%d", row->status);
		shared.source = NULL;
		shared.peer = "many addresses";
		k = map_get(r->keys, str_from(text));
	}
	if (!k)
		k = key_new(r, text, &shared, now);
	else
		free(text);
	if (k->single < REJECT_SINGLE) {
		k->single++;
		return true;
	}
	free(k->reason);
	k->reason = xstrdup(row->reason);
	k->count++;
	return false;
}

bool reject_note(struct reject *r, const struct reject_row *row, int64_t now)
{
	bool write;

	pthread_mutex_lock(&r->lock);
	write = note_locked(r, row, now);
	pthread_mutex_unlock(&r->lock);
	return write;
}

void reject_flush(struct reject *r, int64_t now,
	void (*fn)(void *ctx, const struct reject_row *row), void *ctx)
{
	pthread_mutex_lock(&r->lock);
	LIST_EACH(&r->all, node) {
		struct key *k = CONTAINER_OF(node, struct key, node);

		if (now - k->start < REJECT_WINDOW_MS)
			continue;
		if (!k->count) {
			key_free(r, k);
			continue;
		}
		fn(ctx, &(struct reject_row){k->source, k->peer, k->status,
			k->reason, k->count});
		k->start = now;
		k->count = 0;
	}
	pthread_mutex_unlock(&r->lock);
}
