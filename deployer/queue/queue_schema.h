/*
 * The queue's database: its tables, as migrations. What is released is never
 * changed: what is new goes to the end.
 */
#ifndef DEPLOYER_QUEUE_SCHEMA_H
#define DEPLOYER_QUEUE_SCHEMA_H

#include "proto/data/db.h"

extern const struct db_schema queue_schema;

#endif
