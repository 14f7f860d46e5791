#!/bin/bash
# The whole story on this machine: an engine and a registry of our own, a
# running container, four daemons with etc/pullwire.yml, a push, the redeploy,
# the access log; then a tag that does not match and an image that never gets
# healthy. Exits 0 when every step held. KEEP=1 leaves everything running.
set -euo pipefail
cd "$(dirname "$0")/.."
export PULLWIRE_RIG=${PULLWIRE_RIG:-$PWD/build/rig}
demo=$PWD/build/demo
rm -rf "$demo" && mkdir -p "$demo"
export DOCKER_BUILDKIT=0 DOCKER_CLI_HINTS=false
held=0 broke=0
pids=()

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
shown() { printf '  $ %s\n' "$*"; "$@"; }
holds() { # SENTENCE COMMAND...
	local what=$1
	shift
	if "$@" >/dev/null 2>&1; then
		held=$((held + 1))
		echo "  ok: $what"
	else
		broke=$((broke + 1))
		echo "  FAILED: $what"
	fi
}

clean_containers() {
	docker rm -fv web >/dev/null 2>&1 || true
	docker volume rm -f web-data >/dev/null 2>&1 || true
}

finish() {
	trap - EXIT INT TERM
	if [ -n "${KEEP:-}" ]; then
		echo "Left running: $DOCKER_HOST, $REGISTRY," \
			"http://127.0.0.1:$PULLWIRE_LOG_PORT; daemons ${pids[*]}"
	else
		kill "${pids[@]}" 2>/dev/null || true
		wait
		clean_containers
		tests/rig/registry.sh down demo-registry
		tests/rig/engine.sh down
		rm -rf "$demo"
	fi
	exit $((broke > 0 || ${1:-1} > 0))
}
trap 'finish 1' EXIT INT TERM

free_port() {
	/usr/bin/python3 -c 'import random, socket
while True:
    port = random.randint(20000, 29999)
    try: socket.create_server(("127.0.0.1", port)).close()
    except OSError: continue
    print(port); break'
}

# image TAG HEALTHCHECK-COMMAND: built from nothing but busybox.
image() {
	local dir=$demo/image
	rm -rf "$dir" && mkdir -p "$dir/bin"
	cp "$(command -v busybox)" "$dir/bin/busybox"
	local applet
	for applet in sh env httpd wget cat mkdir ln; do
		ln -s busybox "$dir/bin/$applet"
	done
	cat >"$dir/app" <<-'EOT'
	#!/bin/sh
	mkdir -p /data /www
	ln -sf /data /www/data
	echo "$VERSION says $GREETING" >/www/index.html
	echo "$VERSION" >>/data/starts
	trap 'kill $!; exit 0' TERM
	httpd -f -p 8080 -h /www &
	wait
	EOT
	chmod +x "$dir/app"
	cat >"$dir/Dockerfile" <<-EOT
	FROM scratch
	COPY bin/ /bin/
	COPY app /app
	ENV PATH=/bin VERSION=$1
	EXPOSE 8080
	HEALTHCHECK --interval=500ms --timeout=2s --retries=3 CMD $2
	CMD ["/app"]
	EOT
	docker build -q -t "$REGISTRY/shop/web:$1" "$dir" >/dev/null 2>&1
}

# rows TAG: the final rows of pushes of this tag, as "STATUS REASON".
rows() {
	curl -fsS "http://127.0.0.1:$PULLWIRE_LOG_PORT/v1/records?tag=$1" |
		/usr/bin/python3 -c '
import json, sys
for r in json.load(sys.stdin)["records"]:
    if r["final"]: print(r["status"], r["reason"])'
}
wait_row() { # TAG
	local i
	for i in $(seq 300); do
		[ -z "$(rows "$1" 2>/dev/null)" ] || return 0
		sleep 0.1
	done
	return 1
}
all_ready() {
	local program
	for program in logger deployer matcher ingress; do
		"build/pullwire-$program" health >/dev/null 2>&1 || return 1
	done
}
is() { [ "$1" = "$2" ]; }
what() { docker inspect -f "$1" web; }
page() { curl -fsS -m 5 "http://127.0.0.1:$web_port$1"; }
facts() { # one a line: what the table compares
	what '{{slice .Id 0 12}}'
	what '{{.Config.Image}}'
	what '{{range .Config.Env}}{{println .}}{{end}}' | grep '^GREETING='
	what '{{range .Mounts}}{{.Name}}:{{.Destination}}{{end}}'
	what '{{json .NetworkSettings.Ports}}' | grep -o '"HostPort":"[0-9]*"'
	page /data/starts | paste -sd' '
	page /
}

