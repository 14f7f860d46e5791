/*
 * Image references as Docker reads them (distribution/reference): what stands
 * before the first '/' is a registry only if it has a '.' or a ':' or is
 * "localhost"; a tag is what follows the last ':' after the last '/'; a
 * registry that is not written is Docker Hub, where a name without '/' is
 * library/NAME. Pure.
 */
#ifndef DEPLOYER_DOCKER_REF_H
#define DEPLOYER_DOCKER_REF_H

#include "proto/base/strbuf.h"

/* Borrowed from the text; a part that is not written is empty. */
struct docker_ref {
	struct str repository; /* as written, with its registry */
	struct str registry;   /* "docker.io" for each of Docker Hub's names */
	struct str path;       /* as written, without the registry */
	struct str tag;
	struct str digest; /* "sha256:…" */
};

void docker_ref_split(struct str text, struct docker_ref *ref);
/* The same repository, however written, whatever the tag or digest. */
bool docker_ref_same_repository(struct str a, struct str b);
/*
 * The name that a pushed repository is pulled by and that people write: Docker
 * Hub's without its host (registry NULL or "" is Docker Hub as well).
 */
void docker_ref_repository(const char *registry, const char *repository,
	struct strbuf *out);
/* An image's id, whole or cut to no less than 12 digits, with or without
 * "sha256:". What people write may be either that or a repository's name. */
bool docker_ref_is_id(struct str text);
/* A job that goes back to what was pinned has the digest in the tag's place. No
 * tag looks like one. */
bool docker_ref_is_digest(const char *tag);
/* REPOSITORY:TAG, or REPOSITORY@DIGEST. The caller frees it. */
char *docker_ref_join(const char *repository, const char *tag);

#endif
