/* Bars and lines, made of elements: phases, outcomes over time, rates. */
import {el, span, statusClass, svg} from "./dom.js";

const ORDER = ["bad", "wait", "calm", "good"]; /* from the top */

/* ---- phases of an attempt ------------------------------------------------ */

const NOT_PHASES = new Set(["total", "until_stopped"]);

/* One bar, as wide as its part of the time, and the same as a list. */
export function phaseBar(durations) {
	const phases = Object.entries(durations)
		.filter(([name, ms]) => !NOT_PHASES.has(name) && ms > 0);
	const sum = phases.reduce((n, [, ms]) => n + ms, 0);
	const bar = svg("svg", {class: "phases", viewBox: "0 0 1000 10",
		preserveAspectRatio: "none", "aria-hidden": "true"});
	let x = 0;

	for (const [name, ms] of phases) {
		const width = 1000 * ms / sum;

		bar.append(svg("rect", {class: `ph ph-${name}`, x, y: 0,
			width: Math.max(1, width - 2), height: 10},
			svg("title", {}, `${name} ${span(ms)}`)));
		x += width;
	}
	return el("div", {class: "phasing"}, phases.length > 1 && bar,
		el("ul", {}, phases.map(([name, ms]) => el("li", {},
			el("i", {class: `ph ph-${name}`}),
			el("span", {}, name), el("b", {}, span(ms))))
			.concat(durations.total !== undefined ? [el("li",
				{class: "total"}, el("span", {}, "since the push"),
				el("b", {}, span(durations.total)))] : [])));
}

/* ---- outcomes over time -------------------------------------------------- */

function hourLabel(ms) {
	const t = new Date(ms);

	return `${t.toLocaleDateString("en", {weekday: "short"})} ` +
		`${String(t.getHours()).padStart(2, "0")}:00`;
}

/* counts: [{hour, status, n}]; bars of `step` hours each. */
export function outcomeChart(counts, now, hours, step) {
	const HOUR = 3600000, bars = hours / step;
	const last = Math.floor(now / HOUR);
	const sums = Array.from({length: bars}, () =>
		({bad: 0, wait: 0, calm: 0, good: 0}));
	const chart = svg("svg", {class: "outcomes", role: "img",
		viewBox: `0 0 ${bars * 10} 60`, preserveAspectRatio: "none"});
	let most = 1;

	for (const c of counts) {
		const back = Math.floor((last - c.hour / HOUR) / step);
		if (back < bars)
			sums[bars - 1 - back][statusClass(c.status)] += c.n;
	}
	for (const s of sums)
		most = Math.max(most, s.bad + s.wait + s.calm + s.good);
	sums.forEach((s, i) => {
		let y = 60;

		for (const kind of [...ORDER].reverse()) {
			const height = s[kind] * 58 / most;
			if (!height)
				continue;
			y -= Math.max(1.5, height);
			chart.append(svg("rect", {class: "bar " + kind,
				x: i * 10 + 1, y, width: 8,
				height: Math.max(1.5, height)}));
		}
		const from = (last - (bars - 1 - i) * step - step + 1) * HOUR;
		chart.append(svg("rect", {class: "hit", x: i * 10, y: 0,
			width: 10, height: 60}, svg("title", {},
			`${hourLabel(from)}: ${s.good} good, ${s.bad} bad, ` +
			`${s.wait} waited, ${s.calm} without action`)));
	});
	chart.append(svg("title", {}, "Outcomes over time"));
	return chart;
}

/* ---- rates --------------------------------------------------------------- */

export function sparkline(values) {
	const most = Math.max(...values, 1e-9), n = values.length;
	const points = values.map((v, i) =>
		`${n < 2 ? 100 : i * 100 / (n - 1)},${28 - 26 * v / most}`);

	return svg("svg", {class: "spark", viewBox: "0 0 100 30",
		preserveAspectRatio: "none", "aria-hidden": "true"},
		svg("path", {class: "area", d: `M0,30 L${points.join(" L")} L100,30Z`}),
		svg("polyline", {points: points.join(" ")}));
}
