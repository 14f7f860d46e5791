#include "proto/io/http_headers.h"

#include <microhttpd.h>

/*
 * libmicrohttpd before 1.0 cuts at a NUL, joins folded lines and takes a bare
 * LF for a line's end, all without a word. But its texts lie where they were
 * received, so each must begin where the one before it ended; whatever else
 * was between them, or after the last, shows as a gap. From 1.0 on the library
 * refuses these itself (MHD_OPTION_STRICT_FOR_CLIENT).
 */
struct layout {
	struct http_request *request;
	const char *at; /* where the next line must begin */
	bool gap;
};

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind UNUSED,
	const char *name, size_t n_name, const char *value, size_t n_value)
{
	struct layout *l = cls;

	if (!value)
		value = "", n_value = 0;
	if (name != l->at || value <= name + n_name)
		l->gap = true;
	else
		for (const char *p = name + n_name + 1; p < value; p++)
			l->gap |= *p != ' ' && *p != '\t';
	l->at = value + n_value + 2;
	http_request_add_header(l->request, (struct str){name, n_name},
		(struct str){value, n_value});
	return MHD_YES;
}

static bool line_has_gap(const struct http_request *r, const char *method,
	const char *target, size_t n_target, const char *version)
{
	if (!r->raw_target)
		return true;
	return target != method + strlen(method) + 1 ||
		version != target + n_target + 1;
}

void http_headers_take(struct http_request *r, struct MHD_Connection *conn,
	const char *method, const char *version)
{
	struct layout l = {.request = r, .at = version + strlen(version) + 2};
	const union MHD_ConnectionInfo *info;
	const char *end;

	MHD_get_connection_values_n(conn, MHD_HEADER_KIND, on_header, &l);
	info = MHD_get_connection_info(
		conn, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	if (MHD_get_version()[0] != '0' || !info)
		return;
	end = method + info->header_size;
	if (l.gap || l.at + 2 != end ||
		line_has_gap(r, method, r->raw_target, r->raw_length, version))
		http_request_fail_framing(r,
			"the headers have a NUL, a folded line or a line "
			"that does not end in CR LF");
}
