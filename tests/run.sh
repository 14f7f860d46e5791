#!/bin/bash
# Runs the four programs on this machine with etc/pullwire.yml, in the
# foreground, until Ctrl-C. State is below build/run unless PULLWIRE_RUN and
# PULLWIRE_STATE say otherwise; without PULLWIRE_TOKEN one is made. What other
# commands need to know of it is written to a file `env` beside the links, to be
# read by a shell.
set -euo pipefail
cd "$(dirname "$0")/.."
export PULLWIRE_CONFIG=${PULLWIRE_CONFIG:-$PWD/etc/pullwire.yml}
export PULLWIRE_RUN=${PULLWIRE_RUN:-$PWD/build/run/links}
export PULLWIRE_STATE=${PULLWIRE_STATE:-$PWD/build/run/state}
build=${PULLWIRE_BUILD:-build}

umask 077
mkdir -p "$PULLWIRE_RUN" "$PULLWIRE_STATE"/{ingress,deployer,logger}
if [ -z "${PULLWIRE_TOKEN:-}" ]; then
	PULLWIRE_TOKEN=$(od -An -tx1 -N20 /dev/urandom | tr -d ' \n')
	export PULLWIRE_TOKEN
fi
env=$(dirname "$PULLWIRE_RUN")/env
{
	for name in "${!PULLWIRE_@}"; do
		printf 'export %s=%q\n' "$name" "${!name}"
	done
	printf 'export PATH=%q:$PATH\n' "$(cd "$build" && pwd)"
} >"$env"
for program in logger deployer matcher ingress; do
	"$build/pullwire-$program" -n >/dev/null || exit 2
done

pids=()
stop() {
	trap - EXIT INT TERM
	kill "${pids[@]}" 2>/dev/null || true
	wait
}
trap stop EXIT INT TERM
for program in logger deployer matcher ingress; do
	"$build/pullwire-$program" &
	pids+=($!)
done
cat <<EOT
In another terminal, so that every command finds this run and its token:
  . ${env#"$PWD"/}
Push http://127.0.0.1:${PULLWIRE_PORT:-8080}/v1/webhooks/push, e.g.
  curl -H "Authorization: Bearer \$PULLWIRE_TOKEN" \\
    -d '{"name":"shop/web","tag":"v1"}' \\
    http://127.0.0.1:${PULLWIRE_PORT:-8080}/v1/webhooks/push
The page: http://127.0.0.1:${PULLWIRE_LOG_PORT:-8081}/
Rows appear below; Ctrl-C stops all four.
EOT
wait -n
