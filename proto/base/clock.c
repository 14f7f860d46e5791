#include "proto/base/clock.h"

#include <errno.h>
#include <time.h>

#ifdef PULLWIRE_FAIL_POINTS
#include "proto/base/str.h"

static int64_t wall_offset(void)
{
	int64_t ms;

	if (str_to_i64(str_from(getenv("PULLWIRE_WALL_OFFSET")), &ms) < 0)
		return 0;
	return ms;
}
#else
static int64_t wall_offset(void)
{
	return 0;
}
#endif

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		BUG("clock_gettime(%d): %s", (int)id, strerror(errno));
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_us(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		BUG("clock_gettime: %s", strerror(errno));
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_mono(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_wall(void)
{
	return read_ms(CLOCK_REALTIME) + wall_offset();
}

void clock_sleep(int64_t ms)
{
	struct timespec left = {
		.tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000 * 1000000),
	};

	if (ms <= 0)
		return;
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
}
