#include "proto/data/json.h"

static void write_children(const struct json *j, struct strbuf *out)
{
	bool object = json_kind(j) == JSON_OBJECT;

	strbuf_add_char(out, object ? '{' : '[');
	for (struct json *c = json_first(j); c != NULL; c = json_next(c)) {
		if (c != json_first(j))
			strbuf_add_char(out, ',');
		if (object) {
			json_write_str(str_from(json_key(c)), out);
			strbuf_add_char(out, ':');
		}
		json_write(c, out);
	}
	strbuf_add_char(out, object ? '}' : ']');
}

void json_write(const struct json *j, struct strbuf *out)
{
	char buf[JSON_NUMBER_BUF];

	switch (json_kind(j)) {
	case JSON_NULL:
		strbuf_add_cstr(out, "null");
		return;
	case JSON_BOOL:
		strbuf_add_cstr(out, json_bool(j) ? "true" : "false");
		return;
	case JSON_NUMBER:
		strbuf_add_str(out, json_number_text(j, buf));
		return;
	case JSON_STRING:
		json_write_str(str_from(json_str(j)), out);
		return;
	case JSON_ARRAY:
	case JSON_OBJECT:
		write_children(j, out);
		return;
	}
}
