/* One event as its path: ingress, matcher, each trigger, each attempt. */
import {address, ago, digest, el, image, logAddress, madeAt, pill, span,
	statusClass, time} from "./dom.js";
import {follow, get, isOperator, orderButton, poll} from "./api.js";
import {phaseBar} from "./charts.js";

/* ---- parts --------------------------------------------------------------- */

function facts(pairs) {
	return el("dl", {class: "facts"}, pairs.filter(([, value]) => value)
		.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function node(kind, title, ...children) {
	return el("section", {class: `node ${kind}`},
		el("span", {class: "dot", "aria-hidden": "true"}),
		el("div", {class: "body"}, el("h2", {}, title), ...children));
}

function exchange(name, value) {
	return value && el("details", {}, el("summary", {}, name),
		el("pre", {}, JSON.stringify(value, null, 2)));
}

function attempt(row) {
	const title = row.status === "waiting" ? "Waits"
		: isDamaged(row) ? ""
		: row.attempts > 1 ? `Attempt ${row.attempt} of ${row.attempts}`
		: "Attempt " + (row.attempt || 1);

	return el("article", {class: "attempt", "data-id": row.id},
		el("header", {}, pill(row.status, row.final),
			el("span", {class: "what"}, title), time(row.time, true),
			row.final && el("span", {class: "final"}, "final"),
			el("span", {class: "dim"}, row.instance || "")),
		el("p", {class: "reason"}, row.reason || ""),
		row.duration_ms && phaseBar(row.duration_ms),
		facts([
			["digest", (row.from_digest || row.to_digest) && el("span",
				{class: "digests"}, digest(row.from_digest), " → ",
				digest(row.to_digest))],
			["url", row.url],
			["next attempt", !row.final &&
				new Date(row.next_attempt) > Date.now() && el("span", {}, time(row.next_attempt), " ",
					el("span", {class: "dim"}, ago(row.next_attempt)))],
		]),
		exchange("Request", row.request),
		exchange("Response", row.response));
}

/* ---- what an operator may do --------------------------------------------- */

function jobButtons(job, then) {
	const path = `/v1/jobs/${encodeURIComponent(job.job)}/`;
	const buttons = [];

	if (job.approval)
		buttons.push(orderButton("Approve", path + "approve",
			{kind: "primary", then}));
	if (job.paused)
		buttons.push(orderButton("Release", path + "release", {then}));
	else if (job.state === "waiting")
		buttons.push(orderButton("Retry", path + "retry", {then}),
			orderButton("Hold", path + "hold", {then}));
	if (job.paused || job.state === "waiting")
		buttons.push(orderButton("Cancel", path + "cancel", {then,
			kind: "danger", ask: `Nothing will be done by ` +
			`${job.trigger} for ${image(job)}.`}));
	return buttons;
}

export function actions(job, then) {
	const buttons = isOperator() ? jobButtons(job, then) : [];

	return buttons.length ? el("div", {class: "actions"}, buttons) : null;
}

function triggerActions(event, trigger, rows, job, then) {
	const last = rows[rows.length - 1];
	const target = rows.find((r) => r.target)?.target || trigger;

	if (!isOperator())
		return null;
	if (job)
		return actions(job, then);
	return el("div", {class: "actions"},
		orderButton("Redeliver", `/v1/events/${
			encodeURIComponent(event)}/redeliver`, {body: {trigger}, then,
			ask: last.url ? "The same notification is posted again, with " +
				"the same webhook-id." : `${target} is deployed again ` +
				`with ${image(last)}.`}),
		!last.url && rows.some((r) => r.status === "deployed") &&
			orderButton("Roll back", `/v1/targets/${
			encodeURIComponent(trigger)}/rollback`, {then, kind: "danger",
			ask: `${target} gets back what it ran before.`}));
}

/* ---- the path ------------------------------------------------------------ */

function intake(event, rows) {
	const row = rows.find((r) => r.repository) || rows[0];
	const kind = rows.every((r) => r.status === "rejected") ? "wait" : "good";

	return node(kind, "Ingress", el("p", {class: "dim"},
		"accepted ", time(madeAt(event) || row.time, true)),
		facts([["source", row.source], ["image", image(row)],
			["digest", row.digest && digest(row.digest)],
			["event", el("code", {}, event)],
			["configuration", row.generation && el("code", {},
				row.generation)]]));
}

function verdicts(rows) {
	const calm = rows.filter((r) => !isWork(r));
	const work = new Map(rows.filter(isWork).map((r) => [r.trigger, r]));
	const n = work.size, lost = calm.filter(isDamaged).length;
	const parts = [];

	if (n || !lost)
		parts.push(n ? `${n} trigger${n === 1 ? "" : "s"} matched`
			: "no trigger matched");
	if (lost)
		parts.push(`${lost} row${lost === 1 ? " is" : "s are"} damaged: ` +
			"what was decided there is not known");
	return node(n ? "good" : "calm", "Matcher",
		el("p", {class: "dim"}, parts.join("; ")),
		[...work.values()].map((r) => el("div", {class: "verdict"},
			el("span", {class: "pill good"}, "matched"),
			el("strong", {}, r.trigger), el("span", {class: "dim"},
				r.target || ""))),
		calm.map((r) => el("div", {class: "verdict"}, pill(r.status),
			el("strong", {}, r.trigger || ""), el("span", {},
				r.reason || ""))));
}

/* What rules and intake say; all else is about a job. */
const VERDICTS = new Set(["untriggered", "no_trigger", "expression_error",
	"duplicate", "ignored", "rejected"]);

function isDamaged(row) {
	return row.status === "damaged";
}

/* Of a damaged row without a target it is not known. */
function isWork(row) {
	return Boolean(row.trigger) && !VERDICTS.has(row.status) &&
		(!isDamaged(row) || Boolean(row.target));
}

function trigger(event, name, rows, jobs, then) {
	const job = jobs.find((j) => j.job === `${event}/${name}`);
	const last = rows.find((r) => r.final) || rows[rows.length - 1];
	const kind = job ? (job.state === "running" ? "busy" : "wait")
		: statusClass(last.status);

	return node(kind, el("span", {}, el("a", {href: address({trigger: name})},
		name), last.target && el("span", {class: "arrow"}, " → ",
		last.target)),
		job && el("p", {class: "now"}, pill(job.state, false),
			el("span", {}, job.note || "")),
		rows.map(attempt), triggerActions(event, name, rows, job, then));
}

function path(event, rows, jobs, then) {
	const work = new Map();

	for (const row of rows.filter(isWork))
		work.set(row.trigger, [...(work.get(row.trigger) || []), row]);
	for (const job of jobs.filter((j) => j.event === event))
		if (!work.has(job.trigger))
			work.set(job.trigger, [{status: "waiting", trigger: job.trigger,
				target: job.target, reason: job.note, time: job.enqueued,
				id: job.job, repository: job.repository, tag: job.tag}]);
	return el("div", {class: "path"}, intake(event, rows),
		rows.some((r) => r.status !== "rejected") && verdicts(rows),
		[...work].sort(([, a], [, b]) => Boolean(a[0].url) -
			Boolean(b[0].url)).map(([name, list]) => trigger(event, name, list, jobs,
			then)));
}

function title(event, rows) {
	const row = rows.find((r) => r.repository) || rows[0];
	const finals = rows.filter((r) => r.trigger &&
		(r.final || isDamaged(r)));
	const took = Math.max(0, ...finals.map((r) => r.duration_ms?.total || 0));

	return el("div", {class: "title"},
		el("a", {class: "back", href: logAddress()}, "← Log"),
		el("h1", {}, image(row) || event),
		el("p", {class: "dim"}, finals.map((r) => [pill(r.status), " "]),
			took ? `${span(took)} from the push to the end` : ""));
}

export function showEvent(main, query, {setLive}) {
	const event = query.event;
	const place = el("div", {class: "event"});
	let jobs = [], rows = [], shown = "";

	function draw() {
		/* What is open for reading stays so. */
		const now = JSON.stringify([rows, jobs]);

		if (now === shown)
			return;
		shown = now;
		const open = new Set([...place.querySelectorAll("details[open]")]
			.map((d) => d.closest("article").dataset.id +
				d.firstChild.textContent));
		place.replaceChildren(...(rows.length
			? [title(event, rows), path(event, rows, jobs, load)]
			: [el("p", {class: "empty"}, "There are no rows of this event" +
				" (any more). They go by age and size: `logger.retain`, " +
				"`logger.retain_size`. ",
				el("a", {href: "/"}, "Back to the log"))]));
		for (const d of place.querySelectorAll("details"))
			d.open = open.has(d.closest("article").dataset.id +
				d.firstChild.textContent);
	}

	async function load() {
		rows = (await get("/v1/events/" + encodeURIComponent(event)))
			.records;
		jobs = (await get("/v1/queue")).jobs
			.filter((j) => j.event === event);
		draw();
	}

	main.append(place);
	const stopPoll = poll(2000, load);
	const stop = follow({event}, {state: setLive, reset: load, row: load});
	return () => {
		stopPoll();
		stop();
	};
}
