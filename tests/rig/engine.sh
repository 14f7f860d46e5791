#!/bin/bash
# A Docker Engine of our own, beside any other on the machine.
#
#   engine.sh up [NAME]     start it unless it runs; print its DOCKER_HOST
#   engine.sh env [NAME]    print its DOCKER_HOST
#   engine.sh restart [NAME]  as its host would: TERM, and start it again
#   engine.sh down [NAME]   stop it; unmount and forget all but its images
#   engine.sh clean [NAME]  down, and remove its data
#
# Data, sockets, log and pid are below $PULLWIRE_RIG/NAME (default name:
# engine). It has its own bridge and address range and touches no firewall
# rule of others: ports are published by docker-proxy alone. A leftover of a
# killed run is swept before a start. localhost registries need no TLS.
#
# ENGINE=FOLDER takes the programs unpacked there (fetch_engine.sh), not the
# installed ones; ENGINE_STORE=containerd keeps images in containerd's own
# store (28 and newer); ENGINE_ARGS are further arguments of dockerd.

. "$(dirname "$0")/common.sh"

if [ -n "${ENGINE:-}" ]; then
	PATH=$ENGINE/usr/bin:$ENGINE/usr/sbin:$PATH
fi
name=${2:-engine}
dir=$RIG/$name
run=$dir/run
# A socket's path may have 107 bytes, containerd's own are the longest.
if [ ${#run} -gt 60 ]; then
	run=/tmp/pullwire-rig-$(cksum <<<"$dir" | cut -d' ' -f1)
fi
sock=$run/docker.sock
bridge=pw$(cksum <<<"$dir" | cut -d' ' -f1)

# The engine's addresses are 10.NET.0.0/16: the network of its last run, else
# the first, that no interface or route has now. What it remembers of networks
# is forgotten: it would give the bridge its old address again.
choose_net() {
	local n routes
	rm -rf "$dir/data/network"
	routes=$(ip -4 route show table all)
	for n in $(cat "$dir/net" 2>/dev/null) $(seq 201 250); do
		[[ " $routes" == *[[:space:]]"10.$n."* ]] && continue
		echo "$n" >"$dir/net"
		return
	done
	die "10.201.0.0 to 10.250.0.0 are all in use here"
}

network_up() {
	local net
	net=$(cat "$dir/net")
	ip link show "$bridge" >/dev/null 2>&1 ||
		ip link add "$bridge" type bridge
	ip addr replace "10.$net.0.1/24" dev "$bridge"
	ip link set "$bridge" up
	# Another engine's FORWARD policy may be to drop.
	local rule=(FORWARD -s "10.$net.0.0/16" -d "10.$net.0.0/16" -j ACCEPT)
	iptables -w -C "${rule[@]}" 2>/dev/null || iptables -w -I "${rule[@]}"
}

# Our bridge exists from up to down, so while it does its network is ours.
network_down() {
	local net
	net=$(ip -o -4 addr show dev "$bridge" 2>/dev/null |
		sed -n 's/.* 10\.\([0-9]*\)\.0\.1\/24 .*/\1/p') || true
	[ -n "$net" ] || return 0
	iptables -w -D FORWARD -s "10.$net.0.0/16" -d "10.$net.0.0/16" \
		-j ACCEPT 2>/dev/null || true
	# Bridges of user networks whose engine was killed carry our range.
	ip -o -4 addr show | awk -v p="10.$net." 'index($4, p) == 1 {print $2}' |
		while read -r dev; do ip link del "$dev" 2>/dev/null || true; done
}

ready() { curl -fsS -m 20 --unix-socket "$sock" http://d/_ping; }

# The processes inside this engine's containers, by their control group.
contained_pids() {
	local ids
	ids=$(ls "$dir/data/containers" 2>/dev/null | paste -sd'|')
	[ -z "$ids" ] || grep -lE "/($ids)" /proc/[0-9]*/cgroup 2>/dev/null |
		cut -d/ -f3
}

# What a killed engine leaves: containerd, shims, proxies, mounts, bridges.
sweep() {
	local pid i
	for pid in $(pids_with "$run/exec/") $(contained_pids); do
		kill -9 "$pid" 2>/dev/null || true
	done
	for ((i = 0; i < 5; i++)); do
		awk -v a="$dir/" -v b="$run/" \
			'index($5, a) == 1 || index($5, b) == 1 {print $5}' \
			/proc/self/mountinfo | sort -r |
			while read -r m; do umount -l "$m" 2>/dev/null || true; done
	done
	network_down
	rm -rf "$run"
}

up() {
	if alive "$dir/pid" "$dir" && ready >/dev/null 2>&1; then
		return
	fi
	[ "$(id -u)" = 0 ] || die "an engine needs root"
	need dockerd containerd iptables ip curl
	down
	mkdir -p "$dir/data" "$run"
	exec 8<"$(command -v dockerd)" # one lock for all rigs on this machine
	flock 8
	choose_net
	network_up
	exec 8<&-
	start
}

# On the network that is there; what it remembers is as it was.
start() {
	# The engine must outlive the shell that asked for it, and nothing of
	# the caller's must reach it: a proxy would catch its localhost pulls.
	local net
	net=$(cat "$dir/net")
	printf '{"features":{"containerd-snapshotter":%s}}\n' \
		"$([ "${ENGINE_STORE:-}" = containerd ] && echo true ||
			echo false)" >"$dir/daemon.json"
	# shellcheck disable=SC2086 # a list of words
	env -i PATH="$PATH" HOME="$dir" setsid dockerd ${ENGINE_ARGS:-} \
		--config-file "$dir/daemon.json" \
		--data-root "$dir/data" --exec-root "$run/exec" \
		--pidfile "$run/docker.pid" -H "unix://$sock" \
		--bridge "$bridge" --iptables=false --ip6tables=false \
		--default-address-pool "base=10.$net.128.0/17,size=24" \
		--max-concurrent-downloads 6 --shutdown-timeout 3 \
		</dev/null >"$dir/log" 2>&1 9>&- &
	echo $! >"$dir/pid"
	if ! wait_for 120 ready; then
		tail -20 "$dir/log" >&2
		die "the engine did not start; its log is $dir/log"
	fi
}

down() {
	stop "$dir/pid" "$dir" 60
	sweep
}

case "${1:-}" in
up)
	mkdir -p "$RIG" "$dir"
	exec 9>"$dir/lock"
	flock 9
	up
	echo "DOCKER_HOST=unix://$sock"
	;;
env)
	echo "DOCKER_HOST=unix://$sock"
	;;
restart)
	exec 9>"$dir/lock"
	flock 9
	alive "$dir/pid" "$dir" || die "engine $name does not run"
	stop "$dir/pid" "$dir" 60
	start
	;;
down)
	down
	;;
clean)
	down
	rm -rf "$dir"
	;;
*)
	sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
