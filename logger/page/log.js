/* The live list: rows as they come, filters in the address. */
import {STATUSES, address, clean, el, image, pill, span, time}
	from "./dom.js";
import {follow, get, isOperator, orderButton, parameters, toast}
	from "./api.js";
import {firstSteps} from "./steps.js";

const KEYS = ["trigger", "repository", "tag", "status", "since"];
const PAGE = 50, ROWS_MAX = 1000;

/* ---- a row --------------------------------------------------------------- */

function duration(row) {
	const total = row.duration_ms?.total;

	return total === undefined ? "" : span(total);
}

export function rowLink(row, fresh) {
	const reason = clean(row.reason || "");

	return el("li", {class: fresh ? "fresh" : null, "data-id": row.id},
		el("a", {class: "row" + (row.final ? "" : " open"),
			href: address({event: row.event})},
		el("span", {class: "c-time"}, time(row.time)),
		el("span", {class: "c-status"}, pill(row.status, row.final)),
		el("span", {class: "c-trigger"}, row.trigger || "–"),
		el("span", {class: "c-image"}, image(row) || row.source || "–"),
		el("span", {class: "c-target"}, row.target || ""),
		el("span", {class: "c-reason", title: reason}, reason),
		el("span", {class: "c-took"}, duration(row))));
}

function head() {
	return el("div", {class: "row head", "aria-hidden": "true"},
		["time", "status", "trigger", "image", "target", "reason",
			"took"].map((name) => el("span",
			{class: "c-" + name}, name)));
}

/* ---- filters ------------------------------------------------------------- */

function options(id, values) {
	return el("datalist", {id}, values.map((value) =>
		el("option", {value})));
}

/* Does every job again that the filters choose, when that is all they are
 * about: what deployers know of a job. */
function redeliverAll(filters) {
	const body = {};
	const button = orderButton("Redeliver all", "/v1/redeliver", {body,
		ask: "Every ended job of this trigger, last status and time is " +
		"done again: notifications with the same webhook-id, redeploys " +
		"if theirs is still the newest push."});

	function show(next) {
		for (const key of ["trigger", "status", "since"]) {
			delete body[key];
			if (next[key])
				body[key] = next[key];
		}
		button.hidden = !isOperator() || next.repository || next.tag ||
			!Object.keys(body).length;
	}
	show(filters);
	return {button, show};
}

function filterBar(filters, change) {
	const hints = {trigger: "any trigger", repository: "any repository",
		tag: "any tag", status: "any status", since: "2h, 7d, a time"};
	const inputs = KEYS.map((key) => el("label", {},
		el("span", {}, key), el("input", {name: key, type: "search",
			value: filters[key] || "", placeholder: hints[key],
			list: key === "status" ? "statuses"
				: key === "trigger" ? "triggers" : null,
			autocomplete: "off", spellcheck: "false"})));
	const again = redeliverAll(filters);
	const actions = el("div", {class: "actions"}, el("button",
		{type: "button", class: "quiet", onclick: () => change({})},
		"Clear"), again.button);
	const form = el("form", {class: "filters", role: "search",
		"aria-label": "Filters"}, inputs, options("statuses", STATUSES),
		options("triggers", []), actions);
	let timer = null;

	function show(next) {
		const any = KEYS.some((key) => next[key]);

		form.classList.toggle("set", any);
		actions.hidden = !any;
		again.show(next);
	}

	function read() {
		const next = {};

		for (const key of KEYS)
			next[key] = form.elements[key].value.trim();
		show(next);
		change(next, true);
	}
	show(filters);
	form.addEventListener("submit", (e) => {
		e.preventDefault();
		clearTimeout(timer);
		read();
	});
	form.addEventListener("input", () => {
		clearTimeout(timer);
		timer = setTimeout(read, 350);
	});
	return form;
}

async function suggestTriggers() {
	const list = document.getElementById("triggers");

	if (list)
		list.replaceChildren(...(await get("/v1/setup")).triggers
			.map((name) => el("option", {value: name})));
}

/* ---- the list ------------------------------------------------------------ */

class List {
	constructor(filters) {
		this.filters = filters;
		this.known = new Set();
		this.rows = el("ol", {class: "rows"});
		this.more = el("button", {type: "button", class: "more",
			hidden: true, onclick: () => this.load(this.next)},
			"Older rows");
		this.empty = el("div", {});
		this.node = el("section", {class: "log", "aria-label": "Rows"},
			head(), this.rows, this.empty, this.more);
	}

	/* In the order of time, the newest first: a late one has its place. */
	insert(row, fresh) {
		if (this.known.has(row.id))
			return;
		this.known.add(row.id);
		const item = rowLink(row, fresh);
		item.dataset.time = row.time;
		let before = this.rows.firstElementChild;
		if (!fresh && this.rows.lastElementChild?.dataset.time >= row.time)
			before = null;
		while (before && before.dataset.time > row.time)
			before = before.nextElementSibling;
		this.rows.insertBefore(item, before);
		this.empty.replaceChildren();
		if (fresh && this.rows.childElementCount > ROWS_MAX)
			this.rows.lastElementChild.remove();
	}

	async load(after) {
		const page = await get("/v1/records?" + parameters(
			{...this.filters, limit: PAGE, after}));

		for (const row of page.records)
			this.insert(row, false);
		this.next = page.next;
		this.more.hidden = !page.next;
		if (!this.rows.childElementCount)
			this.showEmpty();
	}

	/* What was stored between the first look and the stream's begin. */
	async catchUp() {
		for (const row of (await get("/v1/records?" + parameters(
			{...this.filters, limit: PAGE}))).records)
			this.insert(row, false);
	}

	async showEmpty() {
		if (Object.values(this.filters).some(Boolean)) {
			this.empty.replaceChildren(el("p", {class: "empty"},
				"No row fits these filters. New ones that do " +
				"show up here by themselves."));
			return;
		}
		const steps = await firstSteps();
		if (!this.rows.childElementCount)
			this.empty.replaceChildren(steps);
	}
}

export function showLog(main, query, {go, setLive}) {
	const filters = Object.fromEntries(KEYS.map((key) => [key, query[key]]));
	let stop = null, list = null, over = false;

	function change(next, typed) {
		if (over)
			return; /* typed, and gone to another view */
		history.replaceState(null, "", address(next));
		Object.assign(filters, Object.fromEntries(
			KEYS.map((key) => [key, next[key]])));
		if (typed)
			restart();
		else
			go(address(next), true);
	}

	function restart() {
		if (stop)
			stop();
		if (over)
			return;
		sessionStorage.setItem("log", location.search);
		const fresh = new List({...filters});
		if (list)
			list.node.replaceWith(fresh.node);
		else
			main.append(fresh.node);
		list = fresh;
		const mine = follow(filters, {state: setLive, reset: restart,
			hello: () => fresh.catchUp().catch(() => {}),
			row: (row) => fresh.insert(row, true)});
		stop = mine;
		fresh.load().catch((e) => {
			fresh.empty.replaceChildren(el("p", {class: "empty error"},
				e.message));
			if (e.status !== 400 || stop !== mine)
				return;
			mine(); /* no such filter: there is nothing to wait for */
			setLive("stopped");
		});
	}

	main.append(filterBar(filters, change));
	restart();
	suggestTriggers().catch((e) => toast(e.message, "bad"));
	return () => {
		over = true;
		stop();
	};
}
