/*
 * engines: their table, and the forms of an engine's address: those of
 * DOCKER_HOST (docs.docker.com/reference/cli/docker) that need no other
 * program. Only the deployer's environment has a DOCKER_CERT_PATH, so that a
 * tcp address has TLS is its own check (target.h).
 */
#include "proto/data/conf_load.h"

#include "proto/base/mem.h"

#define UNIX STR("unix://")
#define TCP STR("tcp://")
#define DEFAULT_SOCKET "unix:///var/run/docker.sock"

static const struct opt tls_opts[] = {
	KEY(struct conf_engine_tls, ca, OPT_STR, NULL,
		"File (PEM) with the roots that the engine's certificate is "
		"verified against. Without: the system's.",
		.max = 4096),
	KEY(struct conf_engine_tls, cert, OPT_STR, NULL,
		"File (PEM) with the certificate that we show.",
		.flags = OPT_REQUIRED, .max = 4096),
	KEY(struct conf_engine_tls, key, OPT_STR, NULL,
		"File (PEM) with its private key.",
		.flags = OPT_REQUIRED, .max = 4096),
};
static const struct opt_table tls_table = TABLE(struct conf_engine_tls,
	"engines[].tls", tls_opts,
	"How an engine and we prove to each other who we are.");

static const struct opt engine_opts[] = {
	KEY(struct conf_engine, name, OPT_STR, NULL,
		"Unique; also the name of its lane.",
		.flags = OPT_REQUIRED, .max = 64),
	KEY(struct conf_engine, docker, OPT_STR, NULL,
		"Address of a Docker Engine: `unix:///var/run/docker.sock`, or "
		"`tcp://HOST[:2376]` with `tls`. `${DOCKER_HOST}` is fine.",
		.flags = OPT_REQUIRED, .max = 255),
	KEY(struct conf_engine, tls, OPT_SUB, NULL,
		"Of a tcp address. Without: `ca.pem`, `cert.pem` and `key.pem` "
		"of the folder `DOCKER_CERT_PATH`.",
		.sub = &tls_table, .flags = OPT_RESTART),
	KEY(struct conf_engine, insecure, OPT_BOOL, "false",
		"tcp without TLS, port 2375: whoever is on the network between "
		"is root at the engine. Only for a network that is yours "
		"alone.", .flags = OPT_RESTART),
	KEY(struct conf_engine, docker_config, OPT_STR, NULL,
		"As `deployer.docker_config`, for pulls of this engine.",
		.flags = OPT_RESTART, .max = 4096),
	KEY(struct conf_engine, pull_stall, OPT_DURATION, "5m",
		"A pull that the engine tells nothing new of for so long is "
		"given up, and tried again.",
		.min = 1000, .max = 24 * 3600 * 1000, .flags = OPT_RESTART),
	KEY(struct conf_engine, labels, OPT_BOOL, "true",
		"A container with the label `pullwire.enable=true` has a "
		"trigger of its own: its image's repository, and every key of a "
		"trigger as a label (`pullwire.expression`, `pullwire.tags`). "
		"[LABELS.md](LABELS.md) tells more.",
		.flags = OPT_RESTART),
	KEY(struct conf_engine, watchtower_labels, OPT_BOOL, "false",
		"Labels of Watchtower (`com.centurylinklabs.watchtower.enable`, "
		"`monitor-only`, `cooldown-delay`, `stop-signal`, "
		"`lifecycle.*`) mean the same, as "
		"[LABELS.md](LABELS.md#watchtowers-labels) says.",
		.flags = OPT_RESTART),
};
const struct opt_table conf_engine_table = TABLE(struct conf_engine,
	"engines[]", engine_opts, "Where applications run.");

/* ---- checks -------------------------------------------------------------- */

static void check_tls(struct conf_loader *l, const struct yaml *map,
	const struct conf_engine *e, bool tcp)
{
	bool told = yaml_get(map, "tls") != NULL;

	if (!tcp && (told || e->insecure))
		FAULT(map, told ? "tls" : "insecure",
			"%s: only an engine at a tcp address has it",
			told ? "tls" : "insecure");
	else if (told && e->insecure)
		FAULT(map, "insecure", "insecure: means without `tls`; take "
				       "one of both out");
}

/* HOST, HOST:PORT, [V6] or [V6]:PORT; the port filled in. */
static char *tcp_address(struct str s, const char *port)
{
	static const char host[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	size_t end = s.n > 0 && s.p[0] == '[' ? str_find(s, ']') + 1
					      : str_find(s, ':');
	struct str number = str_cut(s, end + 1, s.n);
	int64_t n;

	if (end == 0 || end > s.n)
		return NULL;
	if (s.p[0] == '[' ? end < 4 || strspn(s.p + 1, "0123456789abcdef"
					"ABCDEF:.") != end - 2
			  : strspn(s.p, host) != end)
		return NULL;
	if (end == s.n)
		return xprintf("tcp://%s:%s", s.p, port);
	if (s.p[end] != ':' || str_to_i64(number, &n) != 0 || n < 1 ||
		n > 65535)
		return NULL;
	return xprintf("tcp://%s", s.p);
}

static const char *hint(const char *address)
{
	if (strncmp(address, "ssh://", 6) == 0)
		return "; ssh is not spoken: forward the engine's socket with "
		       "`ssh -L` and give the path of that";
	return "";
}

void conf_check_engine(struct conf_loader *l, const struct yaml *map,
	struct conf_engine *e)
{
	struct str s = str_from(e->docker);
	char *form = NULL;

	conf_check_name(l, map, "engine", e->name, &e->where);
	if (e->name && strcmp(e->name, "http") == 0)
		FAULT(map, "name", "name: `http` is the lane of trigger URLs; "
				   "give the engine another name");
	if (!e->docker)
		return;
	if (str_eq(s, UNIX))
		form = xstrdup(DEFAULT_SOCKET);
	else if (str_starts(s, UNIX) && s.p[UNIX.n] == '/')
		form = xstrdup(e->docker);
	else if (str_starts(s, TCP))
		form = tcp_address(str_cut(s, TCP.n, s.n),
			e->insecure ? "2375" : "2376");
	if (!form) {
		FAULT(map, "docker", "docker: `%s` is no engine address; write "
			"unix:///PATH/OF/docker.sock or tcp://HOST:PORT%s",
			e->docker, hint(e->docker));
		return;
	}
	check_tls(l, map, e, str_starts(s, TCP));
	free(e->docker);
	e->docker = form;
}
