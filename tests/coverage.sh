#!/bin/bash
# coverage.sh: which share of the sources' lines all tests run, by folder and in
# total. The programs have failure points, so that those count which fail in the
# middle; processes that a test kills with -9 count nothing. Where the time goes
# and what failed is above the table; when something did, the status is 1.
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/cov
mkdir -p "$out"
find "$out" -name '*.gcda' -delete
OUT=$out FAIL=1 CFLAGS="--coverage -O0 -U_FORTIFY_SOURCE" LDFLAGS=--coverage \
	PULLWIRE_BUILD=$out PULLWIRE_BUILD_FAIL=$out PULLWIRE_PATIENCE=2 \
	PULLWIRE_COVERAGE=1 tests/test.sh && failed=0 || failed=1

find proto ingress matcher deployer logger -name '*.c' -printf '%h\n' | sort -u |
	while read -r folder; do
		for object in "$out/$folder"/*.gcno; do
			gcov -n -o "$object" "${object%.gcno}.c" 2>/dev/null
		done | awk -v folder="$folder" '
			/^File/ { mine = $2 ~ "^\x27" folder "/[^/]*\\.c\x27$" }
			/^Lines executed/ && mine {
				sub(/.*executed:/, ""); sub(/%/, "")
				all += $3; run += $1 * $3 / 100; mine = 0
			}
			END { printf "%s %d %d\n", folder, run + 0.5, all }'
	done | awk '{ printf "%-17s %6d of %6d lines  %5.1f %%\n", $1, $2, $3,
			100 * $2 / $3; run += $2; all += $3 }
		END { printf "%-17s %6d of %6d lines  %5.1f %%\n", "coverage", run,
			all, 100 * run / all }'
[ $failed = 0 ] || echo "coverage: tests failed, it is less than could be"
exit $failed
