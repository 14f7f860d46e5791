#!/bin/bash
# All tests: both builds, `make check`, then flow and crash over a real engine
# and a real registry. The last line is `N passed, N failed` over single tests.
# A step that cannot run at all counts as one failure.
set -uo pipefail
cd "$(dirname "$0")/.."
unset MAKEFLAGS MAKELEVEL
passed=0 failed=0
log=$(mktemp -d)
make="make --no-print-directory -j$(nproc)"
export PULLWIRE_RIG=${PULLWIRE_RIG:-$PWD/build/rig}

add() { passed=$((passed + $1)); failed=$((failed + $2)); }
finish() {
	tests/rig/registry.sh down
	tests/rig/engine.sh down
	rm -rf "$log"
	echo "$passed passed, $failed failed"
	exit $((failed > 0 || passed == 0))
}
trap 'failed=$((failed + 1)); exit 1' INT TERM
trap finish EXIT

step() { # NAME COMMAND...: a step without tests of its own
	local name=$1
	shift
	echo "== $name"
	if "$@" >"$log/out" 2>&1; then
		add 1 0
	else
		tail -40 "$log/out"
		echo "FAILED: $name"
		add 0 1
		return 1
	fi
}

suite() { # NAME FOLDER: pytest; its conftest.py counts
	echo "== $1"
	rm -f "$log/count"
	PULLWIRE_COUNT=$log/count /usr/bin/python3 -m pytest -q \
		-p no:cacheprovider --durations=5 --durations-min=5 "$2"
	if [ -s "$log/count" ]; then
		add $(cat "$log/count")
	else
		echo "FAILED: $1 did not run"
		add 0 1
	fi
}

step "build" $make all || exit 1
step "build with failure points" $make FAIL=1 all || exit 1
step "headers" $make headers
step "layers" $make layers

echo "== unit"
make --no-print-directory -j"$(nproc)" check-unit >"$log/unit" 2>&1
counts=$(sed -n 's/^unit: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' \
	"$log/unit" | tail -1)
if [ -n "$counts" ]; then
	grep -v '^cc \|^gcc \|^clang ' "$log/unit"
	add $counts
else
	tail -40 "$log/unit"
	echo "FAILED: unit did not run"
	add 0 1
fi

suite "conform: the wire in a second language" tests/conform
suite "flow: real programs, registry and engine" tests/flow
suite "crash: kill -9 and power loss" tests/crash
