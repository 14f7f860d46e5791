#!/bin/bash
# verify.sh: the folder with two public implementations of Standard Webhooks,
# their authors' own for Node.js, fetched once into build/verify; printed.
# Exit 3 when they cannot be had here (no npm, no registry).
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$PWD/build/verify
command -v node >/dev/null && command -v npm >/dev/null ||
	{ echo "needs node and npm" >&2; exit 3; }
if [ ! -e "$dir/complete" ]; then
	mkdir -p "$dir"
	echo '{"private":true}' >"$dir/package.json"
	(cd "$dir" && timeout 120 npm install --no-audit --no-fund \
		--ignore-scripts --loglevel=error standardwebhooks@1.0.0 \
		svix@1.15.0 >&2) || { echo "npm could not fetch them" >&2; exit 3; }
	touch "$dir/complete"
fi
echo "$dir"
