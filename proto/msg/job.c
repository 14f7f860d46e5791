#include "proto/msg/job.h"

#include "proto/base/uid.h"

static const struct field fields[] = {
	FIELD(struct job, id, FIELD_STR, UID_JOB_MAX - 1, FIELD_REQUIRED,
		"EVENT/TRIGGER: the same job sent twice is done once."),
	FIELD(struct job, trigger, FIELD_STR, UID_TRIGGER_MAX, FIELD_REQUIRED,
		"The trigger's name; what it does is in the deployer's own "
		"configuration."),
	FIELD(struct job, lane, FIELD_STR, 64, FIELD_REQUIRED,
		"Where it is done: `http` or the name of an engine."),
	FIELD(struct job, reason, FIELD_STR, 1024, 0,
		"Why the trigger matched, a sentence."),
	FIELD(struct job, generation, FIELD_STR, 16, 0,
		"The configuration that the matcher decided by."),
	FIELD(struct job, version, FIELD_STR, JOB_VERSION_MAX, 0,
		"The tag's version, if the trigger has `newer_only`: `semver "
		"1.4.0-rc.1`, or `groups 1/4/12`, what the named groups of its "
		"expression took."),
	FIELD_OF(struct job, event, &event_table, FIELD_REQUIRED,
		"The push."),
	FIELD(struct job, notice, FIELD_JSON, JOB_NOTICE_MAX, 0,
		"The job is a notice, from a deployer to one that serves "
		"`http`: the row that is told about, an object of the row's "
		"fields."),
};

const struct field_table job_table = {
	.name = "job",
	.help = "One action for one event and one trigger. From matchers, and as "
		"notices from deployers, to deployers.",
	.size = sizeof(struct job),
	.fields = fields,
	.n = ARRAY_LEN(fields),
};
