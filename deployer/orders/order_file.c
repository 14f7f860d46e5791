#include "deployer/orders/order_file.h"

#include <errno.h>
#include <unistd.h>

#include "proto/base/log.h"
#include "proto/base/mem.h"

#define TOLD_MAX 20 /* sentences of a file with many orders */

struct order_file *order_file_find(struct list *files, const char *path)
{
	LIST_EACH(files, node) {
		struct order_file *f =
			CONTAINER_OF(node, struct order_file, node);

		if (strcmp(f->path, path) == 0)
			return f;
	}
	return NULL;
}

struct order_file *order_file_new(struct list *files, const char *path)
{
	struct order_file *f = xcalloc(1, sizeof(*f));

	f->path = xstrdup(path);
	f->open = 1;
	list_push_back(files, &f->node);
	return f;
}

void order_file_free(struct order_file *f)
{
	list_remove(&f->node);
	strbuf_release(&f->said);
	strbuf_release(&f->why);
	free(f->path);
	free(f);
}

int order_file_remove(struct order_file *f)
{
	f->removed = f->removed || unlink(f->path) == 0;
	if (!f->removed)
		log_limited(LOG_ERROR, f->path, "cannot be removed: %s",
			strerror(errno));
	return f->removed ? 0 : -1;
}

void order_file_tell(struct order_file *f, bool done, const char *text)
{
	size_t n = done ? ++f->done : ++f->refused;

	if (n <= TOLD_MAX)
		strbuf_addf(done ? &f->said : &f->why, "%s\n", text);
}

/* Whole, when it is seen. Who asked may be gone: see orders_tick(). */
static void answer(struct order_file *f)
{
	struct str path = str_from(f->path), id;
	char *ready, *part;
	FILE *out;

	if (!str_ends(path, STR(ORDER_FILE_ASKS)))
		return;
	id = str_cut(path, 0, path.n - strlen(ORDER_FILE_ASKS));
	ready = xprintf("%.*s" ORDER_FILE_ANSWER, (int)id.n, id.p);
	part = xprintf("%s.part", ready);
	out = fopen(part, "w");
	if (f->refused && f->done)
		strbuf_addf(&f->why, "%zu of %zu are done\n", f->done,
			f->done + f->refused);
	if (!out || fprintf(out, "%s\n%s", f->refused ? "refused" : "done",
			strbuf_cstr(f->refused ? &f->why : &f->said)) < 0 ||
		fflush(out) != 0 || rename(part, ready) < 0)
		log_limited(LOG_WARN, ready, "cannot be written: %s",
			strerror(errno));
	if (out)
		fclose(out);
	free(part);
	free(ready);
}

void order_file_leave(struct order_file *f)
{
	if (!f || --f->open > 0)
		return;
	answer(f);
	if (order_file_remove(f) == 0)
		order_file_free(f);
}
