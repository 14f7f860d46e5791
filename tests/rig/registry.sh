#!/bin/bash
# A Docker registry of our own on localhost, as a sender of notifications.
#
#   registry.sh up [--notify URL --token TOKEN] [--port N] [NAME]
#             start it, again when what it was told differs; print REGISTRY=
#   registry.sh env [NAME]      print REGISTRY=localhost:PORT
#   registry.sh down [NAME]     stop it; images stay
#   registry.sh clean [NAME]    down, and remove them
#
# With --notify each event is posted there with `Authorization: Bearer TOKEN`,
# a timeout of 500 ms, and for ever until it is answered 2xx. Without, it
# keeps silent. State is below $PULLWIRE_RIG/NAME (default: registry).

. "$(dirname "$0")/common.sh"

cmd=${1:-}
shift || true
url= token= port= name=registry
while [ $# -gt 0 ]; do
	case $1 in
	--notify) url=$2; shift 2 ;;
	--token) token=$2; shift 2 ;;
	--port) port=$2; shift 2 ;;
	-*) die "unknown option $1" ;;
	*) name=$1; shift ;;
	esac
done
dir=$RIG/$name

free_port() {
	local p # beside those of stack.py
	for p in $(shuf -i 30000-32000 -n 50); do
		[ -n "$(ss -Hltn "sport = :$p")" ] || { echo "$p"; return; }
	done
	die "no free port found"
}

config() {
	cat <<-EOT
	version: 0.1
	log: {level: warn, accesslog: {disabled: true}}
	storage:
	  filesystem: {rootdirectory: $dir/data}
	  delete: {enabled: true}
	  cache: {blobdescriptor: inmemory}
	http: {addr: "127.0.0.1:$port"}
	EOT
	[ -n "$url" ] || return 0
	cat <<-EOT
	notifications:
	  endpoints:
	    - name: pullwire
	      url: $url
	      headers: {Authorization: ["Bearer $token"]}
	      timeout: 500ms
	      threshold: 5
	      backoff: 300ms
	EOT
}

ready() { curl -fsS -m 20 "http://127.0.0.1:$port/v2/"; }

up() {
	mkdir -p "$dir/data"
	[ -n "$port" ] || port=$(cat "$dir/port" 2>/dev/null) || port=
	[ -n "$port" ] || port=$(free_port)
	(umask 077; config >"$dir/config.new")
	if cmp -s "$dir/config.new" "$dir/config.yml" &&
		alive "$dir/pid" "$dir/config.yml"; then
		return
	fi
	need docker-registry curl ss
	stop "$dir/pid" "$dir/config.yml" 10
	if [ -n "$(ss -Hltn "sport = :$port")" ]; then
		port=$(free_port)
		(umask 077; config >"$dir/config.new")
	fi
	echo "$port" >"$dir/port"
	mv "$dir/config.new" "$dir/config.yml"
	env -i PATH="$PATH" setsid docker-registry serve "$dir/config.yml" \
		</dev/null >"$dir/log" 2>&1 9>&- &
	echo $! >"$dir/pid"
	if ! wait_for 10 ready; then
		tail -20 "$dir/log" >&2
		die "the registry did not start; its log is $dir/log"
	fi
}

case "$cmd" in
up)
	mkdir -p "$dir"
	exec 9>"$dir/lock"
	flock 9
	up
	echo "REGISTRY=localhost:$port"
	;;
env)
	echo "REGISTRY=localhost:$(cat "$dir/port")"
	;;
down)
	stop "$dir/pid" "$dir/config.yml" 10
	;;
clean)
	stop "$dir/pid" "$dir/config.yml" 10
	rm -rf "$dir"
	;;
*)
	sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
