/*
 * The Docker driver by hand, for tests/flow/test_docker_driver.py: one deploy
 * or one recovery against a real engine, with a journal of plain files. Prints
 * what the driver told as JSON.
 *
 *   docker_drive deploy|recover|tend|spec|check|labels CONFIG KEY=VALUE...
 *
 * CONFIG has the engine `local` and the trigger `web`. The keys:
 *   journal=DIR (and DIR/../kept) event=UUID cancel=1 force=1
 *   wait=1 (labels: also for a change)
 *   full=1 (the journal's disk is full)
 *   source=NAME registry=HOST repository=NAME tag=TAG [digest=sha256:...]
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "deployer/docker/docker_container.h"
#include "deployer/docker/docker_image.h"
#include "deployer/docker/docker_spec.h"
#include "deployer/driver.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/uid.h"
#include "proto/data/json.h"
#include "proto/io/http_client.h"

struct files {
	struct journal j;
	const char *dir;
	bool full;
};

static const char *value(char **args, const char *key, const char *fallback)
{
	size_t n = strlen(key);

	for (; *args; args++)
		if (strncmp(*args, key, n) == 0 && (*args)[n] == '=')
			return *args + n + 1;
	return fallback;
}

/* ---- a journal of files: DIR/EVENT+TRIGGER -------------------------------- */

static struct files *files_of(struct journal *j)
{
	return CONTAINER_OF(j, struct files, j);
}

static char *path_of(struct journal *j, const char *job)
{
	char *path = xprintf("%s/%s", files_of(j)->dir, job);

	*strrchr(path, '/') = '+';
	return path;
}

static int put(struct journal *j, const char *job, const char *json,
	struct err *err)
{
	char *path = path_of(j, job), *next = xprintf("%s.tmp", path);
	int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = !files_of(j)->full && fd >= 0 &&
		write(fd, json, strlen(json)) == (ssize_t)strlen(json) &&
		fsync(fd) == 0 && rename(next, path) == 0;

	if (fd >= 0)
		close(fd);
	free(path);
	free(next);
	return ok ? 0 : err_retry(err, "no room on the disk");
}

static char *read_all(const char *path)
{
	FILE *f = fopen(path, "re");
	struct strbuf sb = {0};
	char part[4096];
	size_t n;

	if (f == NULL)
		return NULL;
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		strbuf_add(&sb, part, n);
	fclose(f);
	return strbuf_detach(&sb);
}

static int get(struct journal *j, const char *job, char **json,
	struct err *err)
{
	char *path = path_of(j, job);

	(void)err;
	*json = read_all(path);
	free(path);
	return 0;
}

static int del(struct journal *j, const char *job, struct err *err)
{
	char *path = path_of(j, job);

	(void)err;
	unlink(path);
	free(path);
	return 0;
}

static int each(struct journal *j, const char *lane,
	int (*fn)(void *ctx, const char *job, const char *json), void *ctx,
	struct err *err)
{
	DIR *d = opendir(files_of(j)->dir);
	struct dirent *e;

	(void)lane;
	if (d == NULL)
		return err_retry(err, "no journal");
	while ((e = readdir(d)) != NULL) {
		char *path = xprintf("%s/%s", files_of(j)->dir, e->d_name);
		char *job = xstrdup(e->d_name), *plus = strchr(job, '+');
		char *text = plus != NULL ? read_all(path) : NULL;

		if (text != NULL && strstr(job, ".tmp") == NULL) {
			*plus = '/';
			fn(ctx, job, text);
		}
		free(text);
		free(job);
		free(path);
	}
	closedir(d);
	return 0;
}

/* ---- what outlives the jobs: DIR/kept/KEY --------------------------------------- */

static char *kept_path(struct journal *j, const char *key)
{
	char *name = xstrdup(key), *path;

	for (char *p = name; *p; p++)
		if (*p == '/')
			*p = '+';
	path = xprintf("%s/../kept/%s", files_of(j)->dir, name);
	free(name);
	return path;
}

static int keep(struct journal *j, const char *key, const char *json,
	struct err *err)
{
	char *path = kept_path(j, key);
	FILE *f = json != NULL ? fopen(path, "we") : NULL;

	if (json == NULL)
		unlink(path);
	else if (f == NULL || fputs(json, f) < 0 || fclose(f) != 0)
		err_retry(err, "%s cannot be written", path);
	free(path);
	return json != NULL && f == NULL ? -1 : 0;
}

