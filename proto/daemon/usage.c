#include "proto/daemon/usage.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/metrics.h"

static int64_t us(struct timeval t)
{
	return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

static void look_at_memory(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long size, resident;

	if (f == NULL)
		return;
	if (fscanf(f, "%ld %ld", &size, &resident) == 2)
		metric_set(METRIC_MEMORY, NULL, NULL,
			(int64_t)resident * sysconf(_SC_PAGESIZE));
	fclose(f);
}

static void look_at_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int64_t n = -3; /* ".", "..", and the one that looks */

	if (d == NULL)
		return;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	metric_set(METRIC_FDS, NULL, NULL, n);
}

void usage_update(void)
{
	static int64_t started; /* UTC ms: the first look is at the start */
	struct rusage r;

	if (started == 0)
		started = clock_wall();
	metric_set(METRIC_BUILD_INFO, PULLWIRE_VERSION, NULL, 1);
	metric_set(METRIC_START_TIME, NULL, NULL, started * 1000);
	if (getrusage(RUSAGE_SELF, &r) == 0)
		metric_set(METRIC_CPU, NULL, NULL,
			us(r.ru_utime) + us(r.ru_stime));
	look_at_memory();
	look_at_files();
}
