#!/bin/bash
# A PostgreSQL server of our own on localhost.
#
#   postgresql.sh up [NAME]     start it, made when it is not there; print
#                               POSTGRESQL=postgresql://USER:PASSWORD@…
#   postgresql.sh env [NAME]    print that
#   postgresql.sh down [NAME]   end it at once, as kill -9 would; rows stay
#   postgresql.sh clean [NAME]  down, and remove it
#
# It refuses to run as root, so root starts it as user postgres; its files are
# in a folder of that user below /tmp, which $PULLWIRE_RIG/NAME/dir names.

. "$(dirname "$0")/common.sh"

cmd=${1:-}
name=${2:-postgresql}
dir=$RIG/$name
password=rig-password
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)

as_owner() {
	if [ "$(id -u)" -eq 0 ]; then
		(cd / && exec setpriv --reuid postgres --regid postgres \
			--init-groups "$@")
	else
		"$@"
	fi
}

free_port() {
	local p # beside those of stack.py
	for p in $(shuf -i 30000-32000 -n 50); do
		[ -n "$(ss -Hltn "sport = :$p")" ] || { echo "$p"; return; }
	done
	die "no free port found"
}

make_cluster() {
	home=$(mktemp -d /tmp/pullwire-pg.XXXXXX)
	[ "$(id -u)" -ne 0 ] || chown postgres: "$home"
	echo "$password" >"$home/password"
	as_owner "$bin/initdb" -D "$home/data" -U pullwire \
		-E UTF8 --no-locale --auth=scram-sha-256 --no-sync \
		--pwfile="$home/password" >"$dir/initdb.log" 2>&1 ||
		{ tail -20 "$dir/initdb.log" >&2; die "initdb failed"; }
	free_port >"$dir/port"
	echo "$home" >"$dir/dir"
}

url() {
	echo "POSTGRESQL=postgresql://pullwire:$password@127.0.0.1:$(cat \
		"$dir/port")/postgres"
}

ready() {
	PGPASSWORD=$password psql -qAt -h 127.0.0.1 -p "$port" -U pullwire \
		-d postgres -c 'SELECT 1'
}

up() {
	[ -n "$bin" ] || die "postgresql is not installed: run \`make deps\`"
	need ss psql
	mkdir -p "$dir"
	[ -d "$(cat "$dir/dir" 2>/dev/null)/data" ] || make_cluster
	home=$(cat "$dir/dir") port=$(cat "$dir/port")
	alive "$dir/pid" "$home" && return
	rm -f "$home/data/postmaster.pid"
	as_owner setsid "$bin/postgres" -D "$home/data" -p "$port" -h 127.0.0.1 \
		-k "$home" -c max_connections=100 -c shared_buffers=256MB \
		-c max_wal_size=4GB -c checkpoint_timeout=15min \
		</dev/null >"$dir/log" 2>&1 9>&- &
	if ! wait_for 20 ready; then
		tail -20 "$dir/log" >&2
		die "PostgreSQL did not start; its log is $dir/log"
	fi
	head -1 "$home/data/postmaster.pid" >"$dir/pid"
}

down() {
	local home
	home=$(cat "$dir/dir" 2>/dev/null) || return 0
	alive "$dir/pid" "$home" && kill -QUIT "$(cat "$dir/pid")"
	stop "$dir/pid" "$home" 5
}

case "$cmd" in
up)
	mkdir -p "$dir"
	exec 9>"$dir/lock"
	flock 9
	up
	url
	;;
env) url ;;
down) down ;;
clean)
	down
	rm -rf "$(cat "$dir/dir" 2>/dev/null || echo "$dir")" "$dir"
	;;
*)
	sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
