/*
 * What each section of the file says, as structs: sources, triggers, engines,
 * notify, and one for each process. The option tables fill them (conf_tables.c
 * and its siblings); conf.h has the whole.
 */
#ifndef PROTO_DATA_CONF_SECTIONS_H
#define PROTO_DATA_CONF_SECTIONS_H

#include "proto/data/opt.h"
#include "proto/data/url.h"

#define CONF_TAGS_MAX 10
#define CONF_NAME_LEN 65 /* of a source, trigger or engine, with the NUL */
#define CONF_EXPRESSION_MAX 512 /* bytes */

/* A header whose whole value is a secret. */
struct conf_auth_header {
	struct opt_where where;
	char *name; /* NULL: the method is not used */
	struct opt_secrets secret;
};

/* A header with the body's HMAC. */
struct conf_auth_hmac {
	struct opt_where where;
	int preset;   /* the others are filled from it at load */
	char *header; /* NULL: the method is not used */
	char *prefix; /* before the code; NULL: none */
	int encoding; /* enum conf_hmac_encoding */
	int algorithm; /* enum enc_hash */
	struct opt_secrets secret;
};

enum conf_hmac_encoding { HMAC_HEX, HMAC_BASE64 };

struct conf_auth {
	struct opt_where where;
	struct opt_secrets bearer;    /* Authorization: Bearer … */
	struct opt_secrets url_token; /* token= or secret= in the query */
	struct opt_secrets basic;     /* USER:PASSWORD */
	struct conf_auth_header header;
	struct conf_auth_hmac hmac;
	struct opt_secrets standard_webhooks; /* whsec_… */
	struct opt_strs client_cert; /* "sha256:HEX", or a name */
	bool none; /* nothing is asked for */
};

#define CONF_SECRET_MAX 512 /* bytes of what is compared as it was sent */
#define CONF_WHSEC "whsec_"

enum conf_source_type {
	SOURCE_DISTRIBUTION, SOURCE_DOCKERHUB, SOURCE_ALIYUN, SOURCE_HARBOR,
	SOURCE_QUAY, SOURCE_GITHUB, SOURCE_GITLAB, SOURCE_GITEA, SOURCE_AZURE,
	SOURCE_ECR, SOURCE_GAR, SOURCE_JFROG, SOURCE_NEXUS, SOURCE_TENCENT,
	SOURCE_ZOT, SOURCE_MSR, SOURCE_CLOUDEVENTS, SOURCE_GENERIC, SOURCE_AUTO,
};

struct conf_source {
	struct opt_where where;
	char *name;
	int type; /* enum conf_source_type; conf_source_types[] has the words */
	struct conf_auth auth;
	char *registry;
	struct opt_strs registry_map; /* "FROM=TO", both HOST[:PORT][/PATH] */
	char *region;
	struct opt_strs allow; /* addresses and networks; empty: any */
	int64_t rate, burst;   /* requests a second, and at once */
	int64_t answer_within; /* ms; 0: by the type */
	char *topic; /* ARN of an SNS topic; type ecr */
	int verify;    /* enum conf_verify */
	bool insecure; /* its registry is asked without TLS */
	bool enabled;
};

extern const char *const conf_source_types[];

enum conf_verify { VERIFY_AUTO, VERIFY_REGISTRY, VERIFY_NONE };

/* Is a push of it only a hint, that its registry must confirm? So where it
 * says, and of itself where a sender proves nothing but that it knows the URL
 * (url_token), or nothing at all. */
bool conf_source_verifies(const struct conf_source *s);

struct conf_deploy {
	struct opt_where where;
	char *container; /* NAME */
	char *compose;   /* PROJECT/SERVICE */
	char *service;   /* NAME, of a Swarm */
	/* Which containers of it: */
	bool same_tag_only, no_downgrade;
	int pinned;  /* enum conf_pinned */
	int stopped; /* enum conf_stopped */
	bool force;  /* though they run that image */
	int order; /* enum conf_order */
	bool allow_shared_rw, alias_after_health;
	int64_t drain; /* ms */
	int missing_image; /* enum conf_missing */
	int64_t rollback_timeout; /* ms */
	int64_t keep_failed;      /* ms; 0: removed at once */
	struct opt_strs pre_hook, post_hook; /* commands inside, or empty */
	struct opt_strs pre_check, post_check;
	int64_t hook_timeout, check_timeout; /* ms */
	char *hook_user; /* USER[:GROUP] of all four; NULL: the container's */
	char *stop_signal; /* name or number; NULL: the container's own */
	bool self_update; /* also the container that the deployer runs in */
	bool compose_files; /* run Compose, where its files can be read */
	bool cleanup; /* remove images that nobody needs any more */
	struct opt_strs keep_env; /* names */
	struct opt_strs restart_after; /* NAME or PROJECT/SERVICE */
};

