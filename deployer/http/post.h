/*
 * One post to a trigger URL, on the loop: the URL's rules are checked again,
 * each address is judged before it is connected to, the body is signed, and
 * what was sent and answered is told as the access log has it. Through a proxy
 * only addresses that a URL spells out can be judged.
 */
#ifndef DEPLOYER_POST_H
#define DEPLOYER_POST_H

#include "deployer/http/egress.h"
#include "deployer/http/notice_text.h"
#include "proto/base/list.h"
#include "proto/io/http_client.h"

struct poster;

struct post_spec {
	const struct conf_trigger *trigger; /* url, secret, headers; outlives
					       the post */
	const char *id; /* webhook-id */
	int64_t hops;   /* already made by the push */
	struct str body;
	/* How it is said, when it is no notification; NULL: as one is. */
	const struct notice_form *form;
};

/* How it ended; the texts are borrowed for the callback's time. */
struct post_result {
	const char *status; /* of the row: a number or a word */
	char reason[600];   /* a sentence's start */
	bool delivered;     /* 2xx */
	bool hopeless;      /* another try would end the same way */
	bool slow;          /* the receiver is in trouble */
	bool gone;          /* 410 */
	const char *retry_after; /* the header, or NULL */
	int64_t duration_ms;
	const char *request;  /* JSON for the row, or NULL */
	const char *response; /* or NULL */
};

struct poster *poster_new(struct loop *l, const struct conf *conf);
/* Cancels what is under way: no done is called any more. NULL is fine. */
void poster_free(struct poster *p);

/* done is called once; also from within start, when the URL or the hops are
 * against the rules. */
void post_start(struct poster *p, const struct post_spec *spec,
	void (*done)(void *ctx, const struct post_result *res), void *ctx);

#endif
