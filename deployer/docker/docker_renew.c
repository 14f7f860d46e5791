#include "deployer/docker/docker_renew.h"

#include <inttypes.h>
#include <unistd.h>

#include "deployer/docker/docker_self.h"
#include "deployer/docker/docker_settle.h"
#include "deployer/docker/docker_logs.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/io/http_client.h"

#define LABEL_HELPER "pullwire.helper" /* the deployment's id */
#define UNIX "unix://"
#define POLL_MS 200
#define PATIENCE_MS (10 * 60 * 1000)
#define LOG_LINES 20

bool docker_renew_is_self(const char *id)
{
	char self[DOCKER_ID_LEN];

	docker_self_id(self);
	return *self != '\0' && id != NULL && strcmp(self, id) == 0;
}

/* ---- our side --------------------------------------------------- */

static char *helper_name(const struct docker_swap *s)
{
	return xprintf("%s.helper-%s", s->name, s->did);
}

static void copy(struct json *to, const struct json *from, const char *key)
{
	if (!json_is_null(json_get(from, key)))
		json_set(to, key, json_copy(json_get(from, key)));
}

static void push_number(struct json *list, int64_t n)
{
	char *text = xprintf("%" PRId64, n);

	json_push(list, json_new_str(text));
	free(text);
}

static struct json *command(const struct docker_replace *r)
{
	const struct conf_trigger *t = r->t->run->trigger;
	struct json *cmd = json_new_array();

	json_push(cmd, json_new_str("finish"));
	json_push(cmd, json_new_str(docker_api_endpoint(r->t->api)));
	json_push(cmd, json_new_str(r->swap->did));
	push_number(cmd, t->grace);
	push_number(cmd, t->health_timeout);
	return cmd;
}

/* The new image, our program, our mounts and rights, nothing else. */
static struct json *helper_body(const struct docker_replace *r,
	const char *program)
{
	static const char *const host[] = {"Binds", "Mounts", "GroupAdd",
		"SecurityOpt", "Privileged", "UsernsMode"};
	const struct json *ours = json_get(r->spec.body, "HostConfig");
	struct json *body = json_new_object(), *h = json_new_object();
	struct json *entry = json_new_array(), *labels = json_new_object();
	struct json *health = json_new_object(), *none = json_new_array();

	for (size_t i = 0; i < ARRAY_LEN(host); i++)
		copy(h, ours, host[i]);
	json_set_str(h, "NetworkMode", "none");
	json_push(entry, json_new_str(program));
	json_set_str(labels, LABEL_HELPER, r->swap->did);
	json_push(none, json_new_str("NONE"));
	json_set(health, "Test", none);
	json_set_str(body, "Image", r->swap->image);
	copy(body, json_get(r->old, "Config"), "User");
	json_set(body, "Entrypoint", entry);
	json_set(body, "Cmd", command(r));
	json_set(body, "Labels", labels);
	json_set(body, "Healthcheck", health);
	json_set(body, "HostConfig", h);
	return body;
}

static int start_helper(struct docker_replace *r, char **id, struct err *err)
{
	char program[4096], *name = helper_name(r->swap);
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	struct json *body;
	int rc;

	program[n > 0 ? n : 0] = '\0';
	body = helper_body(r, program);
	rc = docker_container_create(
		r->t->api, name, r->platform, body, id, err);
	if (rc == 0)
		rc = docker_container_start(r->t->api, *id, err);
	json_free(body);
	free(name);
	return rc == 0 ? 0 : err_prefix(err, "the helper that is to replace the "
					     "deployer");
}

static bool runs(struct docker_api *api, const char *id)
{
	struct json *c = docker_container_inspect(api, id, NULL);
	bool up = json_bool(json_path(c, "State.Running"));

	json_free(c);
	return up;
}

int docker_renew_hand_over(struct docker_replace *r, struct err *err)
{
	char *id = NULL, words[200] = "";
	struct err e = {0};

	if (strncmp(docker_api_endpoint(r->t->api), UNIX, strlen(UNIX)) != 0)
		return err_fail(err, "the deployer replaces itself at an engine "
				     "on a unix socket only");
	docker_task_progress(r->t, "a helper replaces the deployer");
	if (start_helper(r, &id, err) != 0) {
		if (id != NULL)
			(void)docker_swap_ensure_gone(
				r->t->api, id, true, NULL);
		free(id);
		return -1;
	}
	log_info(r->t->note.job, "a helper replaces this deployer now");
	while (!driver_cancelled(r->t->run) && runs(r->t->api, id))
		clock_sleep(POLL_MS);
	free(id);
	if (driver_cancelled(r->t->run))
		return err_retry(err, "the deployer is being replaced");
	if (docker_renew_settle(r->t->api, r->swap, words, sizeof(words), &e) <
		0)
		return err_retry(err, "%s", e.text);
	return err_fail(err, "the helper gave up: %s", words);
}