enum conf_pinned { PINNED_AUTO, PINNED_SKIP, PINNED_REPLACE };
enum conf_order { ORDER_STOP_FIRST, ORDER_START_FIRST };
enum conf_missing { MISSING_REFUSE, MISSING_KEEP_ALL };
enum conf_stopped { STOPPED_SKIP, STOPPED_RECREATE, STOPPED_START };

enum conf_trigger_type { TRIGGER_ALL, TRIGGER_TAG_LIST, TRIGGER_TAG_REG_EXP };

struct conf_trigger {
	struct opt_where where;
	char *name;
	char *repository; /* [HOST/] and a full name or a glob */
	char *expression; /* whole tag; NULL */
	struct opt_strs tags; /* 1 to 10, or empty */
	int type; /* with tag: read into expression or tags */
	struct opt_strs tag;
	char *exclude; /* whole tag; NULL */
	char *semver;  /* a range (semver.h); NULL */
	struct conf_deploy deploy;
	char *url; /* deploy or url, never both */
	struct opt_secrets secret; /* of url: what notifications are signed by */
	struct opt_strs headers;   /* of url: "Name: value" */
	char *engine; /* of deploy; default: the only engine */
	int64_t health_timeout; /* ms; 0: worked out from the healthcheck */
	int64_t grace; /* ms that a container without healthcheck must stay up */
	int64_t min_age; /* ms since the push */
	struct opt_strs window; /* when it may be done (window.h); empty: any
				   time */
	bool newer_only; /* of what was done last */
	bool digest_changed; /* since then */
	struct opt_strs platforms; /* of the image, "linux/arm64"; empty: any */
	bool approve;    /* a person must say so */
	bool dry_run;    /* nothing is done, only told */
	size_t expression_line, exclude_line; /* for compile errors */
	/* Not NULL: this is no trigger of the file but where its notices are
	 * posted to. */
	const struct conf_notify *notify;
};

enum conf_notify_format {
	NOTIFY_WEBHOOK, NOTIFY_SLACK, NOTIFY_DISCORD, NOTIFY_TEAMS,
	NOTIFY_MATRIX, NOTIFY_NTFY,
};

#define CONF_NOTIFY_NAME_MAX 32
#define CONF_NOTIFY "notify:" /* the rows' trigger: notify:NAME:TRIGGER */

/* Who is told how redeploys ended. */
struct conf_notify {
	struct opt_where where;
	char *name;
	int format; /* enum conf_notify_format */
	struct opt_strs on;       /* of conf_notify_outcomes; empty: all */
	struct opt_strs triggers; /* names, patterns with *; empty: all */
	char *template; /* NULL: the format's own words */
	/* What the http lane posts by: `url`, `secret`, `headers`, and the
	 * name notify:NAME. */
	struct conf_trigger as;
	char key[sizeof(CONF_NOTIFY) + CONF_NOTIFY_NAME_MAX];
};

/* NULL at the end: outcomes that are told; what a template may name. */
extern const char *const conf_notify_outcomes[], *const conf_notify_fields[];

/*
 * The next piece of a template: text as it stands, or the name of a field
 * ("{{tag}}"), the other is empty. False at the end, and -- with err -- at
 * what is neither.
 */
bool conf_template_next(struct str *rest, struct str *text, struct str *field,
	struct err *err);
/* Is this outcome of this trigger's redeploys told there? */
bool conf_notify_wants(const struct conf_notify *n, const char *trigger,
	const char *outcome);

/* Tables with the words of the enums above, and the whole for the manual. */
extern const struct opt_table conf_table, conf_fragment_table,
	conf_trigger_table;

