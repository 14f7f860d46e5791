/* What every fuzz target has: libFuzzer's entry, and a check that stays. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "proto/base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(cond) \
	((cond) ? (void)0 \
		: (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond), \
			  abort()))

#endif
