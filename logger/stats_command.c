#include "logger/stats_command.h"

#include "logger/output.h"
#include "logger/read_command.h"
#include "logger/row.h"
#include "proto/base/clock.h"
#include "proto/base/map.h"
#include "proto/base/vec.h"
#include "proto/data/json.h"

#include <unistd.h>

#define SINCE "7d"

struct trigger {
	char *name;
	int64_t last;      /* UTC ms of its newest row that counts */
	char *last_status;
	int64_t well, badly, quiet;
	VEC(int64_t) took; /* ms, of those that ended well or badly */
};

struct stats {
	VEC(struct trigger *) list;
	struct map *by_name;
};

static int usage(FILE *out, int code)
{
	fprintf(out,
		"usage: pullwire-logger [-c FILE] " STATS_COMMAND_USAGE "\n\n"
		"      --json          one JSON object a line\n"
		READ_FILTERS_HELP
		"  Without --since: the last " SINCE ".\n");
	return code;
}

/* ---- counting ---------------------------------------------------------------- */

static struct trigger *trigger_of(struct stats *s, const char *name)
{
	struct trigger *t = map_get(s->by_name, str_from(name));

	if (t != NULL)
		return t;
	t = xcalloc(1, sizeof(*t));
	t->name = xstrdup(name);
	map_put(s->by_name, str_from(name), t);
	VEC_PUSH(&s->list, t);
	return t;
}

static void note_time(struct trigger *t, const struct record *r)
{
	struct json *d = r->duration_ms != NULL
		? json_parse(str_from(r->duration_ms), NULL, NULL) : NULL;
	int64_t ms = json_i64(json_get(d, "total"), -1);

	json_free(d);
	if (ms >= 0)
		VEC_PUSH(&t->took, ms);
}

/* Rows come by time: the last one is the newest. */
static int count_row(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	enum row_outcome how = row_outcome(r->status);
	struct trigger *t;

	(void)at;
	if (!r->final || r->trigger == NULL || r->trigger[0] == '\0')
		return 0;
	t = trigger_of(ctx, r->trigger);
	t->well += how == ROW_WELL;
	t->badly += how == ROW_BADLY;
	t->quiet += how == ROW_QUIET;
	/* What did nothing does not hide how the last push ended. */
	if (how == ROW_QUIET && t->last_status != NULL &&
		row_outcome(t->last_status) != ROW_QUIET)
		return 0;
	t->last = r->time;
	free(t->last_status);
	t->last_status = xstrdup(r->status);
	if (how != ROW_QUIET)
		note_time(t, r);
	return 0;
}

/* ---- telling ------------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int by_name(const void *a, const void *b)
{
	const struct trigger *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* Nearest rank: the smallest that percent of all do not exceed; -1: none. */
static int64_t percentile(const struct trigger *t, size_t percent)
{
	if (t->took.n == 0)
		return -1;
	return t->took.v[(t->took.n * percent + 99) / 100 - 1];
}

static void set_ms(struct json *j, const char *key, int64_t ms)
{
	json_set(j, key, ms < 0 ? json_new_null() : json_new_i64(ms));
}

static void print_json(const struct trigger *t)
{
	struct json *j = json_new_object();
	struct strbuf line = {0};
	char time[STR_TIME_LEN];

	json_set_str(j, "trigger", t->name);
	json_set_str(j, "last", str_time(t->last, time));
	json_set_str(j, "last_status", t->last_status);
	json_set_i64(j, "well", t->well);
	json_set_i64(j, "badly", t->badly);
	json_set_i64(j, "other", t->quiet);
	set_ms(j, "p50_ms", percentile(t, 50));
	set_ms(j, "p95_ms", percentile(t, 95));
	json_write(j, &line);
	puts(strbuf_cstr(&line));
	strbuf_release(&line);
	json_free(j);
}

static void duration(int64_t ms, char out[16])
{
	if (ms < 0)
		snprintf(out, 16, "-");
	else if (ms < 10000)
		snprintf(out, 16, "%lld ms", (long long)ms);
	else if (ms < 600000)
		snprintf(out, 16, "%.1f s", (double)ms / 1000);
	else
		snprintf(out, 16, "%.1f min", (double)ms / 60000);
}

