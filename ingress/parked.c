#include "ingress/parked.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "ingress/rows.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/data/db.h"
#include "proto/io/loop_drop.h"

#define ASKED "release-"   /* an order; the event's id follows */
#define TAKEN "releasing-" /* the same, on its way to the disk */
#define TOLD_MAX 1000 /* rows of a start */
#define DIED "five matchers in a row died at once when they were given it alone"

/* ---- parking --------------------------------------------------------------- */

void parked_damaged(const struct dispatch_config *c,
	const struct spool_row *row)
{
	struct record r = {0};

	log_error(NULL, "event %lld: %s", (long long)row->seq, row->damage);
	rows_damaged(&r, row, clock_wall());
	outbox_observe(c->outbox, &r);
}

const char *parked_after(const struct dispatch_config *c,
	const struct event *e, unsigned deaths)
{
	struct record r = {0};

	log_warn(e->id, "a matcher died at once when it was given this event "
		"alone, number %u in a row", deaths);
	if (deaths < PARKED_DEATHS)
		return NULL;
	log_error(e->id, "parked: " DIED "; `pullwire-ingress release` gives "
		"it out again");
	rows_parked(&r, e, DIED, clock_wall());
	outbox_observe(c->outbox, &r);
	return DIED;
}

static void tell_again(void *ctx, struct spool_row *row, const char *reason)
{
	const struct dispatch_config *c = ctx;
	struct record r = {0};

	/* Without its id it would be a new row each time. */
	if (!row->id || !uid_valid(row->id))
		return;
	if (row->damage)
		rows_damaged(&r, row, clock_wall());
	else
		rows_parked(&r, &row->event, reason ? reason : DIED,
			clock_wall());
	outbox_observe(c->outbox, &r);
}

void parked_tell_again(const struct dispatch_config *c)
{
	struct dispatch_config to = *c;
	struct err err;

	if (spool_reader_parked(c->reader, TOLD_MAX, tell_again, &to, &err) < 0)
		log_warn(NULL, "what is parked is not told again: %s",
			err.text);
}

/* ---- releasing ------------------------------------------------------------- */

struct release {
	struct loop *loop;
	struct dispatch *dispatch;
	int64_t seq; /* 0: there is no such event */
	bool failed;
	char *asked, *taken; /* the order's names */
	char id[UID_LEN];
};

static void release_free(struct release *r)
{
	free(r->asked);
	free(r->taken);
	free(r);
}

static void released(void *ctx)
{
	struct release *r = ctx;

	if (r->failed) {
		log_limited(LOG_ERROR, "release", "event %s is not released "
			"yet: the spool cannot commit", r->id);
		(void)rename(r->taken, r->asked);
	} else if (r->seq == 0) {
		log_warn(r->id, "is not released: no such event is parked");
	} else {
		log_info(r->id, "released");
		dispatch_again(r->dispatch, r->seq);
	}
	if (!r->failed)
		(void)unlink(r->taken);
	release_free(r);
}

/* The loop has ended: the next start takes the order up again. */
static void dropped(void *ctx)
{
	release_free(ctx);
}

/* On the writer's thread. */
static void written(void *ctx, int64_t seq, const struct err *err)
{
	struct release *r = ctx;

	r->seq = seq;
	r->failed = err != NULL;
	loop_drop_post(r->loop, released, dropped, r);
}

static void carry_out(struct loop *l, struct spool *s, struct dispatch *d,
	const char *dir, const char *id)
{
	struct release *r = xcalloc(1, sizeof(*r));

	r->loop = l;
	r->dispatch = d;
	r->asked = xprintf("%s/" ASKED "%s", dir, id);
	r->taken = xprintf("%s/" TAKEN "%s", dir, id);
	snprintf(r->id, sizeof(r->id), "%s", id);
	if (!uid_valid(id)) {
		(void)unlink(r->asked);
	} else if (rename(r->asked, r->taken) == 0) {
		if (spool_release(s, r->id, written, r) == 0)
			return;
		(void)rename(r->taken, r->asked);
	}
	release_free(r);
}

/* Those are of a process that died on the way. */
void parked_start(const char *dir)
{
	DIR *folder = opendir(dir);
	struct dirent *e;

	while (folder && (e = readdir(folder)) != NULL) {
		char *taken, *asked;

		if (strncmp(e->d_name, TAKEN, strlen(TAKEN)) != 0)
			continue;
		taken = xprintf("%s/%s", dir, e->d_name);
		asked = xprintf("%s/" ASKED "%s", dir,
			e->d_name + strlen(TAKEN));
		(void)rename(taken, asked);
		free(taken);
		free(asked);
	}
	if (folder)
		closedir(folder);
}

void parked_tick(struct loop *l, struct spool *s, struct dispatch *d,
	const char *dir)
{
	DIR *folder = opendir(dir);
	struct dirent *e;

	while (folder && (e = readdir(folder)) != NULL)
		if (!strncmp(e->d_name, ASKED, strlen(ASKED)))
			carry_out(l, s, d, dir, e->d_name + strlen(ASKED));
	if (folder)
		closedir(folder);
}

/* ---- the commands ----------------------------------------------------------- */

static struct db *spool_file(const struct conf *conf, struct err *err)
{
	char *path = xprintf("%s/spool.db", conf->ingress.state);
	struct db *db = db_open(path, &spool_schema, true, err);

	free(path);
	if (!db)
		fprintf(stderr, "the spool cannot be read: %s\nhas an ingress "
			"run here with this configuration?\n", err->text);
	return db;
}

static void print(struct db_stmt *st)
{
	char at[STR_TIME_LEN], source[128], reason[256];

	printf("%s  accepted %s from %s\n  %s\n", db_col_str(st, 0),
		str_time(db_col_i64(st, 1), at),
		str_safe(str_from(db_col_str(st, 2)), source, sizeof(source)),
		str_safe(str_from(db_col_str(st, 3)), reason, sizeof(reason)));
}

int parked_run(const struct conf *conf, int argc, char **argv)
{
	struct err err = {0};
	struct db *db = spool_file(conf, &err);
	struct db_stmt *st = NULL;
	size_t n = 0;
	int rc = -1;

	(void)argc;
	(void)argv;
	if (!db)
		return 1;
	st = db_prepare(db, "select id, accepted_ms, source, reason from event"
		" where state = 'parked' order by seq", &err);
	while (st && (rc = db_step(st, &err)) == 1) {
		print(st);
		n++;
	}
	db_close(db);
	if (rc < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	printf("%zu parked event%s\n", n, n == 1 ? "" : "s");
	return 0;
}

int parked_release_run(const struct conf *conf, int argc, char **argv)
{
	char *path;
	int fd;

	if (argc != 2 || !uid_valid(argv[1])) {
		fprintf(stderr, "usage: pullwire-ingress release EVENT\n"
			"`pullwire-ingress parked` lists them\n");
		return 2;
	}
	path = xprintf("%s/" ASKED "%s", conf->ingress.state, argv[1]);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	else
		printf("%s is given out again within a second, if it is "
		       "parked\n", argv[1]);
	if (fd >= 0)
		close(fd);
	free(path);
	return fd < 0;
}
