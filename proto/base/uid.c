/*
 * UUIDv7 with RFC 9562 section 6.2, method 1: a counter of 26 bits after the
 * time (all of rand_a and the first 14 bits of rand_b), seeded at random with
 * its top bit clear in each new ms, then 48 random bits.
 */
#include "proto/base/uid.h"

#include <pthread.h>

#include "proto/base/enc.h"
#include "proto/base/str.h"

#define COUNTER_MAX 0x3ffffffu
#define TIME_MAX (((int64_t)1 << 48) - 1)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* The time and the counter of the newest id, under lock. */
static struct {
	int64_t ms;
	uint32_t counter;
} last;

/* Moves last to what the next id carries: never back, never the same. */
static void step(int64_t wall_ms)
{
	if (wall_ms > TIME_MAX)
		wall_ms = TIME_MAX;
	if (wall_ms > last.ms) {
		uint32_t seed;

		enc_random(&seed, sizeof(seed));
		last.ms = wall_ms;
		last.counter = seed & COUNTER_MAX >> 1;
		return;
	}
	/* A counter that is used up borrows from the time to come. */
	if (last.counter == COUNTER_MAX) {
		last.ms++;
		last.counter = 0;
		return;
	}
	last.counter++;
}

char *uid_new(int64_t wall_ms, char buf[UID_LEN])
{
	unsigned char b[16];
	char hex[33];
	uint64_t ms;
	uint32_t counter;

	enc_random(b + 10, 6);
	pthread_mutex_lock(&lock);
	step(wall_ms);
	ms = (uint64_t)last.ms;
	counter = last.counter;
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < 6; i++)
		b[i] = (unsigned char)(ms >> (40 - 8 * i));
	b[6] = (unsigned char)(0x70 | counter >> 22);
	b[7] = (unsigned char)(counter >> 14);
	b[8] = (unsigned char)(0x80 | (counter >> 8 & 0x3f));
	b[9] = (unsigned char)counter;
	enc_hex(b, sizeof(b), hex);
	snprintf(buf, UID_LEN, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
		hex + 12, hex + 16, hex + 20);
	return buf;
}

/* The 16 bytes of a valid id. 0 or -1. */
static int parse(const char *id, unsigned char b[16])
{
	static const struct {
		size_t at, n;
	} groups[] = {{0, 8}, {9, 4}, {14, 4}, {19, 4}, {24, 12}};
	struct str s = str_from(id);

	if (s.n != UID_LEN - 1)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		/* Lower case only: the text is the key. */
		if ((s.p[i] == '-') != dash || (s.p[i] >= 'A' && s.p[i] <= 'F'))
			return -1;
	}
	for (size_t i = 0, at = 0; i < ARRAY_LEN(groups); i++) {
		size_t from = groups[i].at, n = groups[i].n;

		if (enc_unhex(str_cut(s, from, from + n), b + at, n / 2) < 0)
			return -1;
		at += n / 2;
	}
	return b[6] >> 4 == 7 && b[8] >> 6 == 2 ? 0 : -1;
}

static int64_t time_of(const unsigned char b[16])
{
	int64_t ms = 0;

	for (int i = 0; i < 6; i++)
		ms = ms << 8 | b[i];
	return ms;
}

void uid_floor(const char *id)
{
	unsigned char b[16];
	uint32_t counter;
	int64_t ms;

	if (parse(id, b) < 0)
		return;
	ms = time_of(b);
	counter = (b[6] & 0x0fu) << 22 | (uint32_t)b[7] << 14 |
		(b[8] & 0x3fu) << 8 | b[9];
	pthread_mutex_lock(&lock);
	if (ms > last.ms || (ms == last.ms && counter > last.counter)) {
		last.ms = ms;
		last.counter = counter;
	}
	pthread_mutex_unlock(&lock);
}

int64_t uid_time(const char *id)
{
	unsigned char b[16];

	return parse(id, b) == 0 ? time_of(b) : -1;
}

bool uid_valid(const char *id)
{
	unsigned char b[16];

	return parse(id, b) == 0;
}

char *uid_job(const char *event, const char *trigger, char buf[UID_JOB_MAX])
{
	int n = snprintf(buf, UID_JOB_MAX, "%s/%s", event, trigger);

	/* A cut id would make two acts one. */
	if (n < 0 || n >= UID_JOB_MAX)
		BUG("job id of \"%s\" and \"%s\" is too long", event, trigger);
	return buf;
}

char *uid_record(const char *job, int64_t attempt, const char *status,
	char buf[UID_RECORD_MAX])
{
	int n = snprintf(buf, UID_RECORD_MAX, "%s/%lld/%s", job,
		(long long)attempt, status);

	if (n < 0 || n >= UID_RECORD_MAX)
		BUG("record id of \"%s\" is too long", job);
	return buf;
}