step "1. An engine and a registry of our own"
export "$(tests/rig/engine.sh up)"
export PULLWIRE_TOKEN=demo-token-0123456789abcdef
PULLWIRE_PORT=$(free_port) PULLWIRE_LOG_PORT=$(free_port)
web_port=$(free_port)
export PULLWIRE_PORT PULLWIRE_LOG_PORT
export "$(tests/rig/registry.sh up --token "$PULLWIRE_TOKEN" --notify \
	"http://127.0.0.1:$PULLWIRE_PORT/v1/webhooks/registry" demo-registry)"
echo "  engine $(docker version -f '{{.Server.Version}}') at ${DOCKER_HOST#unix://}"
echo "  docker-registry at $REGISTRY, notifies http://127.0.0.1:$PULLWIRE_PORT"
clean_containers

step "2. Version 1 runs, with a variable, a volume and a published port"
image release-v1 '["wget", "-qO-", "http://127.0.0.1:8080/"]'
shown docker run -d --name web -e GREETING=hello -v web-data:/data \
	-p "127.0.0.1:$web_port:8080" "$REGISTRY/shop/web:release-v1" >"$demo/run"
grep '^  \$' "$demo/run"
for i in $(seq 100); do
	[ "$(what '{{.State.Health.Status}}')" = healthy ] && break
	sleep 0.1
done
facts >"$demo/before"

step "3. The four daemons start, with etc/pullwire.yml"
export PULLWIRE_CONFIG=$PWD/etc/pullwire.yml PULLWIRE_REGISTRY=$REGISTRY
export PULLWIRE_ENGINE=${DOCKER_HOST#unix://}
export PULLWIRE_RUN=$demo/links PULLWIRE_STATE=$demo/state
mkdir -p "$PULLWIRE_RUN" "$PULLWIRE_STATE"/{ingress,deployer,logger}
for program in logger deployer matcher ingress; do
	build/pullwire-$program >"$demo/$program.out" 2>"$demo/$program.err" &
	pids+=($!)
done
for i in $(seq 100); do
	all_ready && break
	sleep 0.1
done
for program in ingress matcher deployer logger; do
	holds "pullwire-$program is ready" "build/pullwire-$program" health
done

step "4. Version 2 is pushed"
image release-v2 '["wget", "-qO-", "http://127.0.0.1:8080/"]'
shown docker push -q "$REGISTRY/shop/web:release-v2"
wait_row release-v2 || true
facts >"$demo/after" || true
/usr/bin/python3 - "$demo/before" "$demo/after" <<'EOT'
import sys
names = ("container", "image", "variable", "volume", "port", "data", "page")
before, after = ([x.rstrip("\n") for x in open(f)] for f in sys.argv[1:])
print(f"  {'':10}{'before':38}after")
for name, a, b in zip(names, before, after):
    print(f"  {name:10}{a:38}{b}")
EOT
holds "the row says deployed" is "$(rows release-v2 | cut -d' ' -f1)" deployed
holds "it is another container" test "$(sed -n 1p "$demo/before")" != \
	"$(sed -n 1p "$demo/after")"
holds "on the new image" is "$(sed -n 2p "$demo/after")" \
	"$REGISTRY/shop/web:release-v2"
holds "variable, volume and port are kept" is \
	"$(sed -n 3,5p "$demo/before")" "$(sed -n 3,5p "$demo/after")"
holds "the volume has its data" is "$(sed -n 6p "$demo/after")" \
	"release-v1 release-v2"
curl -fsS "http://127.0.0.1:$PULLWIRE_LOG_PORT/v1/records?tag=release-v2" |
	/usr/bin/python3 -c '
import json, sys
for r in json.load(sys.stdin)["records"]:
    if r["final"] and r["duration_ms"]:
        print("  duration_ms", json.dumps(r["duration_ms"]))'

step "5. A tag that does not match"
docker tag "$REGISTRY/shop/web:release-v2" "$REGISTRY/shop/web:v3-rc"
shown docker push -q "$REGISTRY/shop/web:v3-rc"
wait_row v3-rc || true
holds "the row says untriggered" is "$(rows v3-rc | cut -d' ' -f1)" untriggered

step "6. An image that never gets healthy"
image release-v3 '["wget", "-qO-", "http://127.0.0.1:9/"]'
shown docker push -q "$REGISTRY/shop/web:release-v3"
wait_row release-v3 || true
holds "the row says rolled_back" is "$(rows release-v3 | cut -d' ' -f1)" \
	rolled_back
holds "the same container as before runs" is "$(what '{{slice .Id 0 12}}')" \
	"$(sed -n 1p "$demo/after")"
holds "and answers" is "$(page /)" "release-v2 says hello"

step "7. The access log: pullwire-logger log"
build/pullwire-logger log >"$demo/log"
grep -v ' ignored ' "$demo/log" | cut -c1-180
echo "  (and $(grep -c ' ignored ' "$demo/log") notifications of pulls and layers," \
	"ignored)"

echo
echo "$held steps held, $broke failed"
finish 0
