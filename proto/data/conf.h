/*
 * Pullwire's configuration: one file plus triggers.d/ *.yml beside it, read
 * whole by each of the four processes. Every fault is reported at once with
 * file:line. What a trigger may say lives in the tables of conf_tables.c,
 * which also print docs/CONFIG.md.
 */
#ifndef PROTO_DATA_CONF_H
#define PROTO_DATA_CONF_H

#include <stdatomic.h>

#include "proto/data/conf_sections.h"

#define CONF_GENERATION_LEN 17 /* 16 hex digits and the NUL */

struct conf {
	struct opt_where where;
	struct opt_list sources;  /* struct conf_source */
	struct opt_list triggers; /* struct conf_trigger */
	struct opt_list engines;  /* struct conf_engine */
	struct opt_list notify;   /* struct conf_notify */
	struct conf_ingress ingress;
	struct conf_deployer deployer;
	struct conf_logger logger;
	struct conf_matcher matcher;
	struct opt_strs trusted_proxies; /* addresses and networks */
	char *run; /* folder of the processes' status files */
	int log_level; /* enum log_level */
	int log_format; /* conf_own_log_formats[]: text json */
	int links;     /* enum conf_links */
	char *path;    /* the file this came from */
	const struct yaml *root; /* its tree, while a check looks at it */
	struct opt_strs files; /* and all others: what the wheres point to */
	/* What this is: the same for the same content, wherever it is read. */
	char generation[CONF_GENERATION_LEN];
	uint64_t fixed; /* hash of all that needs a restart in each process */
	/* Of the secrets' values: never shown, since it could be guessed at. */
	uint64_t secrets;
	struct opt_strs secret_files; /* what `K_file` keys name */
	uint64_t engines_hash;
	atomic_uint refs;
	struct map *names; /* "trigger web" -> its struct; for the look-ups */
	struct map *windows; /* text -> struct window; conf_window_next() */
	struct conf_labelled *labelled; /* or NULL; conf_with_labels() */
};

enum conf_links {
	LINKS_PROTECTED, /* ipc, loopback, or tcp with keys; nothing else */
	LINKS_PLAIN,	 /* tcp without keys: the network itself is trusted */
};

/*
 * Reads FILE and triggers.d beside it. NULL with every fault in errs; a conf
 * that is returned has passed all checks: unique names, known engines, valid
 * URLs and ports. The caller frees it with conf_free().
 */
struct conf *conf_load(const char *path, struct opt_errors *errs);
/* As conf_load(), and check adds what only its process can see, so that every
 * fault is told at once. It also sees a conf that has faults: any text in it
 * may be NULL, and errs then holds those faults. */
struct conf *conf_load_checked(const char *path,
	void (*check)(const struct conf *conf, struct opt_errors *errs),
	struct opt_errors *errs);
/* As conf_load(), but only what a running process never reads again: without
 * sources, triggers, engines and notify, and whatever faults those have. */
struct conf *conf_load_standing(const char *path, struct opt_errors *errs);
/* The folder `run` of a file, be it as faulty as may be, so that a process that
 * runs on what it read before is found. The caller's, to free(). */
char *conf_run(const char *path);
/* For such a check: where the file has the key of a section, else the section;
 * 0 without. */
size_t conf_line(const struct conf *c, const char *section, const char *key);
/* One more reference to it; conf_free() drops one, the last one frees. Any
 * thread. */
struct conf *conf_ref(const struct conf *c);
void conf_free(struct conf *c); /* NULL is fine */
/* A number that changes when one of its files does: written, replaced, added
 * or gone. Never 0. */
uint64_t conf_files_state(const char *path);

#define CONF_EACH(list, type, item) \
	for (type *item = (list).v, *item##_end = item + (list).n; \
		item != item##_end; item++)

/*
 * Triggers that containers have as labels. A set is the JSON text of one
 * engine's:
 *   {"engine":"local","triggers":[{"from":"container web","name":"web",
 *     "repository":"shop/web","deploy":{"container":"web"},
 *     "labels":{"expression":"v.*","tags":"a,b","same_tag_only":"true"}}]}
 * where labels has keys of a trigger and of its `deploy`; a list is an array, or
 * a text that is split at commas. Returned is what says all that base says and
 * has these triggers, too.
 * What is at fault is told in errs and left out alone; so is one whose name a
 * trigger of base has already. The caller frees it; base may itself be such a
 * one, then its labels count no more.
 */
struct conf *conf_with_labels(const struct conf *base,
	const char *const *sets, size_t n, struct opt_errors *errs);
/* Those triggers; empty without any. */
struct opt_list conf_labelled_triggers(const struct conf *c);
/* Which sets they are, as generation; "" without. */
const char *conf_labelled_generation(const struct conf *c);

const struct conf_source *conf_source(const struct conf *c, struct str name);
const struct conf_trigger *conf_trigger(const struct conf *c, const char *name);
const struct conf_engine *conf_engine(const struct conf *c, const char *name);
/* Where notices of this name, "notify:NAME" or "notify:NAME:...", are posted
 * to; NULL when it is no such name or not configured. */
const struct conf_trigger *conf_notify(const struct conf *c, const char *name);
/* A trigger with a URL, or as conf_notify(). */
const struct conf_trigger *conf_poster(const struct conf *c, const char *name);

/*
 * Does the pattern (a full name, or a glob with * within and ** across
 * slashes; a registry's host may stand before it) name the repository of that
 * registry (NULL: not known)? As in Docker's references a first component
 * with a dot, a colon or the name localhost is a host; "nginx" is
 * "docker.io/library/nginx". A pattern without host takes any registry's, one
 * with host none that is not known. Pure.
 */
bool conf_repository_match(const char *pattern, const char *registry,
	const char *repository);
/* now (UTC ms) when one of the trigger's windows is open or it has none, else
 * when the first opens, UTC ms. The trigger is one of c. Any thread. */
int64_t conf_window_next(const struct conf *c, const struct conf_trigger *t,
	int64_t now);
/* Bytes of the host that a reference or pattern begins with, or 0. */
size_t conf_host_len(const char *reference);
/* Is it one of Docker Hub's hosts? */
bool conf_host_is_hub(struct str host);
/* "library/nginx" without its "library/", any other name as it is. */
const char *conf_short_name(const char *repository);
/* docs/CONFIG.md */
void conf_print_markdown(struct strbuf *out);

#endif
