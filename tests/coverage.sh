#!/bin/bash
# coverage.sh [SUITE...]: which share of the sources' lines the tests run, by
# folder. Units always; SUITE is what pytest is given beside them, by default
# the dialogue on the wire and the flows over the real programs. Processes that
# a test kills with -9 count nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$PWD/build/cov
make="make --no-print-directory OUT=$out LDFLAGS=--coverage"
[ $# -gt 0 ] || set -- conform flow

$make -s -j"$(nproc)" CFLAGS="--coverage -O0 -U_FORTIFY_SOURCE" all build-unit \
	"$out/tests/unit/deployer/docker_drive"
find "$out" -name '*.gcda' -delete
find "$out"/tests/unit -name 'test_*' -type f -executable -print0 |
	xargs -0 tests/unit.sh | tail -1 || true
(cd tests && PULLWIRE_BUILD=$out /usr/bin/python3 -m pytest -q \
	-p no:cacheprovider "$@" 2>&1 | tail -3) || true

for folder in proto/{base,msg,data,io,daemon} ingress matcher deployer logger; do
	for object in "$out/$folder"/*.gcno; do
		gcov -n -o "$object" "${object%.gcno}.c" 2>/dev/null
	done | awk -v folder="$folder" '
		/^File/ { mine = $2 ~ "^\x27" folder "/[^/]*\\.c\x27$" }
		/^Lines executed/ && mine {
			sub(/.*executed:/, ""); sub(/%/, "")
			all += $3; run += $1 * $3 / 100; mine = 0
		}
		END { printf "%s %d %d\n", folder, run + 0.5, all }'
done | awk '{ printf "%-14s %6d of %6d lines  %5.1f %%\n", $1, $2, $3,
		100 * $2 / $3; run += $2; all += $3 }
	END { printf "%-14s %6d of %6d lines  %5.1f %%\n", "coverage", run, all,
		100 * run / all }'
