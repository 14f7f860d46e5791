#include "logger/log_command.h"

#include <unistd.h>

#include "logger/output.h"
#include "logger/read_command.h"
#include "logger/row.h"
#include "proto/base/clock.h"

#define ROWS_DEFAULT 50
#define ROWS_MAX 1000000
#define FOLLOW_MS 250 /* between two looks at the store */
#define FOLLOW_ROWS 500

struct viewer {
	struct query query;
	bool follow;
	bool text, colour;
	int64_t last; /* place of the row stored last that was seen */
	int64_t shown;
};

static int usage(FILE *out, int code)
{
	fprintf(out,
		"usage: pullwire-logger [-c FILE] " LOG_COMMAND_USAGE "\n\n"
		"  -f, --follow        go on with rows as they arrive\n"
		"  -n, --rows N        the last N rows (%d)\n"
		"      --json          one JSON object a line\n"
		READ_FILTERS_HELP, ROWS_DEFAULT);
	return code;
}

static int wrong(const char *text)
{
	fprintf(stderr, "pullwire-logger log: %s\n\n", text);
	return usage(stderr, 2);
}

static int set_rows(struct viewer *v, const char *value)
{
	int64_t n;

	if (str_to_i64(str_from(value), &n) < 0 || n < 0 || n > ROWS_MAX)
		return wrong("-n takes a number from 0 to 1000000");
	v->query.limit = n;
	return 0;
}

/* 0, or the exit code of a wrong command line; -1 after the help. */
static int parse(struct viewer *v, int argc, char **argv)
{
	static const struct option options[] = {
		{"follow", no_argument, NULL, 'f'},
		{"rows", required_argument, NULL, 'n'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		READ_FILTERS,
		{NULL, 0, NULL, 0},
	};
	struct err err = {0};
	int c, at = 0;

	optind = 0; /* the program's own options were read before */
	while ((c = getopt_long(argc, argv, "fn:h", options, &at)) != -1) {
		if (c == 'f')
			v->follow = true;
		else if (c == 'j')
			v->text = false;
		else if (c == 'n' && set_rows(v, optarg) != 0)
			return 2;
		else if (c == 'h')
			return usage(stdout, -1);
		else if (c == '?')
			return usage(stderr, 2);
		else if (c == 'q' && query_set(&v->query, options[at].name,
					     optarg, clock_wall(), &err) < 0)
			return wrong(err.text);
	}
	return optind < argc ? wrong("an argument that is no option") : 0;
}

static int print_row(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	struct viewer *v = ctx;
	struct strbuf line = {0};

	if (v->text)
		row_text(r, v->colour, &line);
	else
		row_json(r, &line);
	puts(strbuf_cstr(&line));
	strbuf_release(&line);
	v->shown++;
	if (at->seq > v->last)
		v->last = at->seq;
	return ferror(stdout);
}

/* Until the reader of our output goes, or the store. */
static int follow(struct viewer *v, struct store *s, struct err *err)
{
	v->query.order = QUERY_AS_STORED;
	v->query.limit = FOLLOW_ROWS;
	while (fflush(stdout) == 0) {
		int64_t before = v->last;

		v->query.after.seq = before;
		if (store_query(s, &v->query, print_row, v, err) < 0)
			return -1;
		if (v->last == before)
			clock_sleep(FOLLOW_MS);
	}
	return 0;
}

static int show(struct viewer *v, struct store *s, struct err *err)
{
	/* First, so that what arrives while we read is not missed. */
	if (store_last(s, &v->last, err) < 0)
		return -1;
	v->query.order = QUERY_OLDEST_FIRST;
	if (v->query.limit > 0 &&
		store_query(s, &v->query, print_row, v, err) < 0)
		return -1;
	if (v->query.limit > 0 && v->shown == 0)
		fprintf(stderr, "pullwire-logger log: %s\n", v->last > 0
			? "no row fits" : "nothing was pushed yet");
	return v->follow ? follow(v, s, err) : 0;
}

int log_command(const struct conf *conf, int argc, char **argv)
{
	struct viewer v = {.text = true, .colour = output_colour(STDOUT_FILENO)};
	struct err err = {0};
	struct store *s;
	int code;

	query_init(&v.query);
	v.query.limit = ROWS_DEFAULT;
	code = parse(&v, argc, argv);
	if (code != 0) {
		query_release(&v.query);
		return code < 0 ? 0 : code;
	}
	s = read_store(conf, &err);
	code = read_end(s != NULL ? show(&v, s, &err) : -1, &err);
	store_close(s);
	query_release(&v.query);
	return code;
}
