/* What waits, runs and is held, at all deployers, now. */
import {address, ago, el, image, number, pill, time} from "./dom.js";
import {get, poll} from "./api.js";
import {actions} from "./event.js";

function when(job) {
	if (job.state === "running")
		return el("span", {}, "since ", time(job.since));
	if (job.next > Date.now())
		return el("span", {}, "next ", ago(job.next));
	return el("span", {}, "since ", time(job.since || job.enqueued));
}

function line(job, then) {
	return el("li", {class: "job", "data-job": job.job},
		el("span", {class: "c-status"}, pill(job.state, false)),
		el("span", {class: "c-target"}, job.target || job.lane),
		el("a", {class: "c-image", href: address({event: job.event})},
			image(job)),
		el("span", {class: "c-trigger"}, job.trigger || ""),
		el("span", {class: "c-when dim"}, when(job),
			job.attempt ? ` · ${job.attempt} tried` : ""),
		el("span", {class: "c-note"}, job.note || ""),
		actions(job, then));
}

function summary(queue) {
	return el("p", {class: "sums"}, ["running", "waiting", "held"].map(
		(state) => el("span", {}, el("b", {}, number(queue[state])), " ",
			state)));
}

function troubles(queue) {
	return queue.deployers.filter((d) => d.error || d.more).map((d) =>
		el("p", {class: d.error ? "error" : "dim"}, d.error
			? `${d.instance}: ${d.error}`
			: `${d.instance} has more than are shown here`));
}

function empty(queue) {
	if (!queue.deployers.length)
		return "No deployer is connected to this logger, so nothing is " +
			"known of the queue.";
	return "Nothing waits and nothing runs. A push that fits a trigger " +
		"shows up here while it is worked on.";
}

export function showQueue(main, query, {setLive}) {
	const place = el("div", {class: "queue"});
	let shown = "";

	main.append(el("div", {class: "bar-top"}, el("h1", {}, "Queue")), place);
	async function load() {
		const queue = await get("/v1/queue");
		const now = JSON.stringify([queue.jobs, queue.deployers,
			Math.floor(Date.now() / 10000)]);

		if (now === shown)
			return;
		shown = now;
		place.replaceChildren(summary(queue), ...troubles(queue),
			queue.jobs.length ? el("ol", {class: "jobs"},
				queue.jobs.map((job) => line(job, load)))
			: el("p", {class: "empty"}, empty(queue)));
	}
	return poll(1000, load, setLive);
}
