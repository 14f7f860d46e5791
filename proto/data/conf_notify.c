/* notify: who is told how redeploys ended, and the templates of what is said. */
#include "proto/data/conf_load.h"

#include <fnmatch.h>

#define TEMPLATE_MAX 1000 /* bytes */

static const char *const formats[] = {"webhook", "slack", "discord", "teams",
	"matrix", "ntfy", NULL};
const char *const conf_notify_outcomes[] = {"deployed", "rolled_back",
	"failed", "refused", NULL};
const char *const conf_notify_fields[] = {"status", "trigger", "repository",
	"tag", "digest", "target", "reason", "from_digest", "to_digest",
	"event", "source", "attempt", "time", NULL};

/* A key of struct conf_notify that is kept in `as`. */
#define AS(member, otype, help_, ...) \
	{ \
		.key = #member, .type = (otype), \
		.offset = offsetof(struct conf_notify, as.member), \
		.help = (help_), __VA_ARGS__ \
	}

static const struct opt notify_opts[] = {
	KEY(struct conf_notify, name, OPT_STR, NULL,
		"Unique; its rows in the access log have the trigger "
		"`notify:NAME:TRIGGER`.",
		.flags = OPT_REQUIRED | OPT_RELOAD,
		.max = CONF_NOTIFY_NAME_MAX),
	AS(url, OPT_STR,
		"Where to post: the same rules, retries and rows as a "
		"trigger's `url`. The rows show its host only.",
		.flags = OPT_REQUIRED | OPT_RELOAD),
	KEY(struct conf_notify, format, OPT_ENUM, "webhook",
		"`webhook` is a JSON object with all fields, signed with "
		"`secret`. `slack` is also Mattermost's and Rocket.Chat's, "
		"`teams` a Workflows URL, `ntfy` a topic's URL. `matrix` is "
		"sent with PUT to `https://HOMESERVER/_matrix/client/v3/rooms/"
		"ROOM/send/m.room.message`, with `Authorization: Bearer TOKEN` "
		"in `headers`.",
		.words = formats, .flags = OPT_RELOAD),
	KEY(struct conf_notify, on, OPT_STRS, NULL,
		"Which of `deployed`, `rolled_back`, `failed`, `refused` are "
		"told. Without: all.",
		.flags = OPT_RELOAD, .max = 4),
	KEY(struct conf_notify, triggers, OPT_STRS, NULL,
		"Whose redeploys: names of triggers, or patterns such as "
		"`shop-*`. Without: all.",
		.flags = OPT_RELOAD, .max = 1000),
	KEY(struct conf_notify, template, OPT_STR, NULL,
		"What is said, instead of the usual sentence. `{{FIELD}}` "
		"stands for a field of the row: status, trigger, repository, "
		"tag, digest, target, reason, from_digest, to_digest, event, "
		"source, attempt, time. What a field holds is escaped as the "
		"format needs it; the text around is sent as it stands.",
		.flags = OPT_RELOAD, .max = TEMPLATE_MAX),
	AS(secret, OPT_SECRETS,
		"As of a trigger: what is sent is signed with it.",
		.flags = OPT_RELOAD, .max = 8),
	AS(headers, OPT_STRS,
		"As of a trigger: headers to add, each as `Name: value`.",
		.flags = OPT_RELOAD, .max = 20),
};
const struct opt_table conf_notify_table = TABLE(struct conf_notify,
	"notify[]", notify_opts,
	"Someone who is told how redeploys ended.");

static bool is_word(struct str s, const char *const *words)
{
	for (; *words; words++)
		if (str_is(s, *words))
			return true;
	return false;
}

bool conf_template_next(struct str *rest, struct str *text, struct str *field,
	struct err *err)
{
	size_t n = 0, end;

	while (n < rest->n && !str_starts(str_cut(*rest, n, rest->n), STR("{{")))
		n++;
	*text = str_cut(*rest, 0, n);
	*field = (struct str){0};
	if (n) {
		*rest = str_cut(*rest, n, rest->n);
		return true;
	}
	if (!rest->n)
		return false;
	end = str_find(*rest, '}');
	*field = str_trim(str_cut(*rest, 2, end));
	if (!str_starts(str_cut(*rest, end, rest->n), STR("}}")) ||
		!is_word(*field, conf_notify_fields)) {
		err_fail(err, "`{{%.*s` is no field; there are {{status}} "
			      "{{trigger}} {{repository}} {{tag}} {{digest}} "
			      "{{target}} {{reason}} {{from_digest}} "
			      "{{to_digest}} {{event}} {{source}} {{attempt}} "
			      "{{time}}",
			(int)(field->n < 40 ? field->n : 40), field->p);
		return false;
	}
	*rest = str_cut(*rest, end + 2, rest->n);
	return true;
}

static void check_template(struct conf_loader *l, const struct yaml *map,
	const char *template)
{
	struct str rest = str_from(template), text, field;
	struct err err = {0};

	while (conf_template_next(&rest, &text, &field, &err))
		continue;
	if (rest.n)
		FAULT(map, "template", "template: %s", err.text);
	if (!*template)
		FAULT(map, "template", "template: is empty; leave it out for "
				       "the usual sentence");
}

static void check_filters(struct conf_loader *l, const struct yaml *map,
	const struct conf_notify *n)
{
	for (size_t i = 0; i < n->on.n; i++)
		if (!is_word(str_from(n->on.v[i]), conf_notify_outcomes))
			FAULT(map, "on", "on: `%s` is none of deployed, "
				"rolled_back, failed and refused", n->on.v[i]);
	for (size_t i = 0; i < n->triggers.n; i++) {
		const char *name = n->triggers.v[i];
		const struct conf_trigger *t = conf_trigger(l->conf, name);

		if (!t && !strchr(name, '*'))
			FAULT(map, "triggers", "triggers: `%s` is no trigger; "
				"a pattern has a *", name);
		else if (t && t->url)
			FAULT(map, "triggers", "triggers: `%s` redeploys "
				"nothing, it has a `url`", name);
	}
}

void conf_check_notify(struct conf_loader *l, const struct yaml *map,
	struct conf_notify *n)
{
	conf_check_name(l, map, "notify", n->name, &n->where);
	conf_check_url(l, map, n->as.url);
	check_filters(l, map, n);
	if (n->template)
		check_template(l, map, n->template);
	n->as.where = n->where;
	n->as.notify = n;
	snprintf(n->key, sizeof(n->key), CONF_NOTIFY "%s",
		n->name ? n->name : "");
	n->as.name = n->key;
}

bool conf_notify_wants(const struct conf_notify *n, const char *trigger,
	const char *outcome)
{
	bool on = n->on.n == 0, whose = n->triggers.n == 0;

	if (!is_word(str_from(outcome), conf_notify_outcomes))
		return false;
	for (size_t i = 0; i < n->on.n; i++)
		on |= strcmp(n->on.v[i], outcome) == 0;
	for (size_t i = 0; i < n->triggers.n && on; i++)
		whose |= fnmatch(n->triggers.v[i], trigger, FNM_NOESCAPE) == 0;
	return on && whose;
}
