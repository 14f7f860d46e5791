#!/bin/bash
# The tests of the Docker driver on each engine that can be had: the installed
# one, and newer ones from Debian's suites (rig/fetch_engine.sh), which need
# its mirror. The last line is `N passed, N failed` over all.
#
#   engines.sh [NAME...]      of: installed trixie sid sid-containerd
set -uo pipefail
cd "$(dirname "$0")/.."
export PULLWIRE_RIG=${PULLWIRE_RIG:-$PWD/build/rig}
passed=0 failed=0
trap tests/rig/down.sh EXIT

run() { # NAME SUITE STORE
	local name=$1 suite=$2 count=$PULLWIRE_RIG/engines.count
	export ENGINE='' ENGINE_STORE=$3
	if [ -n "$suite" ] && ! ENGINE=$(tests/rig/fetch_engine.sh "$suite"); then
		failed=$((failed + 1))
		return
	fi
	rm -f "$count"
	PULLWIRE_ENGINE=engine-$name PULLWIRE_REGISTRY=registry-$name \
		PULLWIRE_COUNT=$count /usr/bin/python3 -m pytest -q \
		-p no:cacheprovider tests/flow/test_docker_*.py \
		tests/flow/test_verify.py tests/flow/test_swarm*.py ${PYTEST_ARGS:-}
	if [ -s "$count" ]; then
		read -r p f <"$count"
		passed=$((passed + p)) failed=$((failed + f))
		echo "== $(version "$name"): $p passed, $f failed"
	else
		failed=$((failed + 1))
		echo "== $name: the tests did not run"
	fi
	tests/rig/engine.sh down "engine-$name"
}

version() { # NAME: of its engine, and how it keeps images
	local host
	host=$(tests/rig/engine.sh env "engine-$1")
	curl -fsS --unix-socket "${host#*unix://}" http://d/version |
		/usr/bin/python3 -c 'import json, sys; v = json.load(sys.stdin)
print("Engine", v["Version"], "API", v["ApiVersion"], end=" ")'
	echo "(${ENGINE_STORE:-graphdriver} store)"
}

mkdir -p "$PULLWIRE_RIG"
for name in ${*:-installed trixie sid sid-containerd}; do
	case $name in
	installed) run "$name" '' '' ;;
	trixie | sid) run "$name" "$name" '' ;;
	sid-containerd) run "$name" sid containerd ;;
	*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2 ;;
	esac
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
