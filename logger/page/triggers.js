/* The triggers: what each is, how it ended last, and over time. */
import {address, ago, el, image, number, pill, span, statusClass}
	from "./dom.js";
import {get, isOperator, orderButton, poll} from "./api.js";
import {outcomeChart} from "./charts.js";

const SPANS = [{name: "24 h", hours: 24, step: 1},
	{name: "7 d", hours: 168, step: 6}];

/* What else a push must fulfil, or wait for. */
function conditions(t) {
	const code = (text) => el("code", {}, text);
	const list = (texts) => texts.map((text, i) => [i ? ", " : "", code(text)]);

	return [
		t.exclude && ["not ", code(t.exclude)],
		t.semver && ["version ", code(t.semver)],
		t.newer_only && "newer versions only",
		t.digest_changed && "changed images only",
		t.platforms.length > 0 && ["for ", list(t.platforms)],
		t.window.length > 0 && ["within ", list(t.window)],
		t.min_age_ms > 0 && `${span(t.min_age_ms)} after the push`,
		t.approve && "asks for approval",
		t.dry_run && "dry run",
	].filter(Boolean).map((text) => el("span", {class: "note"}, text));
}

function rule(t) {
	if (!t.configured)
		return el("p", {class: "dim"}, "not in the file: from the labels of " +
			"a container or a service, or no longer there");
	return el("p", {class: "rule"}, el("code", {}, t.repository), " ",
		t.expression ? el("span", {}, "tag matches ",
			el("code", {}, t.expression))
		: t.tags.length ? el("span", {}, "tag is ", t.tags.map((tag, i) =>
			[i ? ", " : "", el("code", {}, tag)]))
		: el("span", {}, "every tag"),
		el("span", {class: "arrow"}, " → ", t.target,
			t.lane !== "http" ? ` on ${t.lane}` : ""),
		conditions(t));
}

/* What a redeploy acts on; of labels by its last row. "": it posts. */
function target(t) {
	const of = t.configured ? t.target : t.last && t.last.target || "";

	return t.lane === "http" || of === "url" ? "" : of;
}

function rate(counts) {
	let good = 0, bad = 0;

	for (const c of counts) {
		good += statusClass(c.status) === "good" ? c.n : 0;
		bad += statusClass(c.status) === "bad" ? c.n : 0;
	}
	if (good + bad === 0)
		return el("span", {class: "dim"}, "no outcome");
	return el("span", {}, el("b", {class: bad ? "bad" : "good"},
		number(100 * good / (good + bad), 1) + " %"),
		el("span", {class: "dim"}, ` of ${number(good + bad)}`));
}

function last(t) {
	if (!t.last)
		return el("p", {class: "last dim"}, "never used: no push of this " +
			"repository yet");
	return el("p", {class: "last"}, pill(t.last.status, t.last.final),
		el("a", {href: address({event: t.last.event})}, image(t.last)),
		el("span", {class: "dim"}, ago(t.last.time)),
		el("span", {class: "reason"}, t.last.reason || ""));
}

function card(t, answer, step) {
	const counts = answer.outcomes.filter((o) => o.trigger === t.name);

	return el("article", {class: "card trigger", "data-name": t.name},
		el("header", {}, el("h2", {}, el("a",
			{href: address({trigger: t.name})}, t.name)), rate(counts)),
		rule(t),
		el("figure", {},
			outcomeChart(counts, answer.now, answer.hours, step),
			el("figcaption", {}, el("span", {},
				answer.hours > 24 ? "7 days ago" : "24 h ago"),
			el("span", {}, "now"))),
		last(t),
		isOperator() && target(t) &&
			counts.some((c) => c.status === "deployed") && el("div", {class: "actions"}, orderButton("Roll back",
				`/v1/targets/${encodeURIComponent(t.name)}/rollback`,
				{kind: "danger", ask: `${target(t)} gets back what it ran ` +
				"before."})));
}

function legend() {
	return el("ul", {class: "legend"}, [["good", "done"], ["bad", "failed"],
		["wait", "waited"], ["calm", "without action"]].map(([kind, text]) =>
		el("li", {}, el("i", {class: "bar " + kind}), text)));
}

export function showTriggers(main, query, {go, setLive}) {
	const chosen = SPANS.find((s) => String(s.hours) === query.hours) ||
		SPANS[0];
	const place = el("div", {class: "cards"});
	const note = el("span", {class: "dim"});
	let shown = "";

	main.append(el("div", {class: "bar-top"}, el("h1", {}, "Triggers"),
		legend(), note, el("div", {class: "choice"}, SPANS.map((s) =>
			el("a", {href: `/?view=triggers&hours=${s.hours}`,
				"aria-current": s === chosen && "true"}, s.name)))), place);
	return poll(5000, async () => {
		const answer = await get("/v1/triggers?hours=" + chosen.hours);
		const now = JSON.stringify([answer.triggers, answer.outcomes,
			Math.floor(Date.now() / 60000)]);

		note.textContent = answer.complete ? "" : "counting …";
		if (now === shown)
			return;
		shown = now;
		place.replaceChildren(...(answer.triggers.length
			? answer.triggers.map((t) => card(t, answer, chosen.step))
			: [el("p", {class: "empty"}, "There is no trigger yet. A " +
				"trigger is a repository, the tags it takes, and what to " +
				"do: add one under `triggers:`, or as a file in " +
				"`triggers.d`. It is taken without a restart; " +
				"`pullwire-matcher explain` says what it would do.")]));
	}, setLive);
}
