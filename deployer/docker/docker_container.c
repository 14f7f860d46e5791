#include "deployer/docker/docker_container.h"

#include "proto/base/enc.h"
#include "proto/base/mem.h"

#define STAT_MS 10000
#define STAT_MAX 8192 /* of base64: two paths of 4096 are none that we seek */

/* METHOD /containers/ID<suffix> without an answer. */
static int act(struct docker_api *api, const char *method, const char *id,
	const char *suffix, const struct json *body, struct err *err)
{
	char *path = xprintf("/containers/%s%s", id, suffix);
	int rc = docker_api_call(api, method, path, body, NULL, err);

	free(path);
	return rc;
}

static struct json *about(struct docker_api *api, const char *id,
	const char *what, struct err *err)
{
	char *path = xprintf("/containers/%s/%s", id, what);
	struct json *answer = NULL;

	docker_api_call(api, "GET", path, NULL, &answer, err);
	free(path);
	return answer;
}

struct json *docker_container_inspect(struct docker_api *api, const char *id,
	struct err *err)
{
	return about(api, id, "json", err);
}

struct json *docker_container_changes(struct docker_api *api, const char *id,
	struct err *err)
{
	return about(api, id, "changes", err);
}

struct json *docker_container_stat(struct docker_api *api, const char *id,
	const char *path, struct err *err)
{
	struct strbuf url = {0}, text = {0};
	char header[STAT_MAX] = "";
	struct docker_request req = {
		.method = "HEAD",
		.total_ms = STAT_MS,
		.header = "X-Docker-Container-Path-Stat",
		.header_value = header,
		.header_max = sizeof(header),
	};
	struct json *stat = NULL;

	strbuf_addf(&url, "/containers/%s/archive?path=", id);
	docker_api_encode(&url, str_from(path));
	req.path = strbuf_cstr(&url);
	if (docker_api_do(api, &req, err) == 0) {
		if (enc_unbase64(str_from(header), &text) == 0)
			stat = docker_api_parse(&text, err);
		else
			err_fail(err, "the engine told nothing of %.200s", path);
	}
	strbuf_release(&url);
	strbuf_release(&text);
	return stat;
}

struct json *docker_container_list(struct docker_api *api,
	const struct json *filters, struct err *err)
{
	struct strbuf path = {0}, text = {0};
	struct json *answer = NULL;

	json_write(filters, &text);
	strbuf_add_cstr(&path, "/containers/json?all=1&filters=");
	docker_api_encode(&path, strbuf_str(&text));
	docker_api_call(api, "GET", strbuf_cstr(&path), NULL, &answer, err);
	strbuf_release(&path);
	strbuf_release(&text);
	return answer;
}

int docker_container_create(struct docker_api *api, const char *name,
	const char *platform, const struct json *body, char **id,
	struct err *err)
{
	struct strbuf path = {0};
	struct json *answer = NULL;
	int rc;

	*id = NULL;
	strbuf_addf(&path, "/containers/create?name=%s", name);
	if (*platform != '\0') {
		strbuf_add_cstr(&path, "&platform=");
		docker_api_encode(&path, str_from(platform));
	}
	rc = docker_api_call(
		api, "POST", strbuf_cstr(&path), body, &answer, err);
	strbuf_release(&path);
	if (rc == 0)
		*id = xstrdup_null(json_str(json_get(answer, "Id")));
	json_free(answer);
	if (rc == 0 && *id == NULL)
		return err_fail(err,
			"the engine created container %s without an Id", name);
	return rc;
}

int docker_container_start(struct docker_api *api, const char *id,
	struct err *err)
{
	return act(api, "POST", id, "/start", NULL, err);
}

/* Ends it in its own time: no limit here. */
static int end(struct docker_api *api, const char *id, const char *verb,
	struct err *err)
{
	char *path = xprintf("/containers/%s/%s", id, verb);
	const struct docker_request req = {.method = "POST", .path = path};
	int rc = docker_api_do(api, &req, err);

	free(path);
	return rc;
}

int docker_container_stop(struct docker_api *api, const char *id,
	struct err *err)
{
	/* Without t=, so that StopTimeout and StopSignal apply. */
	return end(api, id, "stop", err);
}

int docker_container_kill(struct docker_api *api, const char *id,
	const char *signal, struct err *err)
{
	struct strbuf path = {0};
	int rc;

	strbuf_addf(&path, "/containers/%s/kill?signal=", id);
	docker_api_encode(&path, str_from(signal));
	rc = docker_api_call(
		api, "POST", strbuf_cstr(&path), NULL, NULL, err);
	strbuf_release(&path);
	return rc;
}

int docker_container_restart(struct docker_api *api, const char *id,
	struct err *err)
{
	return end(api, id, "restart", err);
}

int docker_container_pause(struct docker_api *api, const char *id,
	struct err *err)
{
	return act(api, "POST", id, "/pause", NULL, err);
}

int docker_container_unpause(struct docker_api *api, const char *id,
	struct err *err)
{
	return act(api, "POST", id, "/unpause", NULL, err);
}

int docker_container_rename(struct docker_api *api, const char *id,
	const char *name, struct err *err)
{
	char *suffix = xprintf("/rename?name=%s", name);
	int rc = act(api, "POST", id, suffix, NULL, err);

	free(suffix);
	return rc;
}

int docker_container_remove(struct docker_api *api, const char *id,
	bool volumes, struct err *err)
{
	return act(api, "DELETE", id, volumes ? "?v=1" : "?v=0", NULL, err);
}

int docker_container_set_policy(struct docker_api *api, const char *id,
	const struct json *policy, struct err *err)
{
	struct json *body = json_new_object();
	int rc;

	json_set(body, "RestartPolicy", json_copy(policy));
	rc = act(api, "POST", id, "/update", body, err);
	json_free(body);
	return rc;
}

/* ---- networks ----------------------------------------------------------------- */

static void network_path(struct strbuf *path, const char *name)
{
	strbuf_add_cstr(path, "/networks/");
	docker_api_encode(path, str_from(name));
}

int docker_container_connect(struct docker_api *api, const char *id,
	const struct json *spec, struct err *err)
{
	struct json *body = json_new_object();
	struct strbuf path = {0};
	int rc;

	network_path(&path, json_str(json_get(spec, "Network")));
	strbuf_add_cstr(&path, "/connect");
	json_set_str(body, "Container", id);
	json_set(body, "EndpointConfig",
		json_copy(json_get(spec, "EndpointConfig")));
	rc = docker_api_call(api, "POST", strbuf_cstr(&path), body, NULL, err);
	json_free(body);
	strbuf_release(&path);
	return rc;
}

int docker_container_disconnect(struct docker_api *api, const char *id,
	const struct json *spec, struct err *err)
{
	struct json *body = json_new_object();
	struct strbuf path = {0};
	int rc;

	network_path(&path, json_str(json_get(spec, "Network")));
	strbuf_add_cstr(&path, "/disconnect");
	json_set_str(body, "Container", id);
	rc = docker_api_call(api, "POST", strbuf_cstr(&path), body, NULL, err);
	json_free(body);
	strbuf_release(&path);
	return rc;
}

bool docker_container_network_exists(struct docker_api *api, const char *name,
	struct err *err)
{
	struct strbuf path = {0};
	int rc;

	network_path(&path, name);
	rc = docker_api_call(api, "GET", strbuf_cstr(&path), NULL, NULL, err);
	strbuf_release(&path);
	return rc == 0;
}
