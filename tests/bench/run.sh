#!/bin/bash
# Durable acceptance, as a ratio to peers that store nothing. wrk posts pushes
# over 64 kept connections, $SECONDS_EACH s each: to pullwire-ingress, which
# answers 202 after its commit (SQLite, synchronous=FULL); to nginx, which
# answers 202 from memory, a floor; to Debian's webhook whose rule does not
# match (nothing stored, nothing run) and whose rule runs /bin/true. Two
# interleaved rounds, the better of each counts. Absolute figures belong to
# this machine and its disk; read the ratios.
set -euo pipefail
cd "$(dirname "$0")/../.."
each=${SECONDS_EACH:-3}
command -v wrk >/dev/null || { echo "bench needs wrk: run \`make deps\`"; exit 1; }
dir=$(mktemp -d "$PWD/build/bench.XXXXXX")
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait; rm -rf "$dir"' EXIT
export TOKEN=bench-token-0123456789abcdef

free_port() {
	/usr/bin/python3 -c 'import socket
with socket.create_server(("127.0.0.1", 0)) as s: print(s.getsockname()[1])'
}
wait_port() {
	local i
	for i in $(seq 100); do
		(: >"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
		sleep 0.1
	done
	echo "nothing listens on $1" >&2
	return 1
}

start_ingress() {
	cat >"$dir/pullwire.yml" <<-EOT
	sources:
	  - {name: push, type: generic, auth: {bearer: $TOKEN}, rate: 1000000, burst: 1000000}
	run: $dir/run
	ingress: {max_per_address: 0, http: "127.0.0.1:$1", link: "ipc://$dir/run/i", state: $dir/spool}
	matcher: {ingress: ["ipc://$dir/run/i"], deployer: ["ipc://$dir/run/d"], logger: ["ipc://$dir/run/l"]}
	EOT
	mkdir -p "$dir/spool" "$dir/run"
	build/pullwire-ingress -c "$dir/pullwire.yml" 2>"$dir/ingress.err" &
	pids+=($!)
}
start_nginx() {
	mkdir -p "$dir/logs"
	cat >"$dir/nginx.conf" <<-EOT
	worker_processes 2;
	pid $dir/nginx.pid;
	error_log $dir/nginx.err;
	events { worker_connections 1024; }
	http {
	  access_log off;
	  client_body_temp_path $dir/logs; proxy_temp_path $dir/logs;
	  fastcgi_temp_path $dir/logs; uwsgi_temp_path $dir/logs;
	  scgi_temp_path $dir/logs;
	  keepalive_requests 10000000;
	  server { listen 127.0.0.1:$1; location / { return 202 '{"id":"x"}'; } }
	}
	EOT
	nginx -p "$dir" -c "$dir/nginx.conf" -g 'daemon off;' 2>/dev/null &
	pids+=($!)
}
start_webhook() {
	cat >"$dir/hooks.json" <<-EOT
	[{"id": "no-rule", "execute-command": "/bin/true", "trigger-rule":
	   {"match": {"type": "value", "value": "never",
	              "parameter": {"source": "payload", "name": "tag"}}}},
	 {"id": "runs", "execute-command": "/bin/true"}]
	EOT
	webhook -hooks "$dir/hooks.json" -ip 127.0.0.1 -port "$1" \
		>/dev/null 2>&1 &
	pids+=($!)
}

# rate URL: requests a second (0 when an answer was no 2xx), p50, p99.
rate() {
	wrk -t2 -c64 -d"${each}s" --latency -s tests/bench/post.lua "$1" \
		>"$dir/wrk" 2>&1
	awk '/Requests\/sec/ {r = $2} /50%/ {m = $2} /99%/ {p = $2}
		/Non-2xx/ {bad = 1}
		END {printf "%d %s %s\n", bad ? 0 : r, m, p}' "$dir/wrk"
}

names=("pullwire-ingress, durable 202") urls=()
port=$(free_port) && start_ingress "$port" && wait_port "$port"
urls+=("http://127.0.0.1:$port/v1/webhooks/push")
if command -v nginx >/dev/null; then
	port=$(free_port) && start_nginx "$port" && wait_port "$port"
	names+=("nginx, return 202") urls+=("http://127.0.0.1:$port/")
fi
if command -v webhook >/dev/null; then
	port=$(free_port) && start_webhook "$port" && wait_port "$port"
	names+=("webhook, no rule matches")
	urls+=("http://127.0.0.1:$port/hooks/no-rule")
	names+=("webhook, runs /bin/true")
	urls+=("http://127.0.0.1:$port/hooks/runs")
fi

best=() shown=()
for round in 1 2; do
	for i in "${!names[@]}"; do
		read -r r p50 p99 <<<"$(rate "${urls[i]}")"
		if [ "$r" -ge "${best[i]:-0}" ]; then
			best[i]=$r
			shown[i]="$p50 $p99"
		fi
	done
done

printf '%-32s %10s %10s %10s %8s\n' "64 connections" "a second" p50 p99 ratio
for i in "${!names[@]}"; do
	read -r p50 p99 <<<"${shown[i]}"
	printf '%-32s %10d %10s %10s %8s\n' "${names[i]}" "${best[i]}" "$p50" \
		"$p99" "$(awk -v a="${best[0]}" -v b="${best[i]}" \
			'BEGIN {printf "%.2f", b ? a / b : 0}')"
done
echo "ratio: durable 202s of pullwire-ingress to that row's answers"
[ "${best[0]}" -gt 0 ]

echo
/usr/bin/python3 tests/bench/deliver.py
