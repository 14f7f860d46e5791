/*
 * Rows of an access log, as matchers and deployers send them: through a link
 * to a logger, or as CSV with the columns in the order of the record's table.
 *
 *   feed ENDPOINT FROM ROWS    sends, waits for every ACK, prints seconds
 *   feed csv FROM ROWS         prints
 *
 * Row number i is the same whoever writes it: its time is i ms after
 * 2026-01-01, and every fourth has a request and a response.
 */
#include <inttypes.h>
#include <stdio.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/base/uid.h"
#include "proto/daemon/outbox.h"

#define EPOCH_MS INT64_C(1767225600000)
#define WINDOW 2048 /* rows without an ACK */

static const char *const statuses[] = {"deployed", "untriggered", "unchanged",
	"200", "deployed", "untriggered", "superseded", "200"};

static char *text(const char *fmt, int64_t n)
{
	return xprintf(fmt, (long long)n);
}

static void details(struct record *r, int64_t i)
{
	r->url = xstrdup("https://cs.example.com/hook/trigger?secret=***");
	r->request = text("{\"method\":\"POST\",\"headers\":{\"Content-Type\":"
		"\"application/json\",\"webhook-id\":\"%lld\"},\"body\":\"{"
		"\\\"push_data\\\":{\\\"tag\\\":\\\"v1\\\"},\\\"repository\\\":"
		"{\\\"repo_full_name\\\":\\\"shop/web\\\"}}\"}", i);
	r->response = xstrdup("{\"status\":200,\"headers\":{\"Content-Type\":"
		"\"application/json\"},\"body\":\"{}\"}");
}

static void make_row(struct record *r, int64_t i)
{
	char event[64], trigger[32], rare[16];
	uint32_t mix = (uint32_t)i * 2654435761u;
	const char *status = statuses[i % 8];
	struct event e = {.id = event, .source = (char *)(uintptr_t)"registry"};
	int64_t time = EPOCH_MS + i;

	snprintf(event, sizeof(event), "%08" PRIx64 "-%04" PRIx64 "-7%03x-8%03x-"
		"%012" PRIx64, (uint64_t)time >> 16, (uint64_t)time & 0xffff,
		mix & 0xfff, mix >> 20, (uint64_t)i & 0xffffffffffff);
	snprintf(trigger, sizeof(trigger), "app-%u", mix % 97 % (mix % 13 + 1));
	if (i % 1000 == 999)
		status = i % 2000 == 999 ? "failed" : "rolled_back";
	snprintf(rare, sizeof(rare), "%s", status);
	record_from_event(r, &e, trigger, 1, rare, time);
	r->repository = text("shop/app-%lld", mix % 300);
	r->tag = text("v1.%lld", mix % 5000);
	r->digest = xprintf("sha256:%056x%08x", 0, mix);
	r->final = true;
	r->reason = xstrdup("the new container runs and passed its gate");
	r->target = xprintf("container %s", trigger);
	r->attempts = 1;
	r->duration_ms = text("{\"arrival\":3,\"wait\":0,\"pull\":%lld,"
		"\"stop\":12,\"start\":80,\"gate\":5000,\"total\":9000}",
		mix % 4000);
	r->from_digest = xstrdup(r->digest);
	r->to_digest = xstrdup(r->digest);
	r->instance = xstrdup("deployer@bench");
	if (i % 4 == 3)
		details(r, i);
}

/* ---- CSV -------------------------------------------------------------------- */

static void print_text(const char *s)
{
	if (s == NULL)
		return;
	putchar('"');
	for (; *s != '\0'; s++) {
		if (*s == '"')
			putchar('"');
		putchar(*s);
	}
	putchar('"');
}

static void print_row(const struct record *r)
{
	for (size_t i = 0; i < record_table.n; i++) {
		const struct field *f = &record_table.fields[i];
		const char *p = (const char *)r + f->offset;

		if (i > 0)
			putchar(',');
		if (f->type == FIELD_I64)
			printf("%lld", (long long)*(const int64_t *)p);
		else if (f->type == FIELD_BOOL)
			putchar(*(const bool *)p ? '1' : '0');
		else
			print_text(*(char *const *)p);
	}
	putchar('\n');
}

/* ---- sending ------------------------------------------------------------------ */

struct feed {
	struct loop *loop;
	struct outbox *outbox;
	int64_t next, end, acked;
};

static void more(struct feed *f);

static void acked(void *ctx, const char *id)
{
	struct feed *f = ctx;

	(void)id;
	f->acked++;
	more(f);
	if (f->next == f->end && outbox_waiting(f->outbox) == 1)
		loop_stop(f->loop); /* this one is the last */
}

static void more(struct feed *f)
{
	while (f->next < f->end && outbox_waiting(f->outbox) < WINDOW) {
		struct record r = {0};

		make_row(&r, f->next++);
		outbox_put(f->outbox, &r, acked, f);
	}
}

static int send_rows(const char *endpoint, int64_t from, int64_t rows)
{
	char instance[32];
	struct feed f = {.loop = loop_new(), .next = from, .end = from + rows};
	struct outbox_config c = {.role = "deployer", .instance = instance,
		.logger = &endpoint, .n_logger = 1,
		.link = {.max_message = MSG_MAX, .role = "deployer",
			.server_role = "logger"}};
	struct err err = {0};
	int64_t start;

	snprintf(instance, sizeof(instance), "feed-%lld", (long long)from);
	f.outbox = outbox_open(f.loop, &c, &err);
	if (f.outbox == NULL) {
		fprintf(stderr, "feed: %s\n", err.text);
		return 1;
	}
	start = clock_mono();
	more(&f);
	loop_run(f.loop);
	printf("%.3f\n", (double)(clock_mono() - start) / 1000);
	outbox_close(f.outbox);
	loop_free(f.loop);
	return f.acked == rows ? 0 : 1;
}

int main(int argc, char **argv)
{
	int64_t from, rows;

	if (argc != 4 || str_to_i64(str_from(argv[2]), &from) < 0 ||
		str_to_i64(str_from(argv[3]), &rows) < 0) {
		fprintf(stderr, "usage: feed ENDPOINT|csv FROM ROWS\n");
		return 2;
	}
	if (strcmp(argv[1], "csv") != 0)
		return send_rows(argv[1], from, rows);
	for (int64_t i = from; i < from + rows; i++) {
		struct record r = {0};

		make_row(&r, i);
		print_row(&r);
		field_release(&record_table, &r);
	}
	return 0;
}
