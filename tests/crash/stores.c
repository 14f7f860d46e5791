/*
 * A daemon's store after bad days, opened by the daemon's own code.
 *
 *   stores-KIND list           folders from standard input, a line each: what
 *                              is there, `WHAT ID` a line, then `.`, or
 *                              `! why it does not start`
 *   stores-KIND faults DIR     every call that changes a file fails in turn
 *   stores-KIND flips DIR N    a bit of the files is turned over, N times
 *   stores-KIND fill DIR N     N items
 *
 * What put() acknowledged must be there, or, for a flipped bit, be told of.
 */
#include "tests/crash/stores.h"

#include "proto/base/log.h"
#include "proto/base/map.h"
#include "proto/base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ITEMS 12     /* of a fault's run */
#define FLIP_ITEMS 60

/* ---- files ---- */

static void clear(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[512];

	while (d && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	if (d)
		closedir(d);
	else if (mkdir(dir, 0700) < 0)
		BUG("%s: %s", dir, strerror(errno));
}

static size_t read_file(const char *path, char **bytes)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		BUG("%s: %s", path, strerror(errno));
	*bytes = xmalloc((size_t)st.st_size + 1);
	n = read(fd, *bytes, (size_t)st.st_size);
	close(fd);
	return n < 0 ? 0 : (size_t)n;
}

static void write_file(const char *path, const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		BUG("%s: %s", path, strerror(errno));
	close(fd);
}

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
	int whole[FLIP_ITEMS];
	int told; /* of damage */
};

static void note(void *ctx, const char *what, const char *id)
{
	struct seen *seen = ctx;
	unsigned i;

	if (strcmp(what, "damaged") == 0)
		seen->told++;
	else if (id && sscanf(id, STORES_ID, &i) == 1 && i < FLIP_ITEMS)
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

static long n_runs, n_acked, n_refused, n_faults;

/* After the fault everything must work again, at once. */
static void run_fault(const char *dir, const struct fault *f)
{
	bool acked[ITEMS + 1] = {false};
	struct err err = {0};
	struct seen seen;
	void *store;

	clear(dir);
	n_runs++;
	faulty_arm(f, dir);
	store = kind.open(dir, &err);
	for (int i = 0; store && i < ITEMS; i++) {
		acked[i] = kind.put(store, i, &err) == 0;
		n_acked += acked[i];
		n_refused += !acked[i];
	}
	faulty_arm(NULL, NULL);
	if (!store)
		store = kind.open(dir, &err);
	if (!store)
		BUG("%s fails at call %ld: does not start afterwards: %s",
			f->call, f->at, err.text);
	if (kind.put(store, ITEMS, &err) < 0)
		BUG("%s fails at call %ld: takes nothing afterwards: %s",
			f->call, f->at, err.text);
	acked[ITEMS] = true;
	kind.close(store);
	if (look(dir, &seen, &err) < 0)
		BUG("%s fails at call %ld: %s", f->call, f->at, err.text);
	for (int i = 0; i <= ITEMS; i++)
		if (acked[i] && !seen.whole[i])
			BUG("%s fails at call %ld: item %d was acknowledged "
			    "and is lost", f->call, f->at, i);
}

static int faults(const char *dir)
{
	static const struct fault kinds[] = {
		{"write", EIO, 0, false}, {"write", ENOSPC, 0, false},
		{"write", ENOSPC, 0, true}, {"sync", EIO, 0, false},
		{"sync", EIO, 0, true}, {"truncate", EIO, 0, false},
		{"truncate", ENOSPC, 0, true}, {"open", EMFILE, 0, false},
		{"open", EMFILE, 0, true}, {"open", EIO, 0, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct fault f = kinds[i];

		do {
			f.at++;
			run_fault(dir, &f);
		} while (faulty_hit());
		n_faults += f.at - 1;
		printf("%s %s%s: each of %ld calls\n", f.call,
			strerror(f.error), f.lasts ? ", from then on" : "",
			f.at - 1);
	}
	printf("%ld faults in %ld runs: %ld acknowledged, %ld refused, 0 "
	       "lost\n", n_faults, n_runs, n_acked, n_refused);
	return n_faults == 0;
}

/* ---- flips ---- */

struct file {
	char *name, *bytes;
	size_t n;
};

/* The files of a store that is not closed: pages in the log and in the
 * database both. */
static size_t take_files(const char *dir, struct file *files)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[512];
	size_t n = 0;

	while (d && (e = readdir(d)) != NULL) {
		const char *end = strrchr(e->d_name, '.');

		if (!end || (strcmp(end, ".db") != 0 &&
				    strcmp(end, ".db-wal") != 0))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		files[n].name = xstrdup(e->d_name);
		files[n].n = read_file(path, &files[n].bytes);
		if (files[n].n) {
			n++;
		} else {
			free(files[n].name);
			free(files[n].bytes);
		}
	}
	closedir(d);
	return n;
}

static size_t prepare(const char *dir, struct file *files)
{
	struct err err = {0};
	void *store = NULL;
	size_t n;

	clear(dir);
	for (int i = 0; i < FLIP_ITEMS; i++) {
		if (i % (FLIP_ITEMS / 2) == 0) /* the first half in the file */
			store = i ? (kind.close(store), kind.open(dir, &err))
				  : kind.open(dir, &err);
		if (!store || kind.put(store, i, &err) < 0)
			BUG("%s", err.text);
	}
	n = take_files(dir, files);
	kind.close(store);
	return n;
}

static void lay(const char *dir, const struct file *files, size_t n)
{
	char path[512];

	clear(dir);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
		write_file(path, files[i].bytes, files[i].n);
	}
}

static int flips(const char *dir, int rounds)
{
	struct file files[4];
	size_t n = prepare(dir, files);
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
		lay(dir, files, n);
		files[f].bytes[at] ^= bit;
		if (look(dir, &seen, &err) < 0) {
			refused++;
			continue;
		}
		for (int i = 0; i < FLIP_ITEMS; i++)
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
	for (size_t i = 0; i < n; i++) {
		free(files[i].name);
		free(files[i].bytes);
	}
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

	clear(dir);
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
	if (argc == 3 && strcmp(argv[1], "faults") == 0)
		return faults(argv[2]);
	if (argc == 4 && strcmp(argv[1], "flips") == 0)
		return flips(argv[2], (int)strtol(argv[3], NULL, 10));
	if (argc == 4 && strcmp(argv[1], "fill") == 0)
		return fill(argv[2], (int)strtol(argv[3], NULL, 10));
	fprintf(stderr, "usage: %s list | faults DIR | flips DIR N | fill DIR "
		"N\n", argv[0]);
	return 2;
}
