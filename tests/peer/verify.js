// verify.js SECRET: reads {headers, body} as JSON from standard input and has
// two independent libraries verify it. Prints what each says.
const {Webhook: Standard} = require("standardwebhooks");
const {Webhook: Svix} = require("svix");

const secret = process.argv[2];
const {headers, body} = JSON.parse(require("fs").readFileSync(0, "utf8"));
const verdict = {};
for (const [name, Library] of [["standardwebhooks", Standard], ["svix", Svix]]) {
	try {
		new Library(secret).verify(body, headers);
		verdict[name] = "valid";
	} catch (e) {
		verdict[name] = e.message;
	}
}
console.log(JSON.stringify(verdict));