/* ---- afterwards --------------------------------------------------- */

static void last_line(struct docker_api *api, const char *id, char *out,
	size_t n)
{
	struct strbuf text = {0};
	struct str rest, line, last = {0};

	(void)docker_logs_get(api, DOCKER_LOGS_CONTAINER, id, false,
		LOG_LINES, &text, NULL);
	for (rest = strbuf_str(&text); str_split(&rest, '\n', &line);)
		if (str_trim(line).n > 0)
			last = str_trim(line);
	str_safe(str_cut(last, 0, n / 4), out, n);
	strbuf_release(&text);
}

int docker_renew_settle(struct docker_api *api, const struct docker_swap *s,
	char *words, size_t n, struct err *err)
{
	char *name = helper_name(s);
	struct json *c;
	int rc = docker_settle_look(api, name, &c, err);
	bool up = json_bool(json_path(c, "State.Running"));

	*words = '\0';
	if (rc == 0 && c != NULL && up) {
		/* No verdict on anything: as if the engine had not answered. */
		rc = err_set(err, ERR_RETRY, DOCKER_API_NO_ANSWER, "container "
			"%s still replaces the deployer", name);
	} else if (rc == 0 && c != NULL) {
		last_line(api, name, words, n);
		rc = docker_swap_ensure_gone(api, name, true, err);
	}
	json_free(c);
	free(name);
	return rc;
}

/* ---- the helper --------------------------------------------------- */

/* The successor and who it replaces, by its labels. */
static int find(struct docker_api *api, const char *did, struct docker_swap *s,
	struct err *err)
{
	struct json *filters = json_new_object(), *labels = json_new_array();
	char *label = xprintf("%s=%s", DOCKER_LABEL_DEPLOY, did);
	struct json *list, *c = NULL;
	int rc = -1;

	json_push(labels, json_new_str(label));
	json_set(filters, "label", labels);
	list = docker_container_list(api, filters, err);
	if (json_len(list) > 0)
		c = docker_container_inspect(api,
			json_str(json_get(json_first(list), "Id")), err);
	if (c != NULL)
		rc = docker_swap_from_labels(c, s);
	if (c != NULL && rc != 0)
		err_fail(err, "its labels are incomplete");
	if (list != NULL && json_len(list) == 0)
		err_fail(err, "there is no container with the label %s", label);
	json_free(c);
	json_free(list);
	json_free(filters);
	free(label);
	return rc;
}

static int finish(const struct docker_settle *how, struct docker_swap *s,
	struct err *err)
{
	enum docker_settled outcome;
	struct err why = {0}, *start = NULL;

	if (docker_swap_take_over(how->api, s, &why) != 0 ||
		docker_container_start(how->api, s->new_id, &why) != 0)
		start = &why;
	if (docker_settle_swap(how, s, start != NULL ? why.text : NULL,
		    &outcome, &why, err) != 0)
		return -1;
	if (outcome == DOCKER_SETTLED_FORWARD)
		return 0;
	return err_fail(err, "%s", *why.text != '\0' ? why.text
						     : "it went back");
}

int docker_renew_finish(const struct conf *conf, int argc, char **argv)
{
	struct conf_engine engine = {0};
	struct docker_settle how = {.patience_ms = PATIENCE_MS};
	struct docker_swap s = {0};
	struct err err = {0};
	int rc = -1;

	(void)conf;
	if (argc != 5 ||
		str_to_i64(str_from(argv[3]), &how.grace_ms) != 0 ||
		str_to_i64(str_from(argv[4]), &how.health_ms) != 0) {
		fprintf(stderr, "this is for the deployer's own helper\n");
		return 2;
	}
	http_global_init();
	engine.name = argv[2];
	engine.docker = argv[1];
	how.api = docker_api_open(&engine, &err);
	if (how.api != NULL && find(how.api, argv[2], &s, &err) == 0)
		rc = finish(&how, &s, &err);
	fflush(stderr);
	printf("%s\n", rc == 0 ? "the deployer is replaced" : err.text);
	docker_swap_release(&s);
	docker_api_close(how.api);
	return rc == 0 ? 0 : 1;
}
