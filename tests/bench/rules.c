/*
 * What a million triggers cost, as ratios to ten in the same run: the matching
 * of an event that one trigger names, the memory of a trigger, and the load of
 * the configuration. Once with full names only, once with one glob in a
 * hundred; all triggers share one expression. "again": ten repositories, as
 * many as ten triggers can have, whatever the size; what grows is the work.
 * "spread": 4,096 repositories all through the set; what grows besides is how
 * far the processor's caches have to reach. Times are the processor's for this
 * thread, of a match the best of several rounds.
 */
#include "matcher/rule_eval.h"
#include "matcher/rule_load.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 4096 /* different repositories */
#define ROUNDS 200
#define SLICE 64 /* events between two looks at the clock */

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool is_glob(size_t i, bool globs)
{
	return globs && i % 100 == 9;
}

static void write_conf(const char *path, size_t n, bool globs)
{
	FILE *f = fopen(path, "w");

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	fprintf(f, "engines:\n  - {name: local, docker: 'unix:///x.sock'}\n"
		   "triggers:\n");
	for (size_t i = 0; i < n; i++)
		fprintf(f, "  - {name: trigger-%zu, repository: team%zu/app%zu%s, "
			   "expression: 'release-v\\d+', "
			   "deploy: {container: app-%zu}}\n", i, i % 1000, i,
			is_glob(i, globs) ? "-*" : "", i);
	if (fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static struct ruleset *load(const char *path, double *seconds, double *bytes)
{
	struct opt_errors errs = {0};
	double start = now(CLOCK_THREAD_CPUTIME_ID);
	struct conf *conf = conf_load_checked(path, rule_check, &errs);
	struct ruleset *set;
	size_t before;

	if (conf == NULL) {
		fprintf(stderr, "%s\n", errs.list.v[0]);
		exit(1);
	}
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	set = rule_load(conf, &errs);
	*bytes = (double)(mallinfo2().uordblks + mallinfo2().hblkhd - before);
	*seconds = now(CLOCK_THREAD_CPUTIME_ID) - start;
	conf_free(conf);
	return set;
}

static void once(const struct ruleset *set, struct event *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct rule_results results = {0};

		rule_eval(set, NULL, &events[i], &results);
		if (results.n != 1 ||
			results.v[0].verdict != RULE_MATCHED) {
			fprintf(stderr, "%s: %s\n", events[i].repository,
				results.v[0].reason);
			exit(1);
		}
		rule_results_release(&results);
	}
}

/* ns for an event; so many different ones. */
static double measure(const struct ruleset *set, size_t n, size_t different,
	bool globs)
{
	/* As if just read from a link: not all over the heap that the load of
	 * the configuration has left behind. */
	static char names[EVENTS][48], tag[] = "release-v2";
	static struct event events[EVENTS];
	double best[EVENTS / SLICE], sum = 0;

	for (size_t k = 0; k < EVENTS; k++) {
		size_t d = k % different, i = (d * 7919 + d * n / different) % n;

		snprintf(names[k], sizeof(names[k]), "team%zu/app%zu%s",
			i % 1000, i, is_glob(i, globs) ? "-blue" : "");
		events[k].repository = names[k];
		events[k].tag = tag;
	}
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < EVENTS / SLICE; i++) {
			double start = now(CLOCK_THREAD_CPUTIME_ID), took;

			once(set, events + i * SLICE, SLICE);
			took = now(CLOCK_THREAD_CPUTIME_ID) - start;
			if (round == 0 || took < best[i])
				best[i] = took;
		}
	}
	for (size_t i = 0; i < EVENTS / SLICE; i++)
		sum += best[i];
	return sum / EVENTS * 1e9;
}

struct figures {
	double again, spread;
};

static void line(const char *path, size_t n, bool globs, struct figures *first)
{
	struct figures f;
	struct ruleset *set;
	double seconds, bytes;

	write_conf(path, n, globs);
	set = load(path, &seconds, &bytes);
	f.again = measure(set, n, 10, globs);
	f.spread = measure(set, n, EVENTS, globs);
	if (first->again <= 0)
		*first = f;
	printf("%-9zu %-9s %8.0f %6.2f %9.0f %6.2f %10.0f %7.2f\n", n,
		globs ? "1% globs" : "exact", f.again, f.again / first->again,
		f.spread, f.spread / first->spread, bytes / (double)n,
		seconds);
	fflush(stdout);
	ruleset_unref(set);
}

int main(void)
{
	static const size_t sizes[] = {10, 10000, 1000000};
	char path[] = "/tmp/pullwire-bench-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0) {
		perror(path);
		return 1;
	}
	close(fd);
	printf("%-9s %-9s %8s %6s %9s %6s %10s %7s\n", "triggers", "",
		"ns again", "ratio", "ns spread", "ratio", "B/trigger",
		"load s");
	for (int globs = 0; globs < 2; globs++) {
		struct figures first = {0};

		for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
			line(path, sizes[i], globs, &first);
	}
	unlink(path);
	return 0;
}
