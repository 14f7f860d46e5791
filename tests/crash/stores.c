/*
 * A daemon's store after bad days, opened by the daemon's own code.
 *
 *   stores-KIND list           folders from standard input, a line each: what
 *                              is there, `WHAT ID` a line, then `.`, or
 *                              `! why it does not start`
 *   stores-KIND faults DIR N   every N-th call on a file fails in turn
 *   stores-KIND flips DIR N    a bit of the files is turned over, N times
 *   stores-KIND fill DIR N     N items
 *
 * What put() acknowledged must be there, or, for a flipped bit, be told of.
 */
#include "tests/crash/stores.h"

#include "proto/base/log.h"
#include "proto/base/map.h"
#include "proto/base/str.h"
#include "tests/crash/faulty.h"

#include <errno.h>

#define ITEMS 12 /* of a fault's run */

/* ---- list ---- */

static void print(void *ctx, const char *what, const char *id)
{
	(void)ctx;
	printf("%s %s\n", what, id ? id : "?");
}

static void list_dir(const char *dir)
{
	struct err err = {0};
	void *store = kind.open(dir, &err);

	if (!store || kind.list(store, print, NULL, &err) < 0)
		printf("! %s\n", err.text);
	if (store)
		kind.close(store);
	printf(".\n");
	fflush(stdout);
}

static int list_all(void)
{
	char line[512];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		list_dir(line);
	}
	return 0;
}

/* ---- what is there ---- */

struct seen {
	int whole[STORES_AGED];
	int told; /* of damage */
};

static void note(void *ctx, const char *what, const char *id)
{
	struct seen *seen = ctx;
	unsigned i;

	if (strcmp(what, "damaged") == 0)
		seen->told++;
	else if (id && sscanf(id, STORES_ID, &i) == 1 && i < STORES_AGED)
		seen->whole[i] = 1;
}

/* 0: it starts and tells; -1 with why not. */
static int look(const char *dir, struct seen *seen, struct err *err)
{
	void *store = kind.open(dir, err);
	int rc;

	memset(seen, 0, sizeof(*seen));
	if (!store)
		return -1;
	rc = kind.list(store, note, seen, err);
	kind.close(store);
	return rc;
}

/* ---- faults ---- */

struct fault {
	const char *name;
	unsigned calls;
	int error;
	bool lasts; /* the k-th and all after it */
};

static long n_runs, n_acked, n_refused, n_faults;

/* k - 1 calls there were. */
static void told(const struct fault *f, long k, long step)
{
	n_faults += (k - 1) / step;
	printf("%s %s%s: %ld of %ld calls\n", f->name,
		f->error ? strerror(f->error) : "without a word",
		f->lasts ? ", from then on" : "", (k - 1) / step, k - 1);
}

/* After the fault everything must work again, at once. -1: there is no k-th
 * call. */
static int run_fault(const char *dir, const struct fault *f, long k)
{
	struct faulty state = {.calls = f->calls, .error = f->error, .at = k,
		.upto = f->lasts ? INT64_MAX : k};
	bool acked[ITEMS + 1] = {false};
	struct err err = {0};
	struct seen seen;
	void *store;

	stores_clear(dir);
	n_runs++;
	faulty_use(&state, dir);
	store = kind.open(dir, &err);
	for (int i = 0; store && i < ITEMS; i++) {
		acked[i] = kind.put(store, i, &err) == 0;
		n_acked += acked[i];
		n_refused += !acked[i];
	}
	faulty_use(NULL, NULL);
	if (!store)
		store = kind.open(dir, &err);
	if (!store)
		BUG("%s fails at call %ld: does not start afterwards: %s",
			f->name, k, err.text);
	if (kind.put(store, ITEMS, &err) < 0)
		BUG("%s fails at call %ld: takes nothing afterwards: %s",
			f->name, k, err.text);
	acked[ITEMS] = true;
	kind.close(store);
	if (look(dir, &seen, &err) < 0)
		BUG("%s fails at call %ld: %s", f->name, k, err.text);
	for (int i = 0; i <= ITEMS; i++)
		if (acked[i] && !seen.whole[i])
			BUG("%s fails at call %ld: item %d was acknowledged "
			    "and is lost", f->name, k, i);
	return state.hits ? 0 : -1;
}

/* Reads, in a store that holds something: a failing one is told, not taken for
 * damage, which would end an event. */
static int run_read_fault(const char *dir, const struct stores_file *files, size_t n,
	const struct fault *f, long k)
{
	struct faulty state = {.calls = f->calls, .error = f->error, .at = k,
		.upto = f->lasts ? INT64_MAX : k};
	struct err err = {0};
	struct seen seen;

	stores_lay(dir, files, n);
	n_runs++;
	faulty_use(&state, dir);
	for (int again = 0; again < 2; again++) {
		int rc = look(dir, &seen, &err);

		faulty_use(NULL, NULL);
		if (rc < 0 && (again || strstr(err.text, "damaged")))
			BUG("%s fails at call %ld: %s", f->name, k, err.text);
		for (int i = 0; i < STORES_AGED && rc == 0; i++)
			if (!seen.whole[i] || seen.told)
				BUG("%s fails at call %ld: item %d %s", f->name,
					k, i, again ? "is lost" : "is taken for "
					"damaged");
		n_refused += rc < 0;
	}
	return state.hits ? 0 : -1;
}

