/* What a new user does next: shown while there is nothing else to see. */
import {el} from "./dom.js";
import {get, poll} from "./api.js";

/* Without TLS, from another machine, there is no clipboard. */
function copyable(text) {
	const pre = el("pre", {}, text);

	return el("div", {class: "copy"}, pre,
		el("button", {type: "button", class: "quiet", onclick: async (e) => {
			const button = e.target;

			try {
				await navigator.clipboard.writeText(text);
				button.textContent = "Copied";
			} catch (refused) {
				getSelection().selectAllChildren(pre);
				button.textContent = "Ctrl+C";
			}
		}}, "Copy"));
}

/* Who has to be there for a push to come to anything. */
function absent(processes) {
	const roles = ["ingress", "matcher", "deployer"]
		.filter((role) => !processes.some((p) => p.role === role));
	const last = roles.pop();

	return last ? [el("p", {class: "error"}, "No ", roles.length
		? `${roles.join(", no ")} and no ${last}` : last,
	" is connected to this logger: a push comes to nothing yet. ",
	el("a", {href: "/?view=processes"}, "Processes"))] : [];
}

/* As long as it is on the page. */
function whoLacks() {
	const note = el("div", {});
	let turns = 0;
	const stop = poll(2000, async () => {
		if (turns++ > 0 && !note.isConnected)
			return stop();
		const {processes} = await get("/v1/processes");
		note.replaceChildren(...absent(processes));
	});

	return note;
}

function example(url, source) {
	return `curl -H 'Authorization: Bearer SECRET' \\\n` +
		`     -d '{"name": "shop/web", "tag": "v1"}' \\\n` +
		`     ${url}${source.path}`;
}

function sendStep(url, sources) {
	const generic = sources.find((s) => s.type === "generic");

	if (generic)
		return [el("p", {}, "Or send one by hand:"),
			copyable(example(url, generic))];
	return [el("p", {}, "Or have Pullwire send itself one:"),
		copyable("pullwire-ingress send --help")];
}

export async function firstSteps() {
	const setup = await get("/v1/setup");
	const url = setup.url || `http://${location.hostname}:${setup.port}`;

	return el("div", {class: "empty steps"},
		el("h2", {}, "Nothing was pushed yet"),
		el("p", {}, "Each push, what it started and what it did not start " +
			"shows up here, with the reason."),
		whoLacks(),
		el("ol", {},
			el("li", {}, el("h3", {}, "Tell your registry where to post"),
				setup.sources.length
				? setup.sources.map((s) => el("div", {},
					el("p", {class: "dim"}, `${s.name} (${s.type})`),
					copyable(url + s.path)))
				: el("p", {}, "The configuration has no `sources` yet: " +
					"each is a registry that may post.")),
			el("li", {}, el("h3", {}, "Push an image"),
				sendStep(url, setup.sources)),
			el("li", {}, el("h3", {}, "Watch it arrive"),
				el("p", {}, setup.triggers.length
				? `${setup.triggers.length} trigger${setup.triggers.length === 1
					? " decides" : "s decide"} what happens then; ` +
					"a push that fits none says so here, too."
				: "There is no trigger yet, so a push will say " +
					"`no_trigger`. Add one under `triggers:`; it is " +
					"taken without a restart.",
				" ", el("a", {href: "/?view=triggers"}, "Triggers")))));
}