static void print_text(const struct trigger *t, int width, bool colour)
{
	static const char *const colours[] = {
		[ROW_WELL] = "\033[32m", [ROW_BADLY] = "\033[31m",
		[ROW_QUIET] = "\033[2m"};
	char time[STR_TIME_LEN], rate[16] = "-", p50[16], p95[16];
	struct strbuf name = {0};

	str_time(t->last, time);
	time[10] = ' ';
	time[19] = '\0';
	if (t->well + t->badly > 0)
		snprintf(rate, sizeof(rate), "%.1f %%", 100.0 *
			(double)t->well / (double)(t->well + t->badly));
	duration(percentile(t, 50), p50);
	duration(percentile(t, 95), p95);
	for (int n = row_safe(t->name, &name); n < width; n++)
		strbuf_add_char(&name, ' ');
	printf("%s  %s  %s%-12s%s  %8s  %6lld  %6lld  %6lld  %9s  %9s\n",
		strbuf_cstr(&name), time,
		colour ? colours[row_outcome(t->last_status)] : "",
		t->last_status, colour ? "\033[0m" : "", rate,
		(long long)t->well, (long long)t->badly, (long long)t->quiet,
		p50, p95);
	strbuf_release(&name);
}

static void print(struct stats *s, bool json)
{
	bool colour = output_colour(STDOUT_FILENO);
	int width = (int)strlen("TRIGGER");

	if (s->list.n > 0)
		qsort(s->list.v, s->list.n, sizeof(*s->list.v), by_name);
	for (size_t i = 0; i < s->list.n; i++) {
		struct trigger *t = s->list.v[i];

		if (t->took.n > 0)
			qsort(t->took.v, t->took.n, sizeof(int64_t), by_number);
		if ((int)strlen(t->name) > width)
			width = (int)strlen(t->name);
	}
	if (!json)
		printf("%-*s  %-19s  %-12s  %8s  %6s  %6s  %6s  %9s  %9s\n",
			width, "TRIGGER", "LAST PUSH", "STATUS", "SUCCESS",
			"WELL", "BADLY", "OTHER", "P50", "P95");
	for (size_t i = 0; i < s->list.n; i++) {
		if (json)
			print_json(s->list.v[i]);
		else
			print_text(s->list.v[i], width, colour);
	}
}

static void stats_release(struct stats *s)
{
	for (size_t i = 0; i < s->list.n; i++) {
		struct trigger *t = s->list.v[i];

		free(t->name);
		free(t->last_status);
		VEC_RELEASE(&t->took);
		free(t);
	}
	VEC_RELEASE(&s->list);
	map_free(s->by_name);
}

/* ---- the command --------------------------------------------------------------- */

static int show(const struct conf *conf, struct query *q, bool json)
{
	struct stats stats = {.by_name = map_new()};
	struct err err = {0};
	struct store *s = read_store(conf, &err);
	int rc = s != NULL ? read_rows(s, q, count_row, &stats, &err) : -1;

	if (rc == 0)
		print(&stats, json);
	stats_release(&stats);
	store_close(s);
	return read_end(rc, &err);
}

int stats_command(const struct conf *conf, int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		READ_FILTERS,
		{NULL, 0, NULL, 0},
	};
	struct err err = {0};
	struct query q;
	int c, at = 0, code = -1;
	bool json = false;

	query_init(&q);
	if (query_set(&q, "since", SINCE, clock_wall(), &err) < 0)
		BUG("%s", err.text);
	optind = 0; /* the program's own options were read before */
	while (code < 0 &&
		(c = getopt_long(argc, argv, "h", options, &at)) != -1) {
		if (c == 'j')
			json = true;
		else if (c == 'h')
			code = usage(stdout, 0);
		else if (c == '?')
			code = usage(stderr, 2);
		else if (query_set(&q, options[at].name, optarg, clock_wall(),
				 &err) < 0) {
			fprintf(stderr, "pullwire-logger stats: %s\n\n",
				err.text);
			code = usage(stderr, 2);
		}
	}
	if (code < 0 && optind < argc)
		code = usage(stderr, 2);
	if (code < 0)
		code = show(conf, &q, json);
	query_release(&q);
	return code;
}
