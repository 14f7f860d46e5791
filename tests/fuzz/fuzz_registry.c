/*
 * What engines, registries and credential helpers tell the deployer. The first
 * byte says what the rest is: p a pull's progress stream, which must read the
 * same whole and in pieces; c a WWW-Authenticate challenge; a a config.json;
 * h a helper's answer.
 */
#include "deployer/docker/docker_progress.h"
#include "deployer/registry/registry_ask.h"
#include "deployer/registry/registry_auth.h"
#include "proto/base/mem.h"
#include "tests/fuzz/fuzz.h"

static void progress(struct str s)
{
	struct docker_progress whole = {0}, pieces = {0};
	char one[80], other[80];

	FUZZ_CHECK(docker_progress_feed(&whole, s) == 0);
	for (size_t i = 0; i < s.n; i += 1 + i % 7)
		FUZZ_CHECK(docker_progress_feed(&pieces,
			str_cut(s, i, i + 1 + i % 7)) == 0);
	docker_progress_text(&whole, one, sizeof(one));
	docker_progress_text(&pieces, other, sizeof(other));
	FUZZ_CHECK(strcmp(one, other) == 0);
	FUZZ_CHECK(whole.objects == pieces.objects);
	FUZZ_CHECK(strcmp(whole.error, pieces.error) == 0);
	FUZZ_CHECK(whole.layers.n <= DOCKER_LAYERS_MAX);
	docker_progress_release(&whole);
	docker_progress_release(&pieces);
}

static void challenge(const char *text)
{
	static const char *const names[] = {"realm", "service", "scope"};
	char out[32];

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (registry_challenge(text, names[i], out, sizeof(out)))
			FUZZ_CHECK(strlen(out) < sizeof(out));
}

static void config(struct str s)
{
	struct registry_auth auth = {0};
	struct strbuf header = {0};
	struct err err = {0};
	char *helper;
	int rc = registry_auth_read(s, STR("r.example:5000"), &helper, &auth,
		&err);

	FUZZ_CHECK(rc == 0 || *err.text);
	if (helper)
		FUZZ_CHECK(!strchr(helper, '/') && *helper);
	if (rc == 0)
		registry_auth_header(&auth, &header);
	FUZZ_CHECK(!strpbrk(strbuf_cstr(&header), "+/\r\n"));
	strbuf_release(&header);
	registry_auth_release(&auth);
	free(helper);
}

static void answer(struct str s)
{
	struct registry_auth auth = {0};
	struct err err = {0};

	if (registry_auth_answer(s, &auth, &err) == 0)
		FUZZ_CHECK(auth.secret.p && (auth.token || auth.user));
	registry_auth_release(&auth);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = {(const char *)data + 1, size - 1};
	char *text;

	if (size == 0)
		return 0;
	text = xmemdup0(s.p, s.n);
	if (*data == 'p')
		progress(s);
	else if (*data == 'c')
		challenge(text);
	else if (*data == 'a')
		config(s);
	else
		answer(s);
	free(text);
	return 0;
}
