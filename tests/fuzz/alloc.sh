#!/bin/bash
# alloc.sh FOLDER [UNIT-TEST...]: the programs alloc_TARGET of FOLDER over the
# same inputs as the fuzz targets, then the unit tests' programs with alloc_unit.so
# of FOLDER: each allocation fails in turn.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/fuzz/seeds.sh
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
failed=0
out=$1
shift
for program in "$out"/alloc_*; do
	[[ $program != *.* ]] || continue
	[ -x "$program" ] && [ -f "$program" ] || continue
	name=${program##*/alloc_}
	mkdir "$seeds/$name"
	! declare -F "seed_$name" >/dev/null || "seed_$name" "$seeds/$name"
	"$program" "$seeds/$name" "tests/fuzz/corpus/$name" ||
		failed=$((failed + 1))
done

# With the sanitizers' allocator, in such a build.
export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0
export LIBRARY=$out/alloc_unit.so
[ $# -eq 0 ] || printf '%s\0' "$@" | xargs -0 -n1 -P"$(nproc)" bash -c '
	told=$(LD_PRELOAD=$LIBRARY "$1" 2>&1)
	rc=$?
	if [ $rc -ne 0 ]; then echo "$told"; else tail -n1 <<<"$told"; fi
	exit $rc' - || failed=$((failed + 1))
[ "$failed" -eq 0 ]
