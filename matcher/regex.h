/*
 * Regular expressions on tags, over PCRE2. An expression takes the whole
 * subject or nothing, case-sensitive, on bytes. Every match is bounded in
 * steps, depth and memory, since an expression may be made to run for ever
 * ("(a+)+$"): one that reaches a limit has no answer, which is neither yes nor
 * no. Only file with pcre2.h. Used from one thread.
 */
#ifndef MATCHER_REGEX_H
#define MATCHER_REGEX_H

#include "proto/base/err.h"
#include "proto/base/strbuf.h"

#define REGEX_PATTERN_MAX 512 /* bytes */
/* Steps. Ten times what harmless expressions on tags need; with 10,000 nested
 * optional groups such as `((ab)?){40}(ab){40}` took over a millisecond. */
#define REGEX_MATCH_LIMIT 3000
#define REGEX_DEPTH_LIMIT 2000
#define REGEX_HEAP_LIMIT 1024 /* KiB */

struct regex; /* opaque */

enum regex_answer {
	REGEX_NO,
	REGEX_YES,
	REGEX_UNKNOWN, /* a limit was reached; err has the sentence */
};

/* NULL with err: PCRE2's message and where in the pattern. */
struct regex *regex_new(const char *pattern, struct err *err) MUST_CHECK;
void regex_free(struct regex *r); /* NULL is fine */
enum regex_answer regex_match(struct regex *r, struct str subject,
	struct err *err) MUST_CHECK;
/* Has it named groups? */
bool regex_has_names(const struct regex *r);
/* After a match of subject that said yes: what its named groups took, in their
 * order, with slashes between. */
void regex_names(const struct regex *r, struct str subject,
	struct strbuf *out);

#endif
