/* The processes alive, with their rates. */
import {ago, bytes, el, number, span} from "./dom.js";
import {get, poll} from "./api.js";
import {sparkline} from "./charts.js";

const ROLES = ["ingress", "matcher", "deployer", "logger"];
/* Per role: what is counted (its rate is the line), and what is so now. */
const SHOWN = {
	ingress: {rate: ["pullwire_events_total", "events"],
		now: [["pullwire_spool_events", "in the spool"],
			["pullwire_leases", "leased"]],
		sums: [["pullwire_rejected_requests_total", "rejected"]]},
	matcher: {rate: ["pullwire_evaluated_events_total", "events"],
		now: [["pullwire_evaluating_events", "under way"]],
		sums: [["pullwire_returned_events_total", "given back"]]},
	deployer: {rate: ["pullwire_attempts_total", "attempts"],
		now: [["pullwire_jobs", "jobs"]],
		sums: [["pullwire_retries_total", "retries"],
			["pullwire_rollbacks_total", "rollbacks"]]},
	logger: {rate: ["pullwire_rows_total", "rows"], now: [],
		sums: [["pullwire_rows_refused_total", "refused"]]},
};
const KEPT = 60;
const history = new Map(); /* role/instance -> {at, total, rates} */

/* Of all series of the family. */
function sum(metrics, name) {
	let total = 0, found = false;

	for (const [key, value] of Object.entries(metrics)) {
		if (key !== name && !key.startsWith(name + "{"))
			continue;
		total += value;
		found = true;
	}
	return found ? total : undefined;
}

function note(p) {
	const key = `${p.role}/${p.instance}`, shown = SHOWN[p.role];
	const at = new Date(p.time).getTime();
	const total = shown ? sum(p.metrics, shown.rate[0]) || 0 : 0;
	const before = history.get(key);

	if (!before || total < before.total) {
		history.set(key, {at, total, rates: []});
	} else if (at > before.at) {
		before.rates.push(1000 * (total - before.total) / (at - before.at));
		before.rates.splice(0, before.rates.length - KEPT);
		before.at = at;
		before.total = total;
	}
	return history.get(key);
}

function figures(p, shown) {
	const lines = [];

	for (const [name, label] of shown?.now || [])
		lines.push([label, number(sum(p.metrics, name) || 0)]);
	for (const [name, label] of shown?.sums || [])
		lines.push([label, number(sum(p.metrics, name) || 0)]);
	const memory = sum(p.metrics, "pullwire_resident_memory_bytes");
	if (memory)
		lines.push(["memory", bytes(memory)]);
	const since = sum(p.metrics, "pullwire_start_time_seconds");
	if (since)
		lines.push(["up", span(Date.now() - since * 1000)]);
	return el("dl", {class: "figures"}, lines.map(([label, value]) =>
		el("div", {}, el("dt", {}, label), el("dd", {}, value))));
}

/* Each says how it is once a second. */
function late(p) {
	return Date.now() - new Date(p.time) > 5000;
}

function card(p) {
	const shown = SHOWN[p.role], past = note(p);
	const rate = past.rates[past.rates.length - 1] || 0;
	const total = shown ? sum(p.metrics, shown.rate[0]) || 0 : 0;

	return el("article", {class: "card process " + (p.ready ? "" : "ailing"),
		"data-instance": p.instance},
		el("header", {}, el("h2", {}, el("span", {class: "dot " +
			(p.ready ? "good" : "bad")}), p.instance),
			late(p) && el("span", {class: "dim"}, ago(p.time))),
		p.reasons.map((reason) => el("p", {class: "error"}, reason)),
		shown && el("p", {class: "rate"}, el("b", {}, number(rate, 1)),
			` ${shown.rate[1]} a second`, el("span", {class: "dim"},
				`${number(total)} in total`)),
		shown && sparkline(past.rates.length ? past.rates : [0, 0]),
		figures(p, shown));
}

function group(role, list) {
	return el("section", {class: "group"}, el("h2", {}, role),
		list.length ? list.map(card)
		: el("p", {class: "dim"}, `no ${role} is connected`));
}

export function showProcesses(main, query, {setLive}) {
	const place = el("div", {class: "processes"});

	main.append(el("div", {class: "bar-top"}, el("h1", {}, "Processes")),
		place);
	return poll(2000, async () => {
		const answer = await get("/v1/processes");

		place.replaceChildren(...ROLES.map((role) => group(role,
			answer.processes.filter((p) => p.role === role))));
	}, setLive);
}