static int kept(struct journal *j, const char *key, char **json,
	struct err *err)
{
	char *path = kept_path(j, key);

	(void)err;
	*json = read_all(path);
	free(path);
	return 0;
}

static int kept_each(struct journal *j, const char *prefix,
	void (*fn)(void *ctx, const char *key, const char *json), void *ctx,
	struct err *err)
{
	char *dir = xprintf("%s/../kept", files_of(j)->dir);
	DIR *d = opendir(dir);
	struct dirent *e;

	free(dir);
	if (d == NULL)
		return err_retry(err, "nothing is kept");
	while ((e = readdir(d)) != NULL) {
		char *text = NULL, *key = xstrdup(e->d_name);

		for (char *p = key; *p; p++)
			if (*p == '+')
				*p = '/';
		if (strncmp(key, prefix, strlen(prefix)) == 0 &&
			kept(j, key, &text, err) == 0)
			fn(ctx, key, text);
		free(text);
		free(key);
	}
	closedir(d);
	return 0;
}

/* ---- what it told ----------------------------------------------------------- */

static struct json *result_json(const struct driver_result *res)
{
	struct json *j = json_new_object();

	json_set_str(j, "status", driver_status_words[res->status]);
	json_set_str(j, "reason", res->reason);
	json_set_i64(j, "again_ms", res->again_ms);
	json_set_bool(j, "retry", res->cls == ERR_RETRY);
	json_set_str(j, "from", res->from_digest);
	json_set_str(j, "to", res->to_digest);
	if (res->evidence != NULL)
		json_set(j, "evidence",
			json_parse(str_from(res->evidence), NULL, NULL));
	return j;
}

static void print(struct json *j)
{
	struct strbuf sb = {0};

	json_write(j, &sb);
	printf("%s\n", strbuf_cstr(&sb));
	strbuf_release(&sb);
	json_free(j);
}

struct recovery {
	struct driver_recovery rec;
	struct json *reports;
};

static int report(struct driver_recovery *rec, const char *job,
	const struct driver_result *result)
{
	struct recovery *r = CONTAINER_OF(rec, struct recovery, rec);
	struct json *j = result_json(result);

	json_set_str(j, "job", job);
	json_push(r->reports, j);
	return 0;
}

static int recover(const struct conf_engine *engine, const struct conf *conf,
	struct journal *journal)
{
	atomic_bool cancel = false;
	struct recovery r = {
		.rec = {engine, conf, &cancel, journal, report},
		.reports = json_new_array(),
	};
	struct err err = {0};
	int rc = docker_driver.recover(&r.rec, &err);

	if (rc != 0)
		fprintf(stderr, "recover: %s\n", err.text);
	print(r.reports);
	return rc == 0 ? 0 : 3;
}

static int deploy(char **args, const struct conf *conf,
	const struct conf_engine *engine, struct journal *journal)
{
	const struct conf_trigger *trigger = conf_trigger(conf, "web");
	char id[UID_JOB_MAX];
	atomic_bool cancel = value(args, "cancel", NULL) != NULL;
	struct job job = {
		.id = uid_job(value(args, "event", ""), trigger->name, id),
		.trigger = trigger->name,
		.event = {
			.registry = (char *)value(args, "registry", NULL),
			.repository = (char *)value(args, "repository", "x"),
			.tag = (char *)value(args, "tag", "latest"),
			.digest = (char *)value(args, "digest", NULL),
			/* By its own URL, where no source is named. */
			.trigger = value(args, "source", NULL) ? NULL
				: trigger->name,
		},
	};
	struct driver_run run = {
		.engine = engine,
		.trigger = trigger,
		.job = &job,
		.source = conf_source(
			conf, str_from(value(args, "source", NULL))),
		.cancel = &cancel,
		.journal = journal,
		.force = value(args, "force", NULL) != NULL,
	};
	struct driver_result res = {0};
	struct json *j, *phases = json_new_object();

	docker_driver.deploy(&run, &res);
	j = result_json(&res);
	for (size_t i = 0; i < run.phases.n; i++)
		json_set_i64(phases, run.phases.v[i].name, run.phases.v[i].ms);
	json_set(j, "phases", phases);
	json_set_i64(j, "stopped_at", run.phases.stopped_at);
	print(j);
	free(res.evidence);
	return 0;
}

