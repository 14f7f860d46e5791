#!/bin/bash
# alloc.sh FOLDER: the programs alloc_TARGET of FOLDER over the same inputs as
# the fuzz targets: each allocation fails in turn.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/fuzz/seeds.sh
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
failed=0
for program in "$1"/alloc_*; do
	[ -x "$program" ] && [ -f "$program" ] || continue
	name=${program##*/alloc_}
	mkdir "$seeds/$name"
	! declare -F "seed_$name" >/dev/null || "seed_$name" "$seeds/$name"
	"$program" "$seeds/$name" "tests/fuzz/corpus/$name" ||
		failed=$((failed + 1))
done
[ "$failed" -eq 0 ]
