/* Look-ups by path, for provider parsers: the error names the path. */
#include "proto/data/json.h"

#define STEP_MAX 128 /* bytes of one key in a path; paths are ours */

struct json *json_path(const struct json *j, const char *path)
{
	struct str rest = str_from(path), part;
	const struct json *at = j;
	char key[STEP_MAX];
	uint64_t i;

	while (at != NULL && str_split(&rest, '.', &part)) {
		if (json_kind(at) == JSON_ARRAY) {
			at = str_to_u64(part, &i) == 0 ? json_at(at, i) : NULL;
			continue;
		}
		if (part.n >= sizeof(key))
			BUG("json path %s: a step is too long", path);
		memcpy(key, part.p, part.n);
		key[part.n] = '\0';
		at = json_get(at, key);
	}
	return (struct json *)(uintptr_t)at;
}

int json_need_str(const struct json *j, const char *path, const char **out,
	struct err *err)
{
	const struct json *c = json_path(j, path);

	*out = json_str(c);
	if (*out != NULL)
		return 0;
	if (c == NULL)
		return err_fail(err, "%s is missing", path);
	return err_fail(err, "%s is not a string", path);
}

int json_want_str(const struct json *j, const char *path, const char **out,
	struct err *err)
{
	const struct json *c = json_path(j, path);

	*out = json_str(c);
	if (*out == NULL && !json_is_null(c))
		return err_fail(err, "%s is not a string", path);
	return 0;
}
