/* The logger's tables, and the rules over several of their keys. */
#include "proto/data/conf_load.h"

#include "proto/base/enc.h"

const char *const conf_log_formats[] = {"auto", "text", "json", NULL};
static const char *const shown_words[] = {
	"viewers", "all", "nobody", NULL}; /* enum conf_shown */
const char *const conf_roles[] = {"viewer", "operator", NULL};

static const struct opt token_opts[] = {
	KEY(struct conf_token, name, OPT_STR, NULL,
		"Whose it is: unique; shown, and written to the deployer's "
		"log with what was asked.",
		.flags = OPT_REQUIRED, .max = 64),
	KEY(struct conf_token, role, OPT_ENUM, "viewer",
		"`viewer` sees all; `operator` may also redeliver, approve, "
		"hold, cancel and roll back.",
		.words = conf_roles),
	KEY(struct conf_token, sha256, OPT_STR, NULL,
		"SHA-256 of the token. `pullwire-logger token NAME` makes a "
		"token and prints this.",
		.max = 64),
	KEY(struct conf_token, client_cert, OPT_STRS, NULL,
		"Who shows this TLS certificate needs no token: its SHA-256, or "
		"a name in it that `logger.tls.client_ca` vouches for, as in "
		"`auth` of a source.",
		.max = 255),
};
static const struct opt_table token_table = TABLE(struct conf_token, "tokens",
	token_opts, "Who may see the access log. The token itself is stored "
	"nowhere.");

static const struct opt logger_opts[] = {
	KEY(struct conf_logger, http, OPT_STR, "127.0.0.1:8081",
		"Where the page and the API are served. Beyond this machine "
		"only with `tokens`, and with `tls` or `plain_http`.",
		.flags = OPT_RESTART),
	KEY(struct conf_logger, tokens, OPT_LIST, NULL,
		"Who may see the access log, and who may do something. "
		"Without: everybody on this machine may see it and nobody may "
		"do anything.",
		.sub = &token_table, .flags = OPT_RESTART),
	KEY(struct conf_logger, hosts, OPT_STRS, NULL,
		"Names that the page is reached by, beside `localhost` and "
		"addresses. A request for another name is refused.",
		.max = 64, .flags = OPT_RESTART),
	KEY(struct conf_logger, tls, OPT_SUB, NULL, "TLS there.",
		.sub = &conf_tls_table, .flags = OPT_RESTART),
	KEY(struct conf_logger, plain_http, OPT_BOOL, "false",
		"Serves plain HTTP beyond this machine: for a proxy in front "
		"that ends TLS, or a container's port that is published on "
		"loopback only.",
		.flags = OPT_RESTART),
	KEY(struct conf_logger, metrics, OPT_ENUM, "viewers",
		"Who gets `/metrics`: `viewers` (whoever may see the access "
		"log), `all` or `nobody`. It says nothing of what was pushed.",
		.words = shown_words, .flags = OPT_RESTART),
	KEY(struct conf_logger, health, OPT_ENUM, "all",
		"Who gets `/healthz` and `/readyz`, likewise.",
		.words = shown_words, .flags = OPT_RESTART),
	KEY(struct conf_logger, link, OPT_STR, "ipc:///run/pullwire/logger",
		"Where the other processes connect.",
		.flags = OPT_RESTART),
	KEY(struct conf_logger, store, OPT_STR,
		"sqlite:/var/lib/pullwire/log.db",
		"The access log's store: `sqlite:/PATH/log.db`, or "
		"`postgresql://USER@HOST/DATABASE`, which several loggers may "
		"share. The latter as libpq reads it, `?sslmode=verify-full` "
		"included.",
		.flags = OPT_RESTART),
	KEY(struct conf_logger, store_password, OPT_SECRET, NULL,
		"PostgreSQL's password; goes before one in the URL.",
		.flags = OPT_RESTART),
	KEY(struct conf_logger, format, OPT_ENUM, "auto",
		"Of the rows on standard output; `auto` is `text` on a "
		"terminal, else `json`.",
		.words = conf_log_formats),
	KEY(struct conf_logger, retain, OPT_DURATION, "90d",
		"Rows older than this are deleted.", .min = HOUR,
		.max = 3650 * DAY),
	KEY(struct conf_logger, retain_size, OPT_SIZE, "1GiB",
		"The oldest rows are deleted while all take more than this, "
		"indexes included; with PostgreSQL, about this.",
		.min = (int64_t)16 << 20, .max = (int64_t)1 << 50),
	KEY(struct conf_logger, keys, OPT_STR, NULL, KEYS_HELP,
		.flags = OPT_RESTART),
};
const struct opt_table conf_logger_table = TABLE(struct conf_logger,
	"logger", logger_opts, "Keeps and shows what happened.");

static void check_token(struct conf_loader *l, const struct yaml *map,
	struct conf_token *t)
{
	unsigned char hash[ENC_SHA256_LEN];

	conf_check_name(l, map, "token", t->name, &t->where);
	if (!t->sha256 && t->client_cert.n == 0)
		FAULT(map, "name", "token `%s` has neither `sha256` nor "
			"`client_cert`: nobody could use it; `pullwire-logger "
			"token NAME` makes one", t->name ? t->name : "");
	conf_check_client_cert(l, map, "logger", &l->conf->logger.tls,
		&t->client_cert);
	if (t->sha256 &&
		enc_unhex(str_from(t->sha256), hash, sizeof(hash)) < 0)
		FAULT(map, "sha256", "sha256: not the SHA-256 of a token: 64 "
			"hexadecimal digits; `pullwire-logger token NAME` "
			"makes one");
}

void conf_check_logger(struct conf_loader *l, const struct yaml *map)
{
	struct conf_logger *c = &l->conf->logger;
	const struct yaml *list = yaml_get(map, "tokens");
	const struct yaml *item = list ? list->first : NULL;

	CONF_EACH(c->tokens, struct conf_token, t) {
		check_token(l, item ? item : map, t);
		item = item ? item->next : NULL;
	}
	for (size_t i = 0; i < c->hosts.n; i++) {
		const char *name = c->hosts.v[i];

		if (!*name || strpbrk(name, "/: \t@"))
			FAULT(map, "hosts", "hosts: `%s` is no host's name: "
				"no scheme, no port, no path", name);
	}
}
