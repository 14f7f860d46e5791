/*
 * Elements, and how values are shown. Every text that came over the wire
 * enters the page as a text node, with what steers a reader's eye (controls,
 * turned writing) made visible. Nothing here reads markup.
 */
const SVG = "http://www.w3.org/2000/svg";

/* Controls as pictures, direction marks as their number. */
export function clean(text) {
	return String(text)
		.replace(/[\u0000-\u0008\u000b-\u001f]/g,
			(c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
		.replace(/[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
			(c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

function fill(node, attributes, children) {
	for (const [key, value] of Object.entries(attributes || {})) {
		if (value === undefined || value === null || value === false)
			continue;
		if (key.startsWith("on"))
			node.addEventListener(key.slice(2), value);
		else
			node.setAttribute(key, value === true ? "" : value);
	}
	for (const child of children.flat(Infinity)) {
		if (child === undefined || child === null || child === false)
			continue;
		node.append(child instanceof Node ? child
			: document.createTextNode(clean(child)));
	}
	return node;
}

export function el(name, attributes, ...children) {
	return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes, ...children) {
	return fill(document.createElementNS(SVG, name), attributes, children);
}

export function $(id) {
	return document.getElementById(id);
}

/* ---- statuses ------------------------------------------------------------ */

const CLASSES = {
	deployed: "good", unchanged: "calm", untriggered: "calm",
	no_trigger: "calm", ignored: "calm", duplicate: "calm",
	superseded: "calm", dry_run: "calm", cancelled: "calm",
	waiting: "wait", stale: "wait", rejected: "wait", running: "busy",
	held: "wait",
};

/* good, calm, wait, busy or bad. */
export function statusClass(status) {
	if (/^[0-9]+$/.test(status))
		return status[0] === "2" ? "good" : "bad";
	return CLASSES[status] || "bad";
}

export const STATUSES = ["deployed", "unchanged", "rolled_back", "failed",
	"refused", "superseded", "waiting", "dry_run", "untriggered",
	"no_trigger", "duplicate", "stale", "expression_error", "rejected",
	"ignored", "timeout", "dns_error", "connect_error",
	"tls_expired", "tls_not_yet_valid", "tls_self_signed", "tls_untrusted",
	"tls_incomplete", "tls_wrong_name", "tls_weak", "tls_version", "tls_error",
	"blocked_address", "blocked_port", "loop_blocked"];

export function pill(status, final = true) {
	return el("span", {class: `pill ${statusClass(status)}` +
		(final ? "" : " open")}, String(status).replaceAll("_", " "));
}

/* ---- values -------------------------------------------------------------- */

const two = (n) => String(n).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
	"Oct", "Nov", "Dec"];

/* Ours, with the day when it is not today; the whole in UTC as its title. */
export function time(value, exact) {
	const t = new Date(value);

	if (value === null || value === undefined || isNaN(t))
		return el("span", {class: "time"}, "–");
	const clock = `${two(t.getHours())}:${two(t.getMinutes())}:` +
		two(t.getSeconds()) + (exact
		? "." + String(t.getMilliseconds()).padStart(3, "0") : "");
	const day = t.toDateString() === new Date().toDateString() ? ""
		: `${MONTHS[t.getMonth()]} ${t.getDate()} `;
	return el("time", {class: "time", datetime: t.toISOString(),
		title: t.toISOString()}, day + clock);
}

export function span(ms) {
	if (ms === null || ms === undefined)
		return "";
	if (ms < 1000)
		return `${Math.round(ms)} ms`;
	if (ms < 100000)
		return `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`;
	if (ms < 2 * 3600000)
		return `${Math.round(ms / 60000)} min`;
	if (ms < 2 * 86400000)
		return `${Math.round(ms / 3600000)} h`;
	return `${Math.round(ms / 86400000)} d`;
}

/* How long ago or in how long; read again by whoever draws again. */
export function ago(value) {
	const ms = Date.now() - new Date(value).getTime();

	return ms >= 0 ? `${span(ms)} ago` : `in ${span(-ms)}`;
}

export function number(n, digits = 0) {
	return Number(n).toLocaleString("en", {maximumFractionDigits: digits});
}

export function bytes(n) {
	const units = ["B", "KiB", "MiB", "GiB"];
	let i = 0;

	for (; n >= 1024 && i < units.length - 1; i++)
		n /= 1024;
	return `${n < 10 && i ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

export function image(row) {
	if (!row.repository)
		return "";
	return row.repository + (row.tag ? ":" + row.tag : "");
}

/* The part of a digest that tells it from others. */
export function digest(value) {
	if (!value)
		return el("span", {class: "dim"}, "none");
	return el("code", {title: value}, value.replace(/^sha256:/, "")
		.slice(0, 12));
}

/* When an event's id was made: the first 48 bits (RFC 9562, version 7). */
export function madeAt(id) {
	const hex = id.replaceAll("-", "").slice(0, 12);

	return /^[0-9a-f]{12}$/.test(hex) ? parseInt(hex, 16) : null;
}

/* The log as it was filtered last, in this tab. */
export function logAddress() {
	return "/" + (sessionStorage.getItem("log") || "");
}

export function address(parameters) {
	const query = new URLSearchParams();

	for (const [key, value] of Object.entries(parameters))
		if (value)
			query.set(key, value);
	return query.size ? "/?" + query : "/";
}