static int tend(const struct conf_engine *engine, struct journal *journal)
{
	docker_driver.tend(engine, journal);
	print(json_new_object());
	return 0;
}

static int check(const struct conf_engine *engine)
{
	struct err err = {0};

	if (docker_driver.check(engine, &err) == 0)
		return 0;
	printf("%s\n", err.text);
	return 1;
}

/* The triggers that the engine's labels are; and waits for a change. */
static int labels(const struct conf_engine *engine, bool wait)
{
	struct opt_errors faults = {0};
	struct strbuf set = {0};
	struct err err = {0};
	struct json *j = json_new_object();
	int64_t at = 0;
	int rc = docker_driver.labels(engine, &set, &faults, &at, &err);

	if (rc == 0 && wait)
		rc = docker_driver.labels_wait(engine, at, &err);
	if (rc == 0)
		json_set(j, "set", json_parse(strbuf_str(&set), NULL, NULL));
	else
		json_set_str(j, "error", err.text);
	print(j);
	strbuf_release(&set);
	opt_errors_release(&faults);
	return 0;
}

/* The body that would create the container's successor; nothing is done. */
static int spec(char **args, const struct conf_engine *engine)
{
	struct err err = {0};
	struct docker_api *api = docker_api_open(engine, &err);
	struct json *info = NULL, *j = json_new_object();
	struct json *old = docker_container_inspect(
		api, value(args, "container", ""), &err);
	struct json *old_image = docker_image_inspect(
		api, json_str(json_get(old, "Image")), &err);
	const char *image = value(args, "image", "");
	struct json *new_image = docker_image_inspect(api, image, &err);
	struct json *sources = json_new_object();
	struct docker_spec made = {0};
	int rc = docker_api_call(api, "GET", "/info", NULL, &info, &err);
	struct docker_spec_input in = {
		.old = old,
		.old_image = old_image,
		.new_image = new_image,
		.reference = image,
		.api = docker_api_minor(api),
		.engine_name = json_str(json_get(info, "Name")),
		.sources = sources,
	};
	const char *source = value(args, "source", NULL);

	if (source != NULL)
		json_set(sources, source,
			docker_container_inspect(api, source, &err));
	if (old_image != NULL && new_image != NULL && rc == 0)
		rc = docker_spec_build(&in, &made, &err);
	json_set_str(j, "error", err.text);
	json_set_i64(j, "api", in.api);
	if (made.body != NULL) {
		json_set(j, "body", json_copy(made.body));
		json_set(j, "connect", json_copy(made.connect));
	}
	print(j);
	docker_spec_release(&made);
	json_free(old);
	json_free(old_image);
	json_free(new_image);
	json_free(sources);
	json_free(info);
	docker_api_close(api);
	return rc == 0 ? 0 : 1;
}

static struct conf *load(const char *path)
{
	struct opt_errors errs = {0};
	struct conf *conf = conf_load(path, &errs);

	for (size_t i = 0; i < errs.list.n; i++)
		fprintf(stderr, "%s\n", errs.list.v[i]);
	opt_errors_release(&errs);
	return conf;
}

int main(int argc, char **argv)
{
	char **args = argv + (argc > 2 ? 3 : argc);
	struct files files = {
		.j = {put, get, del, each, keep, kept, kept_each},
		.dir = value(args, "journal", "."),
		.full = value(args, "full", NULL) != NULL,
	};
	const struct conf_engine *engine;
	struct conf *conf;
	int rc = 2;

	log_init("docker_drive", LOG_INFO);
	http_global_init();
	conf = argc > 2 ? load(argv[2]) : NULL;
	if (conf == NULL)
		return 2;
	engine = conf_engine(conf, "local");
	if (strcmp(argv[1], "deploy") == 0)
		rc = deploy(args, conf, engine, &files.j);
	else if (strcmp(argv[1], "recover") == 0)
		rc = recover(engine, conf, &files.j);
	else if (strcmp(argv[1], "tend") == 0)
		rc = tend(engine, &files.j);
	else if (strcmp(argv[1], "spec") == 0)
		rc = spec(args, engine);
	else if (strcmp(argv[1], "check") == 0)
		rc = check(engine);
	else if (strcmp(argv[1], "labels") == 0)
		rc = labels(engine, value(args, "wait", NULL) != NULL);
	conf_free(conf);
	return rc;
}
