#!/bin/bash
# Each test that docs/GUARANTEES.md names, as `tests/FILE::NAME` or
# `tests/FILE`, and each target, as `make NAME`, is there.
set -uo pipefail
cd "$(dirname "$0")/.."
page=docs/GUARANTEES.md
faults=0

fault() { echo "$page: $1"; faults=$((faults + 1)); }

named=$(grep -o '`tests/[^`]*`' "$page" | tr -d '`' | sort -u)
for name in $named; do
	file=${name%%::*} test=${name#*::}
	if [ ! -e "$file" ]; then
		fault "$file is not there"
	elif [ "$test" != "$name" ] &&
		! grep -qE "^(def|static void) $test\(" "$file"; then
		fault "$file has no $test"
	fi
done
for target in $(grep -o '`make [a-z-]*' "$page" | cut -d' ' -f2 | sort -u); do
	grep -q "^$target:" Makefile || fault "there is no make $target"
done
[ "$(grep -c '::' <<<"$named")" -ge 20 ] || fault "names hardly any test"
[ "$faults" -eq 0 ] || exit 1
echo "guarantees: ok"
