#include "deployer/orders.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deployer/order.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define FILE_MAX ((size_t)4 << 20)
#define TEXT_MAX 1024
#define OPEN_MAX 256 /* orders of loggers that are not ended */

struct orders {
	struct deployer *d;
	char *folder;
	struct list open; /* struct order */
	size_t n_asked;   /* of them, a logger's */
};

struct order {
	struct list node;
	struct orders *of;
	const struct order_verb *verb;
	struct json *args;
	char *who;
	bool asked; /* by a logger, who gets the answer */
	struct chan_asker from;
};

/* ---- an order's life ------------------------------------------------------- */

const struct json *order_args(const struct order *o)
{
	return o->args;
}

const char *order_arg(const struct order *o, const char *name)
{
	return json_str(json_get(o->args, name));
}

const char *order_who(const struct order *o)
{
	return o->who;
}

static void order_free(struct order *o)
{
	list_remove(&o->node);
	o->of->n_asked -= o->asked;
	json_free(o->args);
	free(o->who);
	free(o);
}

static void tell(const struct order *o, struct msg_answer *a)
{
	outbox_answer(o->of->d->outbox, &o->from, a);
}

static char *text_of(const char *fmt, va_list ap)
	__attribute__((format(printf, 1, 0)));

static char *text_of(const char *fmt, va_list ap)
{
	char text[TEXT_MAX];

	vsnprintf(text, sizeof(text), fmt, ap);
	return xstrdup(text);
}

void order_done(struct order *o, struct json *body, const char *fmt, ...)
{
	struct msg_answer a = {.ok = true};
	struct strbuf json = {0};
	va_list ap;

	va_start(ap, fmt);
	a.text = text_of(fmt, ap);
	va_end(ap);
	/* What only tells is asked all the time. */
	if (body) {
		json_write(body, &json);
		a.body = strbuf_detach(&json);
	} else {
		log_info(NULL, "%s: %s", o->who, a.text);
	}
	if (o->asked)
		tell(o, &a);
	field_release(&answer_table, &a);
	json_free(body);
	order_free(o);
}

void order_refuse(struct order *o, const char *code, const char *fmt, ...)
{
	struct msg_answer a = {.code = xstrdup(code)};
	va_list ap;

	va_start(ap, fmt);
	a.text = text_of(fmt, ap);
	va_end(ap);
	if (o->asked)
		tell(o, &a);
	else
		log_warn(NULL, "%s: %s", o->who, a.text);
	field_release(&answer_table, &a);
	order_free(o);
}

static const struct order_verb *find_verb(struct str name)
{
	for (size_t i = 0; i < order_verbs_n; i++)
		if (str_is(name, order_verbs[i].name))
			return &order_verbs[i];
	return NULL;
}

static struct order *order_new(struct orders *of, const char *who)
{
	struct order *o = xcalloc(1, sizeof(*o));
	char safe[300];

	o->of = of;
	o->who = xstrdup(str_safe(str_from(who), safe, sizeof(safe)));
	list_push_back(&of->open, &o->node);
	return o;
}

/* args may be NULL: none are given. */
static void carry_out(struct order *o, struct str verb, const char *args)
{
	struct err err;
	char safe[64];

	o->verb = find_verb(verb);
	if (!o->verb) {
		order_refuse(o, ANSWER_UNKNOWN, "a deployer has no order `%s`",
			str_safe(verb, safe, sizeof(safe)));
		return;
	}
	if (args && !o->args)
		o->args = json_parse(str_from(args), NULL, &err);
	if (args && (!o->args || json_kind(o->args) != JSON_OBJECT)) {
		order_refuse(o, ANSWER_MALFORMED, "the arguments of %s are no "
			"JSON object%s%s", o->verb->name,
			o->args ? "" : ": ", o->args ? "" : err.text);
		return;
	}
	o->verb->run(o->of->d, o);
}

/* ---- a logger's ------------------------------------------------------------ */

void orders_asked(struct orders *of, const struct chan_asker *from,
	const struct msg_order *m)
{
	struct order *o = order_new(of, m->who ? m->who : "a logger");

	o->asked = true;
	o->from = *from;
	if (of->n_asked++ >= OPEN_MAX)
		order_refuse(o, ANSWER_FAILED, "too many orders are under way");
	else if (of->d->draining)
		order_refuse(o, ANSWER_FAILED, "this deployer is stopping");
	else
		carry_out(o, str_from(m->what), m->args);
}

/* ---- a file's -------------------------------------------------------------- */

static void carry_out_line(struct orders *of, struct str line)
{
	struct str rest = line, verb;
	const struct order_verb *v;
	struct order *o;
	char *text;

	if (line.n == 0)
		return;
	str_split(&rest, ' ', &verb);
	text = xmemdup0(rest.n ? rest.p : "", rest.n);
	v = find_verb(verb);
	o = order_new(of, "an order file");
	if (v && v->arg && rest.n && rest.p[0] != '{') {
		o->args = json_new_object();
		json_set_str(o->args, v->arg, text);
	}
	carry_out(o, verb, rest.n ? text : NULL);
	free(text);
}

static void carry_out_file(struct orders *o, const char *path)
{
	FILE *f = fopen(path, "r");
	struct strbuf sb = {.limit = FILE_MAX};
	struct str rest, line;
	char buf[4096];
	size_t n;

	if (!f) {
		log_limited(LOG_ERROR, path, "cannot be read: %s",
			strerror(errno));
		return;
	}
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(&sb, buf, n);
	fclose(f);
	rest = strbuf_str(&sb);
	/* First: a file that stays would be carried out every second. */
	if (unlink(path) < 0)
		log_limited(LOG_ERROR, path, "cannot be removed, so it is not "
			"carried out: %s", strerror(errno));
	else if (sb.failed)
		log_error(path, "has more than %zu bytes of orders", FILE_MAX);
	else
		while (str_split(&rest, '\n', &line))
			carry_out_line(o, line);
	strbuf_release(&sb);
}

void orders_tick(struct orders *o)
{
	DIR *dir = opendir(o->folder);
	const struct dirent *e;

	if (!dir && errno != ENOENT)
		log_limited(LOG_ERROR, o->folder, "cannot be read, so no order "
			"in it is carried out: %s", strerror(errno));
	if (!dir || o->d->draining) {
		if (dir)
			closedir(dir);
		return;
	}
	while ((e = readdir(dir))) {
		size_t n = strlen(e->d_name);
		char *path;

		if (n < 6 || strcmp(e->d_name + n - 6, ".order") != 0)
			continue;
		path = xprintf("%s/%s", o->folder, e->d_name);
		carry_out_file(o, path);
		free(path);
	}
	closedir(dir);
}

/* ---- life ------------------------------------------------------------------ */

struct orders *orders_new(struct deployer *d)
{
	struct orders *o = xcalloc(1, sizeof(*o));

	o->d = d;
	o->folder = xprintf("%s/orders", d->conf->deployer.state);
	/* Ours: of a folder that root made first we could read nothing. */
	if (mkdir(o->folder, 0700) < 0 && errno != EEXIST)
		log_error(o->folder, "cannot be created: %s", strerror(errno));
	list_init(&o->open);
	return o;
}

void orders_free(struct orders *o)
{
	if (!o)
		return;
	while (!list_empty(&o->open))
		order_free(CONTAINER_OF(o->open.next, struct order, node));
	free(o->folder);
	free(o);
}
