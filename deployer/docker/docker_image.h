/*
 * The engine's calls about images; errors as docker_api.h has them.
 */
#ifndef DEPLOYER_DOCKER_IMAGE_H
#define DEPLOYER_DOCKER_IMAGE_H

#include "deployer/docker/docker_api.h"
#include "deployer/driver.h"
#include "deployer/registry/registry_auth.h"

/* By id, repo:tag or repo@digest. NULL when there is none; err->code is 404
 * then. The caller frees it. */
struct json *docker_image_inspect(struct docker_api *api, const char *ref,
	struct err *err);
int docker_image_tag(struct docker_api *api, const char *id,
	const char *repository, const char *tag, struct err *err);
/* REPOSITORY@DIGEST: as the image is known in the repository, else in another
 * one, or NULL; borrowed from the inspected image. */
const char *docker_image_name(const struct json *image,
	const char *repository);
/* The digest of it; one that lost its last name, as when its tag moved on, has
 * a digest in containerd's store all the same. */
const char *docker_image_digest(const struct json *image,
	const char *repository);
/* "linux/arm64/v8" where the image is of another platform than the engine;
 * "" where it is the same or not told. */
void docker_image_platform(const struct json *image, const char *engine,
	struct strbuf *out);

struct docker_pull {
	const char *repository;
	const char *tag;      /* a tag or a digest; never empty */
	const char *platform; /* "" for the engine's own */
	const struct registry_auth *login; /* or NULL */
	/* Asked with each piece of progress; true drops the connection, which
	 * ends the pull. */
	bool (*cancelled)(void *ctx);
	/* How far it is, in words, about once a second; or NULL. */
	void (*progress)(void *ctx, const char *text);
	void *ctx;
	int64_t stall_ms; /* without a word of the engine it is given up */
	/* Of DOCKER_PULL_SUMMARY bytes: what came at the end; or NULL. */
	char *summary;
};

#define DOCKER_PULL_SUMMARY 80

/*
 * Reads the progress stream to its end: a pull fails inside a 200. The digest
 * that the engine reports goes into digest, "" when it reports none or
 * one of another kind than sha256. The class
 * of an error says whether it may work later, by its text: statuses differ
 * from engine to engine.
 */
int docker_image_pull(struct docker_api *api, const struct docker_pull *pull,
	char digest[DRIVER_DIGEST_MAX], struct err *err);

/* Pure: what a person can do about a failed call to a registry, in brackets
 * and with a space before them; nothing where that is not known. */
void docker_image_hint(const struct registry_auth *login, const char *text,
	struct strbuf *out);
/* Pure: will a pull that failed with this text work later? */
enum err_class docker_image_pull_class(const char *text);

#endif
