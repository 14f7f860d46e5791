/* Which view, the session, keys, and what the top shows. */
"use strict";
import {$, el, logAddress} from "./dom.js";
import {get, loadSession, poll, session, signIn, signOut, toast,
	whenSignedOut} from "./api.js";
import {showEvent} from "./event.js";
import {showLog} from "./log.js";
import {showProcesses} from "./processes.js";
import {showQueue} from "./queue.js";
import {showTriggers} from "./triggers.js";

const VIEWS = {log: showLog, event: showEvent, triggers: showTriggers,
	queue: showQueue, processes: showProcesses};
let leave = null;

/* ---- views --------------------------------------------------------------- */

function setLive(state) {
	$("live").textContent = state;
	$("live").dataset.state = state;
}

/* Address and view belong together: every change of one is one of the other. */
function show() {
	const query = Object.fromEntries(new URLSearchParams(location.search));
	const view = query.event && !query.view ? "event"
		: VIEWS[query.view] ? query.view : "log";

	if (leave)
		leave();
	leave = null;
	for (const link of document.querySelectorAll("nav a"))
		if (link.dataset.view === (view === "event" ? "log" : view))
			link.setAttribute("aria-current", "page");
		else
			link.removeAttribute("aria-current");
	$("main").replaceChildren();
	$("main").dataset.view = view;
	if (session.role === "nobody")
		return;
	leave = VIEWS[view]($("main"), query, {go, setLive});
}

export function go(address, replace) {
	if (replace)
		history.replaceState(null, "", address);
	else
		history.pushState(null, "", address);
	show();
	if (!replace)
		scrollTo(0, 0);
}

function onClick(e) {
	const link = e.target.closest("a[href^='/']");

	if (!link || e.defaultPrevented || e.button || e.ctrlKey || e.metaKey ||
		e.shiftKey)
		return;
	e.preventDefault();
	go(link.getAttribute("href"));
}

/* ---- session ------------------------------------------------------------- */

function showWho() {
	const who = $("who");

	if (!session.tokens)
		who.replaceChildren(el("span", {class: "dim", title:
			"logger.tokens is empty: nobody may do anything here"},
			"read only"));
	else if (session.role === "nobody")
		who.replaceChildren(el("button", {type: "button",
			onclick: askToken}, "Sign in"));
	else
		who.replaceChildren(el("button", {type: "button", class: "quiet",
			id: "sign-out", title: "Sign out", onclick: out},
			`${session.name} · ${session.role}`));
}

async function out() {
	await signOut();
	showWho();
	show();
	askToken();
}

function askToken() {
	$("sign-in-error").textContent = "";
	if (!$("sign-in").open)
		$("sign-in").showModal();
	$("token").focus();
}

async function onToken(e) {
	e.preventDefault();
	try {
		await signIn($("token").value.trim());
	} catch (error) {
		$("sign-in-error").textContent = error.message;
		$("token").select();
		return;
	}
	$("token").value = "";
	$("sign-in").close();
	showWho();
	show();
}

/* ---- keys ---------------------------------------------------------------- */

function moveFocus(by) {
	const rows = [...document.querySelectorAll("a.row")];
	const at = rows.indexOf(document.activeElement);
	const to = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1)
		: Math.min(rows.length - 1, Math.max(0, at + by))];

	if (to)
		to.focus();
}

const KEYS = {
	j: () => moveFocus(1), k: () => moveFocus(-1),
	1: () => go("/"), 2: () => go("/?view=triggers"),
	3: () => go("/?view=queue"), 4: () => go("/?view=processes"),
	"?": () => $("help").showModal(),
	"/": () => document.querySelector(".filters input")?.focus(),
	Escape: () => {
		if ($("main").dataset.view !== "log")
			go(logAddress());
	},
};

function onKey(e) {
	const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName);

	if (e.ctrlKey || e.metaKey || e.altKey ||
		document.querySelector("dialog[open]"))
		return;
	if (typing && e.key === "Escape")
		e.target.blur();
	if (typing || !KEYS[e.key])
		return;
	e.preventDefault();
	KEYS[e.key]();
}

/* ---- the top ------------------------------------------------------------- */

function setCount(node, n) {
	node.hidden = !n;
	node.textContent = n || "";
}

async function lookAround() {
	if (session.role === "nobody")
		return;
	const queue = await get("/v1/queue");
	const processes = await get("/v1/processes");

	setCount($("queue-count"), queue.running + queue.held + queue.waiting);
	setCount($("ailing"), processes.processes
		.filter((p) => !p.ready).length);
}

async function start() {
	addEventListener("popstate", show);
	document.addEventListener("click", onClick);
	document.addEventListener("keydown", onKey);
	$("sign-in").addEventListener("submit", onToken);
	$("help-open").addEventListener("click", KEYS["?"]);
	whenSignedOut(async () => {
		if (session.role === "nobody")
			return;
		session.role = "nobody";
		showWho();
		show();
		askToken();
	});
	try {
		await loadSession();
	} catch (e) {
		toast(e.message, "bad");
		setTimeout(() => location.reload(), 3000);
		return;
	}
	showWho();
	show();
	if (session.role === "nobody")
		askToken();
	poll(3000, lookAround);
}

start();
