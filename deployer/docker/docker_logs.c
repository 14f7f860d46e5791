#include "deployer/docker/docker_logs.h"

#include "proto/base/mem.h"

#define FRAME 8
#define LOGS_MS 10000

void docker_logs_unframe(struct str raw, struct strbuf *out)
{
	const unsigned char *h;
	size_t n;

	/* stream, 0, 0, 0, length as 4 bytes, big end first */
	while (raw.n >= FRAME) {
		h = (const unsigned char *)raw.p;
		n = (size_t)h[4] << 24 | (size_t)h[5] << 16 |
			(size_t)h[6] << 8 | (size_t)h[7];
		raw = str_cut(raw, FRAME, raw.n);
		strbuf_add_str(out, str_cut(raw, 0, n));
		raw = str_cut(raw, n, raw.n);
	}
}

int docker_logs_get(struct docker_api *api, const char *kind, const char *id,
	bool tty, int lines, struct strbuf *out, struct err *err)
{
	struct strbuf raw = {0};
	char *path = xprintf(
		"/%s/%s/logs?stdout=1&stderr=1&tail=%d", kind, id, lines);
	const struct docker_request req = {
		.method = "GET",
		.path = path,
		.total_ms = LOGS_MS,
		.raw = &raw,
		.raw_max = DOCKER_LOGS_MAX,
	};
	int rc = docker_api_do(api, &req, err);

	if (rc == 0 && tty)
		strbuf_add_str(out, strbuf_str(&raw));
	else if (rc == 0)
		docker_logs_unframe(strbuf_str(&raw), out);
	strbuf_release(&raw);
	free(path);
	return rc;
}
