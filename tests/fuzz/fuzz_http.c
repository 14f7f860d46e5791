/*
 * A request as the HTTP server puts it together: target with path and query,
 * method, headers, body. The input is the request's text, its lines ended by
 * \n or \r\n. A request without a fault is within its limits.
 */
#include "proto/io/http_request.h"

#include "tests/fuzz/fuzz.h"

#define BODY_MAX 4096

static struct str cut_return(struct str line)
{
	return str_ends(line, STR("\r")) ? str_cut(line, 0, line.n - 1) : line;
}

static void set_line(struct http_request *r, struct str line,
	struct strbuf *version)
{
	struct strbuf method = {0}, target = {0};
	struct str part;

	if (str_split(&line, ' ', &part))
		strbuf_add_str(&method, part);
	if (str_split(&line, ' ', &part))
		strbuf_add_str(&target, part);
	strbuf_add_str(version, line);
	http_request_set_target(r, strbuf_cstr(&target));
	http_request_set_method(r, strbuf_cstr(&method));
	strbuf_release(&method);
	strbuf_release(&target);
}

static void check(const struct http_request *r)
{
	const char *key, *value;
	size_t i = 0;

	FUZZ_CHECK(http_request_path(r) && http_request_method(r));
	while (http_request_query_at(r, i, &key, &value)) {
		FUZZ_CHECK(http_request_query(r, key));
		i++;
	}
	(void)http_request_header(r, "authorization");
	if (http_request_fault(r) != HTTP_OK) {
		FUZZ_CHECK(*http_request_fault_text(r));
		FUZZ_CHECK(http_request_body(r).n == 0);
		return;
	}
	FUZZ_CHECK(i <= HTTP_QUERY_MAX && r->n_headers <= HTTP_FIELDS_MAX);
	FUZZ_CHECK(http_request_body(r).n <= BODY_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request *r = http_request_new(BODY_MAX);
	struct str text = {(const char *)data, size}, line = {0};
	struct strbuf version = {0};

	if (str_split(&text, '\n', &line))
		set_line(r, cut_return(line), &version);
	while (str_split(&text, '\n', &line)) {
		size_t colon;

		line = cut_return(line);
		if (!line.n)
			break;
		colon = str_find(line, ':');
		http_request_add_header(r, str_cut(line, 0, colon),
			str_trim(str_cut(line, colon + 1, line.n)));
	}
	http_request_check(r, strbuf_cstr(&version));
	if (text.n)
		http_request_add_body(r, text);
	check(r);
	http_request_unref(r);
	strbuf_release(&version);
	return 0;
}
