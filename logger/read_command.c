#include "logger/read_command.h"

#include <errno.h>

#define PAGE_ROWS 5000

struct store *read_store(const struct conf *conf, struct err *err)
{
	return store_open(&(struct store_config){.url = conf->logger.store,
		.password = &conf->logger.store_password,
		.readonly = true}, err);
}

struct page {
	store_row_fn *row;
	void *ctx;
	struct query_cursor last;
	int64_t rows;
	bool enough;
};

static int take_row(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	struct page *p = ctx;

	p->last = *at;
	p->rows++;
	p->enough = p->row(p->ctx, r, at) != 0;
	return p->enough;
}

int read_rows(struct store *s, struct query *q, store_row_fn *row, void *ctx,
	struct err *err)
{
	struct page p = {.row = row, .ctx = ctx};

	q->order = QUERY_FROM_OLDEST;
	q->limit = PAGE_ROWS;
	do {
		q->after = p.last;
		p.rows = 0;
		if (store_query(s, q, take_row, &p, err) < 0)
			return -1;
	} while (p.rows == PAGE_ROWS && !p.enough);
	return 0;
}

int read_end(int rc, const struct err *err)
{
	int code = 0;

	if (rc < 0) {
		fprintf(stderr, "pullwire-logger: %s\n", err->text);
		code = 1;
	}
	if (fflush(stdout) != 0 && errno != EPIPE) {
		fprintf(stderr, "pullwire-logger: standard output: %s\n",
			strerror(errno));
		code = 1;
	}
	return code;
}
