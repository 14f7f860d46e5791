#include "logger/page.h"

#include "logger/api_call.h"

static const char *type_of(const char *name)
{
	static const struct {
		const char *end, *type;
	} types[] = {
		{".html", "text/html; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".svg", "image/svg+xml"},
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < ARRAY_LEN(types); i++) {
		if (strcmp(dot, types[i].end) == 0)
			return types[i].type;
	}
	BUG("%s: a file of the page of a type that is not known", name);
}

/* GET / is index.html, /page/NAME the others. */
void api_get_page(struct api_call *c)
{
	const char *name = *c->id ? c->id : "index.html";

	for (size_t i = 0; i < page_files_n; i++) {
		if (strcmp(page_files[i].name, name) != 0)
			continue;
		answer_file(c->req, type_of(name), page_files[i].bytes);
		return;
	}
	answer_error(c->req, 404, NULL, "the page has no such file");
}