static void read_faults(const char *dir, long step)
{
	static const struct fault kinds[] = {
		{"read", FAULTY_READ, EIO, false},
		{"read", FAULTY_READ, EIO, true},
		{"half a read", FAULTY_SHORT, 0, false},
		{"half a read", FAULTY_SHORT, 0, true},
	};
	struct stores_file files[4];
	size_t n = stores_prepare(dir, files);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		long k = 1;

		while (run_read_fault(dir, files, n, &kinds[i], k) == 0)
			k += step;
		told(&kinds[i], k, step);
	}
	stores_free(files, n);
}

static int faults(const char *dir, long step)
{
	static const struct fault kinds[] = {
		{"write", FAULTY_WRITE, EIO, false},
		{"write", FAULTY_WRITE, ENOSPC, false},
		{"write", FAULTY_WRITE, ENOSPC, true},
		{"half a write", FAULTY_TORN, EIO, false},
		{"half a write", FAULTY_TORN, ENOSPC, true},
		{"sync", FAULTY_SYNC, EIO, false},
		{"sync", FAULTY_SYNC, EIO, true},
		{"truncate", FAULTY_TRUNCATE, EIO, false},
		{"truncate", FAULTY_TRUNCATE, ENOSPC, true},
		{"open", FAULTY_OPEN, EMFILE, false},
		{"open", FAULTY_OPEN, EMFILE, true},
		{"open", FAULTY_OPEN, EIO, false},
		{"unlink", FAULTY_UNLINK, EIO, false},
		{"unlink", FAULTY_UNLINK, EROFS, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct fault *f = &kinds[i];
		long k = 1;

		while (run_fault(dir, f, k) == 0)
			k += step;
		told(f, k, step);
	}
	read_faults(dir, step);
	printf("%ld faults in %ld runs: %ld acknowledged, %ld refused, 0 "
	       "lost\n", n_faults, n_runs, n_acked, n_refused);
	return n_faults == 0;
}

/* ---- flips ---- */

static int flips(const char *dir, int rounds)
{
	struct stores_file files[4];
	size_t n = stores_prepare(dir, files);
	int same = 0, told = 0, refused = 0, silent = 0, most = 0;
	struct seen seen;

	srandom(1);
	for (int round = 0; round < rounds; round++) {
		size_t f = (size_t)random() % n;
		size_t at = (size_t)random() % files[f].n;
		char bit = (char)(1 << random() % 8);
		struct err err = {0};
		int lost = 0;

		files[f].bytes[at] ^= bit;
		stores_lay(dir, files, n);
		files[f].bytes[at] ^= bit;
		if (look(dir, &seen, &err) < 0) {
			refused++;
			continue;
		}
		for (int i = 0; i < STORES_AGED; i++)
			lost += !seen.whole[i];
		if (lost > most)
			most = lost;
		if (lost > seen.told) {
			silent++;
			printf("%s, byte %zu, bit %d: %d lost, %d told of\n",
				files[f].name, at, bit, lost, seen.told);
		} else if (lost) {
			told++;
		} else {
			same++;
		}
	}
	stores_free(files, n);
	printf("%d flips: %d changed nothing, %d were told of one by one, %d "
	       "stopped the start with a sentence, %d lost unseen (at most %d "
	       "records)\n", rounds, same, told, refused, silent, most);
	return silent != 0;
}

/* ---- fill ---- */

static int fill(const char *dir, int n)
{
	struct err err = {0};
	void *store;

	stores_clear(dir);
	store = kind.open(dir, &err);
	for (int i = 0; i < n; i++)
		if (!store || kind.put(store, i, &err) < 0)
			BUG("%s", err.text);
	kind.close(store);
	return 0;
}

int main(int argc, char **argv)
{
	log_init("stores", LOG_FATAL);
	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return list_all();
	if (argc == 4 && strcmp(argv[1], "faults") == 0)
		return faults(argv[2], strtol(argv[3], NULL, 10));
	if (argc == 4 && strcmp(argv[1], "flips") == 0)
		return flips(argv[2], (int)strtol(argv[3], NULL, 10));
	if (argc == 4 && strcmp(argv[1], "fill") == 0)
		return fill(argv[2], (int)strtol(argv[3], NULL, 10));
	fprintf(stderr, "usage: %s list | faults DIR N | flips DIR N | fill DIR "
		"N\n", argv[0]);
	return 2;
}
