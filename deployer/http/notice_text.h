/*
 * What is sent about a redeploy's end, in the words of who gets it. Pure.
 *
 *   webhook  Standard Webhooks' {"type","timestamp","data"}, and "text"
 *   slack    incoming webhooks: {"text"}; Mattermost and Rocket.Chat as well
 *   discord  execute webhook: {"content"}, 2,000 characters at most
 *   teams    Workflows, "when a webhook request is received": an adaptive card
 *   matrix   client-server API 1.11, PUT .../send/m.room.message/{txnId}
 *   ntfy     publishing: the body is the message, title and tags are headers
 *
 * What the row says is foreign text: control characters and marks of writing
 * direction are taken out, what a format reads as markup is escaped, mentions
 * and links are broken up by a zero-width space. No byte of it reaches a
 * header or a URL.
 */
#ifndef DEPLOYER_NOTICE_TEXT_H
#define DEPLOYER_NOTICE_TEXT_H

#include "proto/base/strbuf.h"
#include "proto/data/conf.h"

#define NOTICE_TEXT_MAX 1900 /* bytes of what is said */

struct notice_form {
	const char *method, *content_type; /* static */
	const char *headers[3]; /* static; NULL at the end */
	struct strbuf url, body;
};

/* row is the job's notice; id, which is ours, goes into Matrix' URL. */
void notice_form(const struct conf_notify *n, const char *row, const char *id,
	struct notice_form *out);
void notice_form_release(struct notice_form *form);

#endif
