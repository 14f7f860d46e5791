/*
 * faulty.c in a running daemon: FAULTY_CONTROL is a file with a struct faulty,
 * which the test writes while the daemon runs; FAULTY_DIR what it is about.
 */
#include "tests/crash/faulty.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

__attribute__((constructor)) static void use(void)
{
	const char *path = getenv("FAULTY_CONTROL");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *state;

	if (fd < 0)
		return;
	state = mmap(NULL, sizeof(struct faulty), PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	close(fd);
	if (state == MAP_FAILED)
		abort();
	faulty_use(state, getenv("FAULTY_DIR"));
}
