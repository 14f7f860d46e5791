#include "deployer/docker/docker_platform.h"

static bool has(const struct json *image, const char *key, struct str want)
{
	return str_eq(str_from(json_str(json_get(image, key))), want);
}

static bool is_of(const struct json *image, const char *platform)
{
	static const char *const keys[] = {"Os", "Architecture", "Variant"};
	struct str rest = str_from(platform), part;

	for (size_t i = 0; i < ARRAY_LEN(keys) && str_split(&rest, '/', &part);
		i++)
		if (!has(image, keys[i], part))
			return false;
	return true;
}

static void name(const struct json *image, const char *key, struct strbuf *out)
{
	const char *part = json_str(json_get(image, key));

	if (part != NULL && *part != '\0')
		strbuf_addf(out, "%s%s", out->len > 0 ? "/" : "", part);
}

int docker_platform_fits(const struct json *image,
	const struct conf_trigger *t, struct err *err)
{
	struct strbuf is = {0}, want = {0};

	for (size_t i = 0; i < t->platforms.n; i++) {
		if (is_of(image, t->platforms.v[i]))
			goto fits;
		strbuf_addf(&want, "%s`%s`", i > 0 ? ", " : "",
			t->platforms.v[i]);
	}
	if (t->platforms.n == 0)
		goto fits;
	name(image, "Os", &is);
	name(image, "Architecture", &is);
	name(image, "Variant", &is);
	err_fail(err, "the image is for %s, not for one of the trigger's "
		"platforms: %s", is.len > 0 ? strbuf_cstr(&is) : "an unknown "
		"platform", strbuf_cstr(&want));
	strbuf_release(&is);
	strbuf_release(&want);
	return -1;
fits:
	strbuf_release(&want);
	return 0;
}
