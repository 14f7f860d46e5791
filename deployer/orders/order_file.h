/*
 * A file of orders, from its reading until the last of them has ended: then it
 * is removed. Of ID.asks.order who wrote it waits for ID.answer: a line `done`
 * or `refused`, and what there is to say, a line each.
 */
#ifndef DEPLOYER_ORDER_FILE_H
#define DEPLOYER_ORDER_FILE_H

#include "proto/base/list.h"
#include "proto/base/strbuf.h"

#define ORDER_FILE ".order"
#define ORDER_FILE_ASKS ".asks" ORDER_FILE
#define ORDER_FILE_ANSWER ".answer"

struct order_file {
	struct list node;
	char *path;
	size_t open; /* orders of it that are not ended, and its reading */
	bool removed;
	size_t done, refused;
	struct strbuf said, why; /* of those that are done, and refused */
};

/* The one that is being carried out, or was and could not be removed. */
struct order_file *order_file_find(struct list *files, const char *path);
/* One more, open for its reading. */
struct order_file *order_file_new(struct list *files, const char *path);
void order_file_free(struct order_file *f);
/* Now, so that no crash repeats it. 0 or -1, which is logged. */
int order_file_remove(struct order_file *f);
/* One of its orders has ended. */
void order_file_tell(struct order_file *f, bool done, const char *text);
/* One order less is open; with the last one it is answered, removed and gone.
 * One that cannot be removed stays known, so that it is not repeated. NULL is
 * fine. */
void order_file_leave(struct order_file *f);

#endif
