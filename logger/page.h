/* The page's files, page/, as they are in this program. */
#ifndef LOGGER_PAGE_H
#define LOGGER_PAGE_H

#include "proto/base/str.h"

struct page_file {
	const char *name;
	struct str bytes;
};

extern const struct page_file page_files[];
extern const size_t page_files_n;

#endif
