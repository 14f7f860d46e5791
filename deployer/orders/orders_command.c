/* The commands that write orders. See orders.h. */
#include "deployer/orders/orders.h"

#include <errno.h>
#include <unistd.h>

#include "deployer/labels_command.h"
#include "deployer/orders/order_file.h"
#include "deployer/queue/queue_read.h"
#include "deployer/queue/queue_schema.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/data/db_file.h"

#define ANSWER_MS 5000

/* Whole or not at all: the daemon sees names that end in .order only. The
 * answer's path, to be freed; NULL: it is not written, and told. */
static char *write_order(const struct conf *conf, const struct strbuf *text)
{
	char id[UID_LEN];
	char *path = xprintf("%s/orders/%s", conf->deployer.state,
		uid_new(clock_wall(), id));
	char *ready = xprintf("%s" ORDER_FILE_ASKS, path), *answer = NULL;
	struct err err;
	FILE *f = NULL;

	if (db_file_folders(path, &err) < 0)
		goto out;
	f = fopen(path, "wx");
	if (!f || fwrite(text->buf, 1, text->len, f) != text->len ||
		fflush(f) != 0 || fsync(fileno(f)) < 0 ||
		rename(path, ready) < 0)
		err_fail(&err, "%s cannot be written: %s", ready,
			strerror(errno));
	else
		answer = xprintf("%s" ORDER_FILE_ANSWER, path);
	if (f)
		fclose(f);
out:
	if (!answer)
		fprintf(stderr, "%s\n", err.text);
	free(path);
	free(ready);
	return answer;
}

/* What the deployer says; the exit code. */
static int print_answer(FILE *f, const char *said)
{
	char line[2048];
	bool done = fgets(line, sizeof(line), f) &&
		strcmp(line, "done\n") == 0;

	if (done && said) {
		fputs(said, stdout);
		return 0;
	}
	while (fgets(line, sizeof(line), f))
		fputs(line, done ? stdout : stderr);
	return done ? 0 : 1;
}

/* said: what is printed when all is done; NULL: what the deployer says. */
static int wait_answer(const struct conf *conf, const char *path,
	const char *said)
{
	int64_t end = clock_mono() + ANSWER_MS;
	FILE *f;
	int code;

	while (!(f = fopen(path, "r")) && clock_mono() < end)
		clock_sleep(20);
	if (!f) {
		printf("%sasked for, but no deployer with the state %s has "
		       "answered yet: it is done when one runs. Look at "
		       "`pullwire-deployer queue` and the access log\n",
			said ? said : "", conf->deployer.state);
		return 0;
	}
	code = print_answer(f, said);
	fclose(f);
	unlink(path);
	return code;
}

/* Writes it, lets go of it, and waits for the answer; the exit code. */
static int ask(const struct conf *conf, struct strbuf *order,
	const char *said)
{
	char *path = write_order(conf, order);
	int code = path ? wait_answer(conf, path, said) : 1;

	free(path);
	strbuf_release(order);
	return code;
}

struct range {
	struct queue_read_filter filter;
	bool filtered;
	struct strbuf orders;
	size_t n;
};

static void add_job(void *ctx, const char *id)
{
	struct range *r = ctx;

	if (r->n++ < ORDERS_MAX)
		strbuf_addf(&r->orders, "redeliver %s\n", id);
}

/* The job of a row: EVENT/TRIGGER of EVENT/TRIGGER/ATTEMPT/STATUS. */
static int add_id(struct range *r, const char *text)
{
	struct str rest = str_from(text), event, trigger;
	char id[UID_LEN];

	if (str_split(&rest, '/', &event) &&
		str_split(&rest, '/', &trigger) && trigger.n &&
		event.n < sizeof(id)) {
		snprintf(id, sizeof(id), "%.*s", (int)event.n, event.p);
		if (uid_valid(id)) {
			r->n++;
			strbuf_addf(&r->orders, "redeliver %s/%.*s\n", id,
				(int)trigger.n, trigger.p);
			return 0;
		}
	}
	fprintf(stderr, "`%s` is no row's id: EVENT/TRIGGER/ATTEMPT/STATUS\n",
		text);
	return -1;
}

