#!/bin/bash
# unit.sh PROGRAM...: runs each cmocka program, shows failures whole and ends
# with one line that counts the single tests. A program that crashes, hangs or
# reports nothing counts as one failure; a skipped test is neither.
set -u
passed=0
failed=0
skipped=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT

for program in "$@"; do
	CMOCKA_MESSAGE_OUTPUT=TAP timeout "${UNIT_TIMEOUT:-900}" \
		"$program" >"$out" 2>&1 </dev/null
	rc=$?
	# Programs may print before "ok" on the same line: only whole lines count.
	ok=$(grep -c '^ok ' "$out")
	skip=$(grep -c '^not ok [0-9]* # SKIP' "$out")
	not_ok=$(($(grep -c '^not ok ' "$out") - skip))
	planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$out" |
		awk '{ n += $1 } END { print n + 0 }')
	passed=$((passed + ok))
	failed=$((failed + not_ok))
	skipped=$((skipped + skip))
	why=
	if [ "$rc" -ge 124 ] && [ "$not_ok" -lt "$rc" ]; then
		why="ended with status $rc"
		[ "$rc" -eq 124 ] && why="took longer than ${UNIT_TIMEOUT:-900} s"
		[ "$rc" -gt 128 ] && why="was ended by signal $((rc - 128))"
	elif [ "$planned" -eq 0 ] || [ $((ok + not_ok + skip)) -lt "$planned" ]; then
		why="ran $((ok + not_ok + skip)) of $planned tests (status $rc)"
	elif [ "$rc" -ne 0 ] && [ "$not_ok" -eq 0 ]; then
		why="ended with status $rc"
	fi
	if [ -n "${PULLWIRE_REPORTS:-}" ]; then # of sanitizers: sanitize.sh
		for report in "$PULLWIRE_REPORTS"/report.*; do
			[ -e "$report" ] || continue
			cat "$report" >>"$out"
			mkdir -p "$PULLWIRE_REPORTS/told"
			mv "$report" "$PULLWIRE_REPORTS/told"
			why=${why:-"was found at fault by a sanitizer"}
		done
	fi
	[ -n "$why" ] && failed=$((failed + 1))
	if [ "$not_ok" -ne 0 ] || [ -n "$why" ]; then
		echo "--- $program${why:+ $why}"
		cat "$out"
	fi
done
[ "$skipped" -gt 0 ] && echo "unit: $skipped skipped"
echo "unit: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
