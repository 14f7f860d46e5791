#!/bin/bash
# All tests: both builds, `make check`, then the suites over real programs, each
# beside the others with an engine and a registry of its own, since they mostly
# wait. The last line is `N passed, N failed` over single tests. A step that
# cannot run at all counts as one failure.
#
# With SAN=address,undefined (or SAN=thread) the same on programs built with
# those sanitizers. What they report goes to files in which each test looks at
# its end (unit.sh, conftest.py); whatever is left there fails the whole run.
# What is not about the programs (headers, layers) or has sanitizers of its own
# (fuzz), or an allocator (allocations), is left to the plain run. With
# PULLWIRE_BUILD=FOLDER likewise on programs that make makes there (coverage.sh).
set -uo pipefail
cd "$(dirname "$0")/.."
unset MAKEFLAGS MAKELEVEL
passed=0 failed=0
pids=()
log=$(mktemp -d)
san=${SAN:-}
make="make --no-print-directory -j$(nproc)${san:+ SAN=$san}"
unset SAN
export PULLWIRE_RIG=${PULLWIRE_RIG:-$PWD/build/rig}
if [ -n "$san" ]; then
	. tests/sanitize.sh "$san"
else
	reports_to() { :; }
fi
build=${PULLWIRE_BUILD:-build}

add() { passed=$((passed + $1)); failed=$((failed + $2)); }
# What a sanitizer has reported and no test has seen.
reports_left() {
	local left
	[ -n "$san" ] || return 0
	left=$(find "$reports" -name 'report.*' -not -path '*/told/*' | sort)
	[ -n "$left" ] || return 0
	echo "== reports that no test has seen"
	tail -n 60 $left
	add 0 "$(wc -l <<<"$left")"
}
finish() {
	kill "${pids[@]}" 2>/dev/null
	wait
	tests/rig/down.sh
	rm -rf "$log"
	reports_left
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

# NAME PYTEST-ARGUMENT...: pytest in the background; conftest.py counts.
suites=()
suite() {
	local name=$1
	shift
	suites+=("$name")
	reports_to "$name"
	PULLWIRE_COUNT=$log/$name.count PULLWIRE_ENGINE=engine-$name \
		PULLWIRE_REGISTRY=registry-$name \
		/usr/bin/python3 -m pytest -q -p no:cacheprovider --durations=3 \
		--durations-min=10 "$@" >"$log/$name.out" 2>&1 &
	pids+=($!)
}

suites_end() {
	local i name rc
	for i in "${!suites[@]}"; do
		name=${suites[i]}
		wait "${pids[i]}"
		rc=$?
		echo "== $name"
		cat "$log/$name.out"
		[ ! -s "$log/$name.count" ] || add $(cat "$log/$name.count")
		if [ $rc -gt 1 ] || [ ! -s "$log/$name.count" ]; then
			echo "FAILED: $name did not run to its end (status $rc)"
			add 0 1
		fi
	done
}

step "build" $make all || exit 1
step "build with failure points" $make FAIL=1 all || exit 1
step "build by-hand driver" $make "$build/tests/unit/deployer/docker_drive"
step "build stores" $make build-stores
step "build mutated" $make FAIL=1 build-mutated
if [ "$build" = build ]; then
	step "headers" $make headers
	step "layers" $make layers

	step "fuzz" tests/fuzz/run.sh 4
	ALLOC_RUNS=3 step "allocations" $make alloc
fi

echo "== unit"
url=$(tests/rig/postgresql.sh up)
export PULLWIRE_POSTGRESQL=${url#POSTGRESQL=}
reports_to unit
$make check-unit >"$log/unit" 2>&1
counts=$(sed -n 's/^unit: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' \
	"$log/unit" | tail -1)
if [ -n "$counts" ]; then
	grep -v '^  [A-Z][A-Z]  ' "$log/unit"
	add $counts
else
	tail -40 "$log/unit"
	echo "FAILED: unit did not run"
	add 0 1
fi

# The longest first.
suite flow tests/flow --ignore-glob='*/test_docker_*' \
	--ignore-glob='*/test_swarm*.py'
suite driver tests/flow/test_docker_[a-d]*.py
suite driver-more tests/flow/test_docker_[e-z]*.py
suite swarm tests/flow/test_swarm*.py
suite storm tests/storm
suite kill-driver tests/crash/test_docker_kill.py
suite kill tests/crash/test_kill.py
suite stores tests/crash/test_stores.py tests/crash/test_mutations.py \
	tests/crash/test_poison.py tests/crash/test_away.py \
	tests/crash/test_memory.py
suite disk tests/crash/test_disk.py tests/crash/test_full.py \
	tests/crash/test_disk_deploy.py
suite page tests/page
suite conform tests/conform
suites_end

# Alone: it compares times.
echo "== net"
reports_to net
PULLWIRE_COUNT=$log/net.count tests/net/run.sh
if [ -s "$log/net.count" ]; then
	add $(cat "$log/net.count")
else
	echo "FAILED: net did not run"
	add 0 1
fi
