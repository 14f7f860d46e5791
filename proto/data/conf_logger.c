/* Who may see the access log: the table of tokens, and its rules. */
#include "proto/data/conf_load.h"

#include "proto/base/enc.h"

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
		.flags = OPT_REQUIRED, .max = 64),
};
const struct opt_table conf_token_table = TABLE(struct conf_token, "tokens",
	token_opts, "Who may see the access log. The token itself is stored "
	"nowhere.");

static void check_token(struct conf_loader *l, const struct yaml *map,
	struct conf_token *t)
{
	unsigned char hash[ENC_SHA256_LEN];

	conf_check_name(l, map, "token", t->name, &t->where);
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
