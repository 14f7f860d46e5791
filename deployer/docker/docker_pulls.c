#include "deployer/docker/docker_pulls.h"

#include <pthread.h>
#include <time.h>

#include "proto/base/list.h"
#include "proto/base/mem.h"

#define LOOK_MS 200 /* how often who waits asks whether he is to stop */

/* One repository at one engine, while somebody pulls or waits. */
struct line {
	struct list node;
	char *key;
	bool busy;
	size_t users; /* who pulls, and who waits */
	/* The last one that ended: how many before it, what, and how. */
	uint64_t ended;
	char *what;
	int rc;
	char digest[DRIVER_DIGEST_MAX];
	struct err err;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct list lines = {&lines, &lines};

/* ---- with the lock ---------------------------------------------------------- */

static struct line *enter(const char *key)
{
	struct line *l;

	LIST_EACH(&lines, node) {
		l = CONTAINER_OF(node, struct line, node);
		if (strcmp(l->key, key) == 0) {
			l->users++;
			return l;
		}
	}
	l = xcalloc(1, sizeof(*l));
	l->key = xstrdup(key);
	l->users = 1;
	list_push_back(&lines, &l->node);
	return l;
}

static void leave(struct line *l)
{
	if (--l->users > 0)
		return;
	list_remove(&l->node);
	free(l->key);
	free(l->what);
	free(l);
}

static void wait_a_little(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LOOK_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_cond_timedwait(&changed, &lock, &until);
}

/* true: another's result is ours. false: it is our turn, or we are to stop. */
static bool await(struct line *l, const struct docker_pull *pull,
	const char *what)
{
	bool digest = strchr(pull->tag, ':') != NULL, told = false;
	uint64_t seen = l->ended;

	while (l->busy) {
		if (!told && pull->progress)
			pull->progress(pull->ctx,
				"waiting for a pull of the same repository");
		told = true;
		wait_a_little();
		if (digest && l->ended != seen && l->what &&
			strcmp(l->what, what) == 0)
			return true;
		seen = l->ended;
		if (pull->cancelled && pull->cancelled(pull->ctx))
			return false;
	}
	return false;
}

/* ---- the whole -------------------------------------------------------------- */

static int pull_alone(struct docker_api *api, const struct docker_pull *pull,
	struct line *l, char *what, char digest[DRIVER_DIGEST_MAX],
	struct err *err)
{
	int rc;

	l->busy = true;
	pthread_mutex_unlock(&lock);
	rc = docker_image_pull(api, pull, digest, err);
	pthread_mutex_lock(&lock);
	l->busy = false;
	l->ended++;
	free(l->what);
	/* An end that was asked for is nobody else's. */
	l->what = rc != 0 && pull->cancelled && pull->cancelled(pull->ctx)
		? NULL
		: xstrdup(what);
	l->rc = rc;
	memcpy(l->digest, digest, DRIVER_DIGEST_MAX);
	if (rc != 0)
		l->err = *err;
	pthread_cond_broadcast(&changed);
	return rc;
}

int docker_pulls_do(struct docker_api *api, const struct docker_pull *pull,
	char digest[DRIVER_DIGEST_MAX], struct err *err)
{
	char *key = xprintf("%s %s", docker_api_endpoint(api),
		pull->repository);
	char *what = xprintf("%s %s", pull->tag, pull->platform);
	struct line *l;
	int rc;

	pthread_mutex_lock(&lock);
	l = enter(key);
	if (await(l, pull, what)) {
		rc = l->rc;
		memcpy(digest, l->digest, DRIVER_DIGEST_MAX);
		if (rc != 0)
			*err = l->err;
	} else if (l->busy) {
		*digest = '\0';
		rc = err_retry(err, "the pull was cancelled");
	} else {
		rc = pull_alone(api, pull, l, what, digest, err);
	}
	leave(l);
	pthread_mutex_unlock(&lock);
	free(key);
	free(what);
	return rc;
}
