#include "deployer/docker/docker_watchtower.h"

#include "proto/base/mem.h"

#define PREFIX STR("com.centurylinklabs.watchtower.")
/* Their "no limit" is our longest. */
#define LONGEST_MIN 60

/* As Go's ParseBool has it, which is what Watchtower asks. */
static bool is_true(const char *text)
{
	static const char *const words[] = {
		"1", "t", "T", "true", "TRUE", "True"};

	for (size_t i = 0; text != NULL && i < ARRAY_LEN(words); i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

bool docker_watchtower_enabled(const struct json *labels, const char *from,
	struct opt_errors *faults)
{
	static const char *const no_pull =
		"com.centurylinklabs.watchtower.no-pull";

	if (!is_true(json_str(json_get(labels, DOCKER_WATCHTOWER_ENABLE))))
		return false;
	if (!is_true(json_str(json_get(labels, no_pull))))
		return true;
	opt_error(faults, from, 0, "label %s is true, and a redeploy here "
		"pulls: it has no trigger; pullwire.enable=true gives it one "
		"all the same", no_pull);
	return false;
}

static void copy(struct json *out, const char *key, const char *text)
{
	json_set_str(out, key, text);
}

static void truth(struct json *out, const char *key, const char *text)
{
	json_set_str(out, key, is_true(text) ? "true" : "false");
}

/* They are run by a shell. */
static void command(struct json *out, const char *key, const char *text)
{
	struct json *list = json_new_array();

	json_push(list, json_new_str("sh"));
	json_push(list, json_new_str("-c"));
	json_push(list, json_new_str(text));
	json_set(out, key, list);
}

/* Two of theirs are one of ours: the longer. What is no number goes on as it
 * is, so that the key's own check tells it. */
static void minutes(struct json *out, const char *key, const char *text)
{
	struct str known = str_from(json_str(json_get(out, key)));
	int64_t n, before = 0;
	char *value;

	if (str_to_i64(str_from(text), &n) != 0) {
		json_set_str(out, key, text);
		return;
	}
	if (n <= 0 || n > LONGEST_MIN)
		n = LONGEST_MIN;
	if (known.n > 1)
		(void)str_to_i64(str_cut(known, 0, known.n - 1), &before);
	value = xprintf("%lldm", (long long)(n > before ? n : before));
	json_set_str(out, key, value);
	free(value);
}

/* USER[:GROUP], from two labels. */
static void user(struct json *out, const char *key, const char *text)
{
	const char *group = json_str(json_get(out, key));
	char *value = xprintf("%s%s", text, group != NULL ? group : "");

	json_set_str(out, key, value);
	free(value);
}

static void group(struct json *out, const char *key, const char *text)
{
	const char *name = json_str(json_get(out, key));
	char *value = xprintf("%s:%s", name != NULL ? name : "", text);

	json_set_str(out, key, value);
	free(value);
}

static const struct {
	const char *theirs, *ours; /* NULL: looked at elsewhere */
	void (*set)(struct json *out, const char *key, const char *text);
} table[] = {
	{"enable", NULL, NULL},
	{"no-pull", NULL, NULL},
	{"monitor-only", "dry_run", truth},
	{"cooldown-delay", "min_age", copy},
	{"stop-signal", "stop_signal", copy},
	{"lifecycle.pre-check", "pre_check", command},
	{"lifecycle.pre-check-timeout", "check_timeout", minutes},
	{"lifecycle.pre-update", "pre_hook", command},
	{"lifecycle.pre-update-timeout", "hook_timeout", minutes},
	{"lifecycle.post-update", "post_hook", command},
	{"lifecycle.post-update-timeout", "hook_timeout", minutes},
	{"lifecycle.post-check", "post_check", command},
	{"lifecycle.post-check-timeout", "check_timeout", minutes},
	{"lifecycle.uid", "hook_user", user},
	{"lifecycle.gid", "hook_user", group},
};

static void take(struct str name, const char *text, const char *from,
	struct json *out, struct opt_errors *faults)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (!str_is(name, table[i].theirs))
			continue;
		if (table[i].set != NULL)
			table[i].set(out, table[i].ours, text);
		return;
	}
	opt_error(faults, from, 0, "label %.*s%.*s has no meaning here; its "
		"other labels count", (int)PREFIX.n, PREFIX.p, (int)name.n,
		name.p);
}

void docker_watchtower_keys(const struct json *labels, const char *from,
	struct json *out, struct opt_errors *faults)
{
	const struct json *l = json_first(labels);

	for (; l != NULL; l = json_next(l)) {
		struct str key = str_from(json_key(l));

		if (str_starts(key, PREFIX) && json_str(l) != NULL)
			take(str_cut(key, PREFIX.n, key.n), json_str(l), from,
				out, faults);
	}
}
