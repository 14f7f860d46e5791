/*
 * A fuzz target without libFuzzer: main SECONDS SEED FOLDER... runs every file
 * of the folders, then mutants of them for the time. Blind, where libFuzzer
 * looks at what is reached; for machines that have no clang. A crash leaves
 * the input in fuzz-crash.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/mem.h"
#include "proto/base/str.h"
#include "proto/base/vec.h"

#define INPUT_MAX 65536

struct input {
	uint8_t *p;
	size_t n;
};

static VEC(struct input) inputs;
static uint8_t mutant[2 * INPUT_MAX];
static const uint8_t *now_p;
static size_t now_n;
static uint64_t state;

static void keep_crash(int sig)
{
	int fd = open("fuzz-crash", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd >= 0 && write(fd, now_p, now_n) == (ssize_t)now_n)
		close(fd);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void run(const uint8_t *p, size_t n)
{
	uint8_t *copy = xmalloc(n ? n : 1); /* so that an overrun is seen */

	memcpy(copy, p, n);
	now_p = p;
	now_n = n;
	(void)LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void load(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *de;

	if (!d)
		return;
	while ((de = readdir(d))) {
		char path[4096];
		struct input in = {xmalloc(INPUT_MAX), 0};
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", folder, de->d_name);
		f = *de->d_name != '.' ? fopen(path, "r") : NULL;
		if (f) {
			in.n = fread(in.p, 1, INPUT_MAX, f);
			fclose(f);
			VEC_PUSH(&inputs, in);
		} else {
			free(in.p);
		}
	}
	closedir(d);
}

/* xorshift64* */
static size_t draw(size_t n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return n ? (size_t)((state * UINT64_C(2685821657736338717)) >> 33) % n
		 : 0;
}

/* A part of one input put over a part of another, and some bytes changed. */
static size_t mutate(void)
{
	const struct input *a = &inputs.v[draw(inputs.n)];
	const struct input *b = &inputs.v[draw(inputs.n)];
	size_t at = draw(a->n + 1), drop = draw(3) ? 0 : draw(a->n - at + 1);
	size_t from = draw(b->n + 1);
	size_t take = draw(3) ? 0 : draw(b->n - from + 1), n;

	memcpy(mutant, a->p, at);
	memcpy(mutant + at, b->p + from, take);
	memcpy(mutant + at + take, a->p + at + drop, a->n - at - drop);
	n = a->n - drop + take;
	for (size_t i = draw(6); i > 0 && n; i--)
		mutant[draw(n)] = (uint8_t)(draw(2) ? draw(256)
			: (size_t)"{}[]\":,\\/0-.@%&=\n"[draw(17)]);
	return n;
}

int main(int argc, char **argv)
{
	int64_t seconds = 0, seed = 1, runs = 0;
	time_t end;

	if (argc < 4 || str_to_i64(str_from(argv[1]), &seconds) < 0 ||
		str_to_i64(str_from(argv[2]), &seed) < 0) {
		fprintf(stderr, "usage: %s SECONDS SEED FOLDER...\n", argv[0]);
		return 2;
	}
	state = (uint64_t)seed * 2 + 1;
	signal(SIGABRT, keep_crash);
	for (int i = 3; i < argc; i++)
		load(argv[i]);
	if (!inputs.n) {
		fprintf(stderr, "%s: the folders are empty\n", argv[0]);
		return 1;
	}
	for (size_t i = 0; i < inputs.n; i++, runs++)
		run(inputs.v[i].p, inputs.v[i].n);
	end = time(NULL) + (time_t)seconds;
	for (; time(NULL) < end; runs++)
		run(mutant, mutate());
	printf("Done %" PRId64 " runs\n", runs);
	for (size_t i = 0; i < inputs.n; i++)
		free(inputs.v[i].p);
	VEC_RELEASE(&inputs);
	return 0;
}
