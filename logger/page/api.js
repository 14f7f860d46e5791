/* The logger's API: requests, the stream, and orders with their toasts. */
import {$, el} from "./dom.js";

export class ApiError extends Error {
	constructor(status, text) {
		super(text);
		this.status = status;
	}
}

export const session = {role: "nobody", name: null, tokens: true};

export function isOperator() {
	return session.role === "operator";
}

let onSignedOut = () => {};
export function whenSignedOut(fn) {
	onSignedOut = fn;
}

async function request(method, path, body) {
	const init = {method, headers: {"X-Pullwire": "page"},
		credentials: "same-origin", cache: "no-store"};
	let answer, json = {};

	if (body !== undefined) {
		init.body = JSON.stringify(body);
		init.headers["Content-Type"] = "application/json";
	}
	try {
		answer = await fetch(path, init);
		json = await answer.json();
	} catch (e) {
		throw new ApiError(0, "the logger does not answer");
	}
	if (answer.status === 401 && path !== "/v1/session")
		onSignedOut();
	if (!answer.ok)
		throw new ApiError(answer.status, json.error || "failed");
	return json;
}

export const get = (path) => request("GET", path);

export function parameters(filters) {
	const query = new URLSearchParams();

	for (const [key, value] of Object.entries(filters))
		if (value)
			query.set(key, value);
	return query.toString();
}

/* ---- the session --------------------------------------------------------- */

export async function loadSession() {
	Object.assign(session, await request("GET", "/v1/session"));
}

export async function signIn(token) {
	Object.assign(session, await request("POST", "/v1/session", {token}));
}

export async function signOut() {
	Object.assign(session, await request("DELETE", "/v1/session"));
}

/* ---- toasts and orders --------------------------------------------------- */

export function toast(text, kind) {
	const node = el("p", {class: `toast ${kind || ""}`}, text);

	$("toasts").append(node);
	setTimeout(() => node.remove(), kind === "bad" ? 9000 : 5000);
}

function confirmed(title, text) {
	const dialog = $("confirm");

	$("confirm-title").textContent = title;
	$("confirm-text").textContent = text;
	dialog.returnValue = "no";
	dialog.showModal();
	return new Promise((resolve) => dialog.addEventListener("close",
		() => resolve(dialog.returnValue === "yes"), {once: true}));
}

/* A button that gives an order; asks before when it has a question. */
export function orderButton(label, path, options = {}) {
	const button = el("button", {type: "button", class: options.kind,
		"data-order": label.toLowerCase()}, label);

	button.addEventListener("click", async () => {
		if (options.ask && !await confirmed(label + "?", options.ask))
			return;
		button.disabled = true;
		try {
			const answer = await request("POST", path, options.body);
			toast(answer.text || "done", "good");
		} catch (e) {
			toast(e.message, "bad");
		}
		button.disabled = false;
		if (options.then)
			options.then();
	});
	return button;
}

/* ---- the stream ---------------------------------------------------------- */

const HIDDEN_MS = 5000;

/*
 * Rows as they are stored; calls reset when some may be missing, and hello when
 * it stands, from where on none is. Returns what ends it. A browser has six
 * connections for one host, so a tab that nobody sees gives its own up, and goes
 * on where it was when it is seen again.
 */
export function follow(filters, {row, reset, state, hello = () => {}}) {
	let source = null, last = null, again = null, hiding = null, over = false;

	function close() {
		clearTimeout(again);
		again = null;
		source?.close();
		source = null;
	}

	function heard(e, fn) {
		last = e.lastEventId;
		state("live");
		fn();
	}

	function open() {
		close();
		const from = last === null ? {} : {last};
		source = new EventSource("/v1/stream?" +
			parameters({...filters, ...from}));
		source.addEventListener("hello", (e) => heard(e, hello));
		source.addEventListener("reset", (e) => heard(e, reset));
		source.addEventListener("row", (e) => heard(e,
			() => row(JSON.parse(e.data))));
		source.addEventListener("error", () => {
			state("reconnecting");
			/* Refused, not broken off: the browser has given up. */
			if (source?.readyState === EventSource.CLOSED && !again)
				again = setTimeout(retry, 3000);
		});
	}

	function retry() {
		reset(); /* may end this one and follow anew */
		if (!over)
			open();
	}

	function onVisibility() {
		clearTimeout(hiding);
		if (!document.hidden && !source)
			open();
		else if (document.hidden)
			hiding = setTimeout(() => {
				close();
				state("paused");
			}, HIDDEN_MS);
	}

	document.addEventListener("visibilitychange", onVisibility);
	open();
	return () => {
		over = true;
		document.removeEventListener("visibilitychange", onVisibility);
		clearTimeout(hiding);
		close();
	};
}

/* Calls fn now and every ms while the page is seen; state hears whether the
 * logger answers. Returns what ends it. */
export function poll(ms, fn, state = () => {}) {
	let timer = null, over = false;

	async function turn() {
		if (!document.hidden) {
			let said = "live";

			try {
				await fn();
			} catch (e) {
				if (!(e instanceof ApiError))
					throw e;
				said = "reconnecting";
			}
			if (!over)
				state(said);
		}
		if (!over)
			timer = setTimeout(turn, ms);
	}
	turn();
	return () => {
		over = true;
		clearTimeout(timer);
	};
}
