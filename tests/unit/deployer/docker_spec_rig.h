/*
 * What the tests of the body of a creation share: one look at one member of it,
 * a row of a table, and the check of such a row.
 */
#ifndef TESTS_UNIT_DEPLOYER_DOCKER_SPEC_RIG_H
#define TESTS_UNIT_DEPLOYER_DOCKER_SPEC_RIG_H

#include "deployer/docker/docker_spec.h"

#include "tests/unit/deployer/json_rig.h"

#define ID "0123456789ab0123456789ab0123456789ab0123456789ab0123456789abcdef"
#define SHORT "0123456789ab"
#define VOL "f00d"

/* One look at one member of the body: what the old container and its image
 * have, and what must be sent. */
struct row {
	const char *what;
	int api;             /* 0: 41 */
	const char *config;  /* the container's Config; NULL: {} */
	const char *image;   /* the old image's Config; NULL: null */
	const char *host;    /* HostConfig; NULL: {} */
	const char *mounts;  /* NULL: [] */
	const char *networks;
	const char *sources;
	const char *path;    /* in the body */
	const char *want;    /* JSON; NULL: absent or null */
};

static inline struct json *old_of(const struct row *r)
{
	struct json *old = json_new_object(), *net = json_new_object();

	json_set_str(old, "Id", ID);
	json_set(old, "Config", parse(r->config ? r->config : "{}"));
	json_set(old, "HostConfig", parse(r->host ? r->host : "{}"));
	json_set(old, "Mounts", parse(r->mounts ? r->mounts : "[]"));
	json_set(net, "Networks", parse(r->networks ? r->networks : "{}"));
	json_set(old, "NetworkSettings", net);
	return old;
}

static inline struct json *image_of(const char *id, const char *manifest,
	const char *config)
{
	struct strbuf sb = {0};
	struct json *j;

	strbuf_addf(&sb,
		"{\"Id\":\"%s\",\"Config\":%s,\"Descriptor\":{\"mediaType\":"
		"\"application/vnd.oci.image.index.v1+json\",\"digest\":"
		"\"sha256:index\"},\"Manifests\":[{\"Kind\":\"attestation\","
		"\"Available\":true,\"Descriptor\":{\"digest\":\"sha256:no\"}},"
		"{\"Kind\":\"image\",\"Available\":true,\"Descriptor\":"
		"{\"digest\":\"%s\"}}]}",
		id, config ? config : "null", manifest);
	j = parse(strbuf_cstr(&sb));
	strbuf_release(&sb);
	return j;
}

static inline void check(const struct row *r)
{
	struct json *old = old_of(r);
	struct json *old_image =
		image_of("sha256:old", "sha256:oldmanifest", r->image);
	struct json *new_image =
		image_of("sha256:new", "sha256:newmanifest", "{\"User\":\"n\"}");
	struct json *sources = r->sources ? parse(r->sources) : NULL;
	struct json *labels = parse("{\"pullwire.deploy\":\"new\"}");
	struct json *want = r->want ? parse(r->want) : NULL;
	const struct docker_spec_input in = {
		.old = old,
		.old_image = old_image,
		.new_image = new_image,
		.reference = "host:5000/app:v2",
		.api = r->api ? r->api : 41,
		.engine_name = "machine",
		.sources = sources,
		.labels = labels,
	};
	struct docker_spec spec;
	struct err err = {0};
	struct strbuf got = {0};

	if (docker_spec_build(&in, &spec, &err) != 0)
		fail_msg("%s: %s", r->what, err.text);
	json_write(json_path(spec.body, r->path), &got);
	if (!json_equal(json_path(spec.body, r->path), want) &&
		!(want == NULL && json_is_null(json_path(spec.body, r->path))))
		fail_msg("%s: %s is %s", r->what, r->path, strbuf_cstr(&got));
	strbuf_release(&got);
	docker_spec_release(&spec);
	json_free(old);
	json_free(old_image);
	json_free(new_image);
	json_free(sources);
	json_free(labels);
	json_free(want);
}

#define TEST_ROWS(name) \
	static void test_##name(void **state) \
	{ \
		(void)state; \
		for (size_t i = 0; i < ARRAY_LEN(name##_rows); i++) \
			check(&name##_rows[i]); \
	}

#endif