/* A file of triggers.d: triggers only. */
struct conf_fragment {
	struct opt_where where;
	struct opt_list triggers;
};

/* The trigger's lane: "http" or the engine's name. */
const char *conf_trigger_lane(const struct conf_trigger *t);
/* "container web", "compose shop/web", "service web" or "url"; for rows. */
void conf_trigger_target(const struct conf_trigger *t, struct strbuf *out);
/* Its URL for rows: the query's values as ***; where notices go all but the
 * host, since chats have their secrets in the path. */
void conf_trigger_url(const struct conf_trigger *t, struct strbuf *out);

/* Files (PEM) by which an engine and we know each other. */
struct conf_engine_tls {
	struct opt_where where;
	char *ca; /* NULL: the system's roots */
	char *cert, *key; /* both; NULL: DOCKER_CERT_PATH's */
};

struct conf_engine {
	struct opt_where where;
	char *name;
	char *docker; /* unix:///PATH or tcp://HOST:PORT, the port filled in */
	struct conf_engine_tls tls;
	bool insecure; /* tcp without TLS */
	char *docker_config; /* path; NULL: deployer's own */
	int64_t pull_stall;  /* ms */
	bool labels;            /* containers may have triggers as labels */
	bool watchtower_labels; /* and Watchtower's mean the same */
};

struct conf_tls {
	struct opt_where where;
	char *cert, *key; /* files; NULL: no TLS */
	char *client_ca;  /* or NULL */
};

struct conf_ingress {
	struct opt_where where;
	char *http;  /* "0.0.0.0:8080" */
	struct conf_tls tls;
	char *link;  /* where the link binds: ipc:// or tcp:// */
	char *state; /* folder */
	int64_t max_body; /* bytes */
	int64_t max_per_address; /* connections; 0: any number */
	char *url;   /* what senders reach it by, or NULL */
	struct opt_secrets trigger_key; /* of trigger URLs; empty: kept in state */
	char *keys;  /* folder of link keys, or NULL; here and below */
};

struct conf_deployer {
	struct opt_where where;
	char *link;
	struct opt_strs lanes; /* default: http and every engine */
	char *state;
	int64_t max_http;   /* deliveries under way at once */
	int64_t max_deploys; /* redeploys under way at once, all engines */
	struct opt_strs schedule; /* waits between attempts at a trigger URL,
				     durations; empty: retry.h's own */
	struct opt_strs allow_private; /* "CIDR:PORT" that URLs may lead to */
	char *docker_config; /* path; NULL: where the docker CLI has it */
	char *proxy; /* http://HOST:PORT that posts go through, or NULL */
	struct opt_strs notices; /* links of the deployers that serve http */
	char *keys;
};

enum conf_role { ROLE_VIEWER, ROLE_OPERATOR };

/* Who may see the access log, and who may also do something. */
struct conf_token {
	struct opt_where where;
	char *name;   /* unique */
	int role;     /* enum conf_role; conf_roles[] has the words */
	char *sha256; /* of the token, 64 hexadecimal digits; or NULL */
	struct opt_strs client_cert; /* as of a source */
};

extern const char *const conf_roles[];

enum conf_shown { SHOWN_VIEWERS, SHOWN_ALL, SHOWN_NOBODY };

struct conf_logger {
	struct opt_where where;
	char *http;
	struct opt_list tokens; /* struct conf_token */
	struct opt_strs hosts;  /* names that it is reached by */
	struct conf_tls tls;
	bool plain_http; /* beyond loopback without TLS */
	int metrics, health; /* enum conf_shown: who gets /metrics; and /healthz
				with /readyz */
	char *link;
	char *store; /* sqlite:PATH or postgresql://…; may have a password */
	struct secret store_password;
	int format; /* conf_log_formats[]: auto text json */
	int64_t retain; /* ms */
	int64_t retain_size; /* bytes */
	char *keys;
};

extern const char *const conf_log_formats[], *const conf_own_log_formats[];

struct conf_matcher {
	struct opt_where where;
	struct opt_strs ingress, deployer, logger; /* endpoints to connect to */
	int64_t window; /* events under way at once per ingress */
	char *keys;
};

#endif