static int parse(struct range *r, int argc, char **argv)
{
	struct err err;

	r->filter.until = INT64_MAX;
	for (int i = 1; i < argc; i++) {
		bool option = strncmp(argv[i], "--", 2) == 0;
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (option && !value) {
			fprintf(stderr, "%s needs a value\n", argv[i]);
			return -1;
		}
		if (!option && add_id(r, argv[i]) < 0)
			return -1;
		if (!option)
			continue;
		if (orders_filter(&r->filter, argv[i] + 2, value, &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			return -1;
		}
		r->filtered = true;
		i++;
	}
	if (r->filtered == (r->n > 0)) {
		fprintf(stderr, "give ids of rows, or some of --trigger NAME, "
				"--status WORD, --since AGE, --until AGE\n");
		return -1;
	}
	return 0;
}

static int find_range(const struct conf *conf, struct range *r)
{
	char *path = xprintf("%s/queue.db", conf->deployer.state);
	struct err err;
	struct db *db = db_open(path, &queue_schema, true, &err);
	int rc = db ? queue_read_ended(db, &r->filter, add_job, r, &err)
		    : -1;

	if (rc < 0)
		fprintf(stderr, "the queue cannot be read: %s\n", err.text);
	db_close(db);
	free(path);
	return rc;
}

int orders_redeliver(const struct conf *conf, int argc, char **argv)
{
	struct range r = {0};
	char said[96];
	int code = 1;

	if (parse(&r, argc, argv) < 0) {
		code = 2;
	} else if (r.filtered && find_range(conf, &r) < 0) {
		;
	} else if (r.n == 0) {
		printf("nothing of that is here: notifications are kept for "
		       "30 days, redeploys for 7\n");
	} else if (r.n > ORDERS_MAX) {
		fprintf(stderr, "%zu are too many at once, %d is the most: "
				"narrow it with --since and --until\n", r.n,
			ORDERS_MAX);
	} else {
		snprintf(said, sizeof(said), "%zu job%s will be done again; see "
			"`pullwire-deployer queue`\n", r.n, r.n == 1 ? "" : "s");
		code = ask(conf, &r.orders, said);
	}
	strbuf_release(&r.orders);
	return code;
}

bool orders_is_about_job(const char *verb)
{
	static const char *const verbs[] = {
		"approve", "hold", "release", "retry", "cancel"};

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(verb, verbs[i]) == 0)
			return true;
	return false;
}

int orders_job(const struct conf *conf, int argc, char **argv)
{
	struct str rest = str_from(argc == 2 ? argv[1] : ""), event;
	struct strbuf order = {0};
	char id[UID_LEN] = "";

	if (str_split(&rest, '/', &event) && event.n < sizeof(id))
		snprintf(id, sizeof(id), "%.*s", (int)event.n, event.p);
	if (!uid_valid(id) || rest.n == 0 || rest.n > UID_TRIGGER_MAX ||
		str_find(rest, '/') != rest.n || str_find(rest, '\n') != rest.n) {
		fprintf(stderr, "queue %s JOB: give the job as "
				"`pullwire-deployer queue` shows it: "
				"EVENT/TRIGGER\n", argv[0]);
		return 2;
	}
	strbuf_addf(&order, "%s %s\n", argv[0], argv[1]);
	return ask(conf, &order, NULL);
}

int orders_enable(const struct conf *conf, int argc, char **argv)
{
	const struct conf_trigger *t =
		argc == 2 ? conf_poster(conf, argv[1]) : NULL;
	struct strbuf order = {0};

	if (!t) {
		fprintf(stderr, argc == 2 ? "%s is neither a trigger with a url nor "
					    "notify:NAME\n"
					  : "give a trigger's name%s\n",
			argc == 2 ? argv[1] : "");
		return 2;
	}
	strbuf_addf(&order, "enable %s\n", t->name);
	return ask(conf, &order, NULL);
}

static const struct conf_trigger *find_in(struct opt_list triggers,
	const char *text)
{
	CONF_EACH(triggers, const struct conf_trigger, i) {
		struct strbuf target = {0};
		struct str whole, name;
		bool is;

		conf_trigger_target(i, &target);
		whole = strbuf_str(&target);
		name = str_cut(whole, str_find(whole, ' ') + 1, whole.n);
		is = !i->url && (str_is(whole, text) || str_is(name, text));
		strbuf_release(&target);
		if (is)
			return i;
	}
	return NULL;
}

const struct conf_trigger *orders_find_target(const struct conf *conf,
	const char *text)
{
	const struct conf_trigger *t = conf_trigger(conf, text);

	if (t)
		return t->url ? NULL : t;
	t = find_in(conf->triggers, text);
	return t ? t : find_in(conf_labelled_triggers(conf), text);
}

/* The trigger's name, which the caller frees; NULL, and it is told why. */
static char *find_rollback(const struct conf *conf, const char *text)
{
	const struct conf_trigger *t = orders_find_target(conf, text);
	struct conf *labelled = NULL;
	struct err err = {0};
	char *name;

	if (!t) {
		labelled = labels_of_deployer(conf, &err);
		t = labelled ? orders_find_target(labelled, text) : NULL;
	}
	name = t ? xstrdup(t->name) : NULL;
	if (!t)
		fprintf(stderr, ORDERS_NO_TARGET "\n", text);
	if (!t && !labelled)
		fprintf(stderr, "what is known of labels cannot be read: %s\n",
			err.text);
	conf_free(labelled);
	return name;
}

int orders_rollback(const struct conf *conf, int argc, char **argv)
{
	struct strbuf order = {0};
	char *name = NULL;

	if (argc != 2)
		fprintf(stderr, "give a trigger that redeploys, or the "
				"container or the service that it is for\n");
	else
		name = find_rollback(conf, argv[1]);
	if (!name)
		return 2;
	strbuf_addf(&order, "rollback %s\n", name);
	free(name);
	return ask(conf, &order, NULL);
}
