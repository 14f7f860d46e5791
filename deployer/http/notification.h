/*
 * What is posted to a trigger URL, and what the answer means. Pure.
 *
 * The body is the notification of Alibaba Cloud's container registry ("Manage
 * triggers", product documentation 60949): exactly its fields, in its order.
 * Times in it are China's (UTC+8) without a zone, as receivers of that format
 * read them. What the source did not tell: digest, region and namespace are
 * empty, date_created is the time of the push, and the types are NO_CERTIFIED,
 * NO_CERTIFIED and PUBLIC.
 *
 * No byte of a payload reaches a header.
 */
#ifndef DEPLOYER_NOTIFICATION_H
#define DEPLOYER_NOTIFICATION_H

#include "proto/io/http_client.h"
#include "proto/msg/job.h"

void notification_body(const struct event *e, struct strbuf *out);

/* The same for each attempt at a job and for no other job: EVENT-HASH, the
 * hash of the trigger's name. Fit for a header. */
#define NOTIFICATION_ID_LEN 54 /* with the NUL */
char *notification_id(const struct job *job, char buf[NOTIFICATION_ID_LEN]);

/* "HTTP status" or the word for what went wrong below HTTP; static or in
 * buf. err is NULL when an answer came. */
const char *notification_status(const struct http_result *res,
	const struct err *err, char buf[8]);
bool notification_delivered(const struct http_result *res,
	const struct err *err);
/* The receiver is in trouble: leave it alone for a minute. */
bool notification_slow(const struct http_result *res, const struct err *err);

/* For the row: JSON objects of at most RECORD_DETAIL_MAX bytes. */
void notification_request(const char *method, const char *url, bool by_proxy,
	const char *const *headers, size_t n, struct str body, struct strbuf *out);
void notification_response(const struct http_result *res, struct strbuf *out);

#endif
