#include "deployer/orders/list.h"

#include "deployer/queue/queue_read.h"
#include "deployer/queue/queue_schema.h"
#include "proto/base/mem.h"

#define TEXT_MAX 256

static const char *time_text(int64_t utc_ms, char buf[STR_TIME_LEN])
{
	if (utc_ms <= 0)
		return "-";
	str_time(utc_ms, buf);
	/* Whole seconds are enough here. */
	buf[19] = 'Z';
	buf[20] = '\0';
	return buf;
}

static void print_line(void *ctx, const struct queue_read_line *line)
{
	size_t *n = ctx;
	char event[STR_TIME_LEN], due[STR_TIME_LEN];
	char target[TEXT_MAX], note[4 * TEXT_MAX];

	if ((*n)++ == 0)
		printf("%-28s %-8s %-20s %-8s %-20s %s\n", "TARGET", "STATE",
			"EVENT TIME", "ATTEMPTS", "NEXT", "JOB");
	printf("%-28s %-8s %-20s %-8lld %-20s %s\n",
		str_safe(str_from(line->target), target, sizeof(target)),
		queue_state_words[line->state & 3], time_text(line->time, event),
		(long long)line->attempt, time_text(line->due, due),
		line->job);
	if (line->note && *line->note)
		printf("  %s\n", str_safe(str_from(line->note), note,
					 sizeof(note)));
}

int list_queue(const struct conf *conf, int argc, char **argv)
{
	char *path = xprintf("%s/queue.db", conf->deployer.state);
	struct err err;
	struct db *db;
	int64_t notices = 0;
	size_t n = 0;
	int rc = -1;

	(void)argc;
	(void)argv;
	db = db_open(path, &queue_schema, true, &err);
	if (db)
		rc = queue_read_list(db, print_line, &n, &err);
	if (rc == 0)
		rc = queue_read_notices_n(db, &notices, &err);
	db_close(db);
	free(path);
	if (rc < 0) {
		fprintf(stderr, "the queue cannot be read: %s\n"
				"has a deployer run here with this "
				"configuration?\n", err.text);
		return 1;
	}
	printf("%zu job%s\n", n, n == 1 ? "" : "s");
	if (notices)
		printf("%lld notice%s not yet at a deployer that serves http\n",
			(long long)notices, notices == 1 ? "" : "s");
	return 0;
}
