/*
 * What every source file may use: attributes, BUG(), banned functions.
 * First include everywhere, through each file's own header.
 */
#ifndef PROTO_BASE_BASE_H
#define PROTO_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define UNUSED __attribute__((unused))
#define NORETURN __attribute__((noreturn))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The struct that holds *ptr as its member. */
#define CONTAINER_OF(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/*
 * BUG(fmt, ...): an invariant of ours is broken. Says where and aborts.
 * Never for bad input and never for the state of the world.
 */
#define BUG(...) base_bug(__FILE__, __LINE__, __VA_ARGS__)
void base_bug(const char *file, int line, const char *fmt, ...)
	PRINTF_LIKE(3, 4) NORETURN;

/* Unbounded or silently truncating: use strbuf, str or snprintf. */
#undef sprintf /* macros in some builds of the C library */
#undef vsprintf
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atoll

#endif
