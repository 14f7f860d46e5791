#include "deployer/docker/docker_progress.h"

#include "deployer/docker/docker_api.h"

#define LINE_MAX ((size_t)4 << 20)
#define MIB (1024.0 * 1024.0)

static struct docker_layer *layer_of(struct docker_progress *p, const char *id)
{
	struct docker_layer new = {0};

	for (size_t i = 0; i < p->layers.n; i++)
		if (strcmp(p->layers.v[i].id, id) == 0)
			return &p->layers.v[i];
	if (p->layers.n == DOCKER_LAYERS_MAX || strlen(id) >= sizeof(new.id))
		return NULL;
	snprintf(new.id, sizeof(new.id), "%s", id);
	VEC_PUSH(&p->layers, new);
	return &p->layers.v[p->layers.n - 1];
}

static bool begins(const char *status, const char *word)
{
	return strncmp(status, word, strlen(word)) == 0;
}

static void read_layer(struct docker_progress *p, const struct json *j,
	const char *status)
{
	const char *id = json_str(json_get(j, "id"));
	struct docker_layer *l;

	/* The head of the stream has the tag for its id. */
	if (id == NULL || begins(status, "Pulling from"))
		return;
	l = layer_of(p, id);
	if (l == NULL)
		return;
	if (begins(status, "Downloading")) {
		l->current = json_i64(
			json_path(j, "progressDetail.current"), l->current);
		l->total = json_i64(
			json_path(j, "progressDetail.total"), l->total);
	} else if (begins(status, "Already exists")) {
		l->here = l->done = true;
	} else if (begins(status, "Download complete")) {
		l->current = l->total;
	} else if (begins(status, "Pull complete")) {
		l->current = l->total;
		l->done = true;
	}
}

static void read_object(struct docker_progress *p, struct strbuf *line)
{
	static const char prefix[] = "Digest: ";
	struct json *j = docker_api_parse(line, NULL);
	const char *status = json_str(json_get(j, "status"));
	const char *error = json_str(json_path(j, "errorDetail.message"));

	p->objects++;
	if (error == NULL)
		error = json_str(json_get(j, "error"));
	if (j == NULL)
		error = "the engine's progress report is not JSON";
	if (error != NULL && p->error[0] == '\0')
		docker_api_shorten(
			str_from(error), p->error, sizeof(p->error));
	if (status != NULL && begins(status, prefix) &&
		strlen(status + strlen(prefix)) < sizeof(p->digest))
		snprintf(p->digest, sizeof(p->digest), "%s",
			status + strlen(prefix));
	else if (status != NULL)
		read_layer(p, j, status);
	json_free(j);
}

int docker_progress_feed(struct docker_progress *p, struct str data)
{
	size_t end;

	p->line.limit = LINE_MAX;
	while (data.n > 0) {
		end = str_find(data, '\n');
		strbuf_add_str(&p->line, str_cut(data, 0, end));
		if (p->line.failed)
			return -1;
		if (end == data.n)
			return 0;
		data = str_cut(data, end + 1, data.n);
		if (str_trim(strbuf_str(&p->line)).n > 1)
			read_object(p, &p->line);
		strbuf_truncate(&p->line, 0);
	}
	return 0;
}

void docker_progress_text(const struct docker_progress *p, char *out, size_t n)
{
	int64_t current = 0, total = 0;
	size_t layers = 0, done = 0;

	for (size_t i = 0; i < p->layers.n; i++) {
		const struct docker_layer *l = &p->layers.v[i];

		layers += !l->here;
		done += l->done && !l->here;
		current += l->current;
		total += l->total;
	}
	*out = '\0';
	if (layers > 0 && total > 0)
		snprintf(out, n, "%zu of %zu layers, %.1f of %.1f MiB", done,
			layers, (double)current / MIB, (double)total / MIB);
	else if (layers > 0)
		snprintf(out, n, "%zu of %zu layers", done, layers);
}

void docker_progress_release(struct docker_progress *p)
{
	strbuf_release(&p->line);
	VEC_RELEASE(&p->layers);
}
