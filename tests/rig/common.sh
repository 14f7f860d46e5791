# Shared by engine.sh and registry.sh, to be sourced: where things live, and
# how a process of ours is told from another one that took over its number.
# Everything stays below $RIG (PULLWIRE_RIG, else build/rig).

set -euo pipefail
rig_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
RIG=$(realpath -m "${PULLWIRE_RIG:-$rig_top/build/rig}")

die() { echo "${0##*/}: $*" >&2; exit 1; }

need() { # PROGRAM...
	local p
	for p; do
		command -v "$p" >/dev/null ||
			die "$p is not installed: run \`make deps\` as root"
	done
}

# command_of PID: its command line, empty when it is gone.
command_of() { tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" || true; }

# alive PIDFILE WORD: the recorded process lives and its command line has
# WORD (a path of ours), so a number used again is never taken for ours.
alive() {
	local pid
	pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] &&
		[[ $(command_of "$pid") == *"$2"* ]]
}

# stop PIDFILE WORD SECONDS: TERM, and KILL when that was not enough.
stop() {
	local pid i
	alive "$1" "$2" || { rm -f "$1"; return 0; }
	pid=$(cat "$1")
	kill "$pid" 2>/dev/null || true
	for ((i = 0; i < $3 * 10; i++)); do
		alive "$1" "$2" || break
		sleep 0.1
	done
	alive "$1" "$2" && kill -9 "$pid" 2>/dev/null
	rm -f "$1"
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# pids_with WORD: processes whose command line has WORD, less this script.
pids_with() {
	local dir pid
	for dir in /proc/[0-9]*; do
		pid=${dir#/proc/}
		[ "$pid" != $$ ] && [ "$pid" != "$BASHPID" ] &&
			[[ $(command_of "$pid") == *"$1"* ]] && echo "$pid"
	done
	return 0
}
