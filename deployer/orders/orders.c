#include "deployer/orders/orders.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "deployer/orders/order.h"
#include "deployer/orders/order_file.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define FILE_MAX ((size_t)4 << 20)
#define TEXT_MAX 1024
#define ANSWER_S 60 /* so long an answer is there for who asked */
#define OPEN_MAX 256 /* orders of loggers that are not ended */

struct orders {
	struct deployer *d;
	char *folder;
	struct list files; /* struct order_file */
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
	struct order_file *file; /* NULL: a logger's */
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
	order_file_leave(o->file);
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
	if (o->file)
		order_file_tell(o->file, true, a.text);
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
	if (o->file)
		order_file_tell(o->file, false, a.text);
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

static void carry_out_line(struct orders *of, struct order_file *f,
	struct str line)
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
	o = order_new(of, "a command of pullwire-deployer");
	o->file = f;
	f->open++;
	if (v && v->arg && rest.n && rest.p[0] != '{') {
		o->args = json_new_object();
		json_set_str(o->args, v->arg, text);
	}
	carry_out(o, verb, rest.n ? text : NULL);
	free(text);
}

static bool repeats(struct str rest)
{
	const struct order_verb *v;
	struct str line, verb;

	while (str_split(&rest, '\n', &line)) {
		str_split(&line, ' ', &verb);
		v = find_verb(verb);
		if (v && !v->repeats)
			return false;
	}
	return true;
}

static int read_file(const char *path, struct strbuf *out)
{
	FILE *f = fopen(path, "r");
	char buf[4096];
	bool bad = f == NULL;
	size_t n;

	while (f && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(out, buf, n);
	if (bad || ferror(f)) { /* no half of an order is carried out */
		log_limited(LOG_ERROR, path, "cannot be read: %s",
			strerror(errno));
		bad = true;
	}
	if (f)
		fclose(f);
	return bad ? -1 : 0;
}

static void carry_out_file(struct orders *o, const char *path)
{
	struct order_file *f = order_file_find(&o->files, path);
	struct strbuf sb = {.limit = FILE_MAX};
	struct str rest, line;

	if (f) {
		if (f->open == 0 && order_file_remove(f) == 0)
			order_file_free(f);
		return;
	}
	if (read_file(path, &sb) < 0) {
		strbuf_release(&sb);
		return;
	}
	f = order_file_new(&o->files, path);
	rest = strbuf_str(&sb);
	if (sb.failed) {
		log_error(path, "has more than %zu bytes of orders", FILE_MAX);
		order_file_tell(f, false, "these are too many orders at once");
	}
	/* Before, so that no crash repeats it. */
	else if (repeats(rest) || order_file_remove(f) == 0)
		while (str_split(&rest, '\n', &line))
			carry_out_line(o, f, line);
	else
		order_file_tell(f, false, "the order's file cannot be removed");
	strbuf_release(&sb);
	order_file_leave(f);
}

/* Who waited for it is gone. */
static void remove_old(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && time(NULL) - st.st_mtime > ANSWER_S)
		unlink(path);
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
		struct str name = str_from(e->d_name);
		char *path = xprintf("%s/%s", o->folder, e->d_name);

		if (str_ends(name, STR(ORDER_FILE)))
			carry_out_file(o, path);
		else if (str_ends(name, STR(ORDER_FILE_ANSWER)))
			remove_old(path);
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
	list_init(&o->files);
	return o;
}

void orders_free(struct orders *o)
{
	if (!o)
		return;
	/* What is not ended is the next process's: its files stay. */
	LIST_EACH(&o->open, node)
		CONTAINER_OF(node, struct order, node)->file = NULL;
	while (!list_empty(&o->open))
		order_free(CONTAINER_OF(o->open.next, struct order, node));
	while (!list_empty(&o->files))
		order_file_free(CONTAINER_OF(o->files.next, struct order_file, node));
	free(o->folder);
	free(o);
}
