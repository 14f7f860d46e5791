#include "logger/export_command.h"

#include "logger/read_command.h"
#include "logger/row.h"
#include "proto/base/clock.h"

static int usage(FILE *out, int code)
{
	fprintf(out,
		"usage: pullwire-logger [-c FILE] " EXPORT_COMMAND_USAGE "\n\n"
		"      --csv           names first, then a line a row\n"
		"      --json          one JSON object a line\n"
		READ_FILTERS_HELP);
	return code;
}

/* ---- CSV ------------------------------------------------------------------- */

static void csv_text(const char *text, struct strbuf *out)
{
	struct strbuf safe = {0};

	strbuf_add_char(out, '"');
	if (text[0] != '\0' && strchr("=+-@\t\r\n|", text[0]) != NULL)
		strbuf_add_char(out, '\'');
	row_safe(text, &safe);
	for (size_t i = 0; i < safe.len; i++) {
		if (safe.buf[i] == '"')
			strbuf_add_char(out, '"');
		strbuf_add_char(out, safe.buf[i]);
	}
	strbuf_add_char(out, '"');
	strbuf_release(&safe);
}

static void csv_number(const struct field *f, int64_t n, struct strbuf *out)
{
	char time[STR_TIME_LEN];

	if (strcmp(f->name, "time") != 0 && strcmp(f->name, "next_attempt") != 0)
		strbuf_addf(out, "%lld", (long long)n);
	else if (n != 0)
		strbuf_add_cstr(out, str_time(n, time));
}

/* One line, without its end. */
static void add_csv(const struct record *r, struct strbuf *out)
{
	for (size_t i = 0; i < record_table.n; i++) {
		const struct field *f = &record_table.fields[i];
		const char *p = (const char *)r + f->offset, *text;

		if (i > 0)
			strbuf_add_char(out, ',');
		if (f->type == FIELD_I64) {
			csv_number(f, *(const int64_t *)p, out);
		} else if (f->type == FIELD_BOOL) {
			strbuf_add_cstr(out, *(const bool *)p ? "true" : "false");
		} else {
			text = *(char *const *)p;
			if (text != NULL && text[0] != '\0')
				csv_text(text, out);
		}
	}
}

static void print_names(void)
{
	for (size_t i = 0; i < record_table.n; i++)
		printf("%s%s", i > 0 ? "," : "", record_table.fields[i].name);
	fputs("\r\n", stdout);
}

/* ---- the command ------------------------------------------------------------ */

static int print_row(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	struct strbuf line = {0};

	(void)at;
	if (*(const bool *)ctx)
		add_csv(r, &line);
	else
		row_json(r, &line);
	strbuf_add_cstr(&line, *(const bool *)ctx ? "\r\n" : "\n");
	fwrite(line.buf, 1, line.len, stdout);
	strbuf_release(&line);
	return ferror(stdout);
}

static int export_rows(const struct conf *conf, struct query *q, bool csv)
{
	struct err err = {0};
	struct store *s = read_store(conf, &err);
	int rc = -1;

	if (s != NULL) {
		if (csv)
			print_names();
		rc = read_rows(s, q, print_row, &csv, &err);
	}
	store_close(s);
	return read_end(rc, &err);
}

int export_command(const struct conf *conf, int argc, char **argv)
{
	static const struct option options[] = {
		{"csv", no_argument, NULL, 'c'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		READ_FILTERS,
		{NULL, 0, NULL, 0},
	};
	struct err err = {0};
	struct query q;
	int c, at = 0, code = -1;
	char form = '\0';

	query_init(&q);
	optind = 0; /* the program's own options were read before */
	while (code < 0 &&
		(c = getopt_long(argc, argv, "h", options, &at)) != -1) {
		if (c == 'c' || c == 'j')
			form = (char)c;
		else if (c == 'h')
			code = usage(stdout, 0);
		else if (c == '?')
			code = usage(stderr, 2);
		else if (query_set(&q, options[at].name, optarg, clock_wall(),
				 &err) < 0) {
			fprintf(stderr, "pullwire-logger export: %s\n\n",
				err.text);
			code = usage(stderr, 2);
		}
	}
	if (code < 0 && (form == '\0' || optind < argc))
		code = usage(stderr, 2);
	if (code < 0)
		code = export_rows(conf, &q, form == 'c');
	query_release(&q);
	return code;
}
