#include "deployer/queue/queue_schema.h"

static const char *const migrations[] = {
	"CREATE TABLE jobs ("
	"  seq INTEGER PRIMARY KEY AUTOINCREMENT," /* order of arrival */
	"  id TEXT NOT NULL UNIQUE,"
	"  state INTEGER NOT NULL," /* enum queue_state */
	"  trigger_name TEXT NOT NULL,"
	"  target TEXT NOT NULL,"
	"  lane TEXT NOT NULL,"
	"  coalesce INTEGER NOT NULL,"
	"  time INTEGER NOT NULL," /* of the event */
	"  event TEXT NOT NULL,"
	"  payload BLOB," /* the packed job */
	"  attempt INTEGER NOT NULL DEFAULT 0,"
	"  due INTEGER NOT NULL DEFAULT 0,"
	"  enqueued INTEGER NOT NULL,"
	"  ended INTEGER,"
	"  note TEXT);" /* progress, or why it waits: for people */
	"CREATE INDEX jobs_open ON jobs (seq) WHERE state <> 3;"
	"CREATE INDEX jobs_ended ON jobs (ended) WHERE state = 3;"
	/* The newest push of each target, kept when its job is forgotten. */
	"CREATE TABLE targets ("
	"  key TEXT PRIMARY KEY,"
	"  lane TEXT NOT NULL,"
	"  time INTEGER NOT NULL,"
	"  event TEXT NOT NULL,"
	"  tag TEXT NOT NULL) WITHOUT ROWID;"
	/* Never a number twice: readers go on from the last one they saw. */
	"CREATE TABLE rows ("
	"  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  id TEXT NOT NULL UNIQUE,"
	"  row BLOB NOT NULL);"
	"CREATE TABLE journal ("
	"  job TEXT PRIMARY KEY,"
	"  lane TEXT NOT NULL,"
	"  note TEXT NOT NULL) WITHOUT ROWID;",
	/* Who is at each trigger's URL, when there is something to know. */
	"CREATE TABLE receivers ("
	"  trigger_name TEXT PRIMARY KEY,"
	"  url TEXT NOT NULL," /* its SHA-256: another URL is another one */
	"  failing_since INTEGER NOT NULL,"
	"  probe_at INTEGER NOT NULL,"
	"  gone_since INTEGER NOT NULL) WITHOUT ROWID;",
	/* A redelivery: the tries before it, which had the final row. */
	"ALTER TABLE jobs ADD COLUMN base INTEGER NOT NULL DEFAULT 0;",
	/* A person has said that it may be done. */
	"ALTER TABLE jobs ADD COLUMN approved INTEGER NOT NULL DEFAULT 0;",
	/* Jobs of our own making, until someone who posts them has them. */
	"CREATE TABLE notices ("
	"  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  id TEXT NOT NULL UNIQUE,"
	"  payload BLOB NOT NULL);",
	/* What the drivers remember beyond a job. */
	"CREATE TABLE driver_kept ("
	"  key TEXT PRIMARY KEY,"
	"  value TEXT NOT NULL) WITHOUT ROWID;",
	/* Of the job's last row. */
	"ALTER TABLE jobs ADD COLUMN status TEXT;",
	/* It ended in failure, and how often its sender had sent it again. */
	"ALTER TABLE jobs ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE jobs ADD COLUMN again INTEGER NOT NULL DEFAULT 0;",
	/* The triggers that containers have as labels, as they were last. */
	"CREATE TABLE labels ("
	"  engine TEXT PRIMARY KEY,"
	"  triggers TEXT NOT NULL) WITHOUT ROWID;",
	/* What each trigger did last to its target. */
	"CREATE TABLE last_done ("
	"  trigger_name TEXT NOT NULL,"
	"  target TEXT NOT NULL,"
	"  tag TEXT NOT NULL,"
	"  digest TEXT,"
	"  version TEXT,"
	"  time INTEGER NOT NULL,"
	"  PRIMARY KEY (trigger_name, target)) WITHOUT ROWID;",
	/* A person has said: not before it is released; also what failed. */
	"ALTER TABLE jobs ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE jobs ADD COLUMN forced INTEGER NOT NULL DEFAULT 0;",
	/* How often in a row it was running when the process died. */
	"ALTER TABLE jobs ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;",
};

const struct db_schema queue_schema = {
	.name = "pullwire deployer queue",
	.migrations = migrations,
	.n = ARRAY_LEN(migrations),
};
