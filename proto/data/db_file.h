/* A file and the folders above it: their names are on the disk when a call
 * returns, also those that a process has made which died just then. */
#ifndef PROTO_DATA_DB_FILE_H
#define PROTO_DATA_DB_FILE_H

#include "proto/base/err.h"

/* The missing folders above it, 0700. */
int db_file_folders(const char *path, struct err *err);
/* It and its folders, unless it is there: its owner's alone, whatever the umask. */
int db_file_make(const char *path, struct err *err);

#endif
