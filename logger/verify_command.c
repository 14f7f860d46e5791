#include "logger/verify_command.h"

#include "logger/read_command.h"
#include "logger/row.h"
#include "logger/row_sum.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/strbuf.h"

#define RATE_DEFAULT 10000
#define RATE_MAX 1000000
#define PAGE_ROWS 500 /* in one query: a short one */

struct verify {
	int64_t rate; /* rows a second at most */
	int64_t end;  /* the place of the row stored last, as we began */
	int64_t at, before; /* of the row read last, and the one before it */
	int64_t seen; /* of the row that this page gave last */
	int64_t back; /* if out_of_place: of a row that came after that one */
	int64_t page; /* rows read of this page */
	int64_t rows, damaged;
	bool out_of_place;
};

static int usage(FILE *out, int code)
{
	fprintf(out,
		"usage: pullwire-logger [-c FILE] " VERIFY_COMMAND_USAGE "\n\n"
		"Reads all rows of the access log, while the daemon runs or not, "
		"and prints those\nthat are not what was stored.\n\n"
		"      --rate ROWS     so many a second at most (%d)\n\n"
		"Exit code: 0 all rows are sound, 1 some are damaged, 2 a wrong "
		"command line or\nconfiguration, 3 the log cannot be read.\n",
		RATE_DEFAULT);
	return code;
}

/* Its place, and what it says of itself. */
static void print_damaged(const struct record *r, int64_t seq)
{
	char time[STR_TIME_LEN];
	struct strbuf line = {0};

	strbuf_addf(&line, "row %lld  %s  ", (long long)seq,
		str_time(r->time, time));
	row_safe(r->id, &line);
	strbuf_add_cstr(&line, "  ");
	row_safe(r->reason, &line);
	puts(strbuf_cstr(&line));
	strbuf_release(&line);
}

static int see_row(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	struct verify *v = ctx;

	if (at->seq <= v->seen) {
		v->back = at->seq;
		v->out_of_place = true;
		return 1;
	}
	v->seen = at->seq;
	if (at->seq == v->at || at->seq > v->end)
		return 0; /* was read, or came after we began */
	v->before = v->at;
	v->at = at->seq;
	v->page++;
	if (strcmp(r->status, ROW_DAMAGED) == 0) {
		v->damaged++;
		print_damaged(r, at->seq);
	}
	return ferror(stdout);
}

/* Rows by their place, for no index has a say in which there are. The places
 * have no checksum, but one that was changed is not where it belongs: so each
 * page begins with the last row of the one before, and what comes after the end
 * is looked at too. */
static int read_all(struct verify *v, struct store *s, struct err *err)
{
	int64_t start = clock_mono();
	struct query q;

	query_init(&q);
	q.order = QUERY_AS_STORED;
	q.limit = 1 + (v->rate < PAGE_ROWS ? v->rate : PAGE_ROWS);
	do {
		int64_t ahead;

		q.after.seq = v->seen = v->before;
		v->page = 0;
		if (store_query(s, &q, see_row, v, err) < 0)
			return -1;
		v->rows += v->page;
		if (v->out_of_place)
			return err_fail(err, "row %lld comes after row %lld: "
					     "the file is damaged, and what "
					     "follows cannot be read",
				(long long)v->back, (long long)v->seen);
		ahead = v->rows * 1000 / v->rate - (clock_mono() - start);
		if (v->page > 0 && ahead > 0)
			clock_sleep(ahead);
	} while (v->page > 0 && !ferror(stdout));
	return 0;
}

static void print_end(const struct verify *v)
{
	if (v->damaged == 0)
		printf("%lld rows read, all are what was stored\n",
			(long long)v->rows);
	else
		printf("%lld rows read, %lld of them are damaged: the disk or "
		       "the memory changes what is stored, replace it\n",
			(long long)v->rows, (long long)v->damaged);
}

static int verify(const struct conf *conf, struct verify *v)
{
	struct err err = {0};
	struct store *s = read_store(conf, &err);
	int rc = s != NULL ? store_last(s, &v->end, &err) : -1;

	/* Each damaged row is a line of ours. */
	log_init("pullwire-logger", LOG_FATAL);
	if (rc == 0)
		rc = read_all(v, s, &err);
	if (rc == 0)
		print_end(v);
	store_close(s);
	if (read_end(rc, &err) != 0)
		return VERIFY_UNREAD;
	return v->damaged > 0 ? VERIFY_DAMAGED : VERIFY_SOUND;
}

int verify_command(const struct conf *conf, int argc, char **argv)
{
	static const struct option options[] = {
		{"rate", required_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct verify v = {.rate = RATE_DEFAULT};
	int c;

	optind = 0; /* the program's own options were read before */
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h')
			return usage(stdout, 0);
		if (c != 'r')
			return usage(stderr, 2);
		if (str_to_i64(str_from(optarg), &v.rate) < 0 || v.rate < 1 ||
			v.rate > RATE_MAX) {
			fprintf(stderr, "pullwire-logger verify: --rate takes "
					"a number from 1 to %d\n\n", RATE_MAX);
			return usage(stderr, 2);
		}
	}
	return optind < argc ? usage(stderr, 2) : verify(conf, &v);
}
