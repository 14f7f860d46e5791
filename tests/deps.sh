#!/bin/bash
# deps.sh: installs what building and testing need on Debian and is not there.
# Quiet and quick when nothing is missing. No service is started.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# A library's name for pkg-config, and its package.
libraries='
libzmq		libzmq3-dev
msgpack		libmsgpack-dev
libcjson	libcjson-dev
libpcre2-8	libpcre2-dev
libcurl		libcurl4-openssl-dev
libmicrohttpd	libmicrohttpd-dev
gnutls		libgnutls28-dev
sqlite3		libsqlite3-dev
yaml-0.1	libyaml-dev
libcrypto	libssl-dev
libuv		libuv1-dev
libpq		libpq-dev
cmocka		libcmocka-dev
'

# A program or a file, and its package.
tools='
gcc			gcc
make			make
pkg-config		pkg-config
dockerd			docker.io
docker-registry		docker-registry
docker-compose		docker-compose
/usr/share/doc/busybox-static	busybox-static
/usr/bin/python3	python3
/usr/lib/python3/dist-packages/pytest	python3-pytest
/usr/include/stdio.h	libc6-dev
/etc/ssl/certs/ca-certificates.crt	ca-certificates
/usr/share/zoneinfo/Europe/Berlin	tzdata
curl			curl
openssl			openssl
iptables		iptables
ip			iproute2
debootstrap		debootstrap
sqlite3			sqlite3
nginx			nginx-light
pgrep			procps
wrk			wrk
chromium		chromium
chromedriver		chromium-driver
/usr/lib/python3/dist-packages/yaml	python3-yaml
/usr/lib/python3/dist-packages/jsonschema	python3-jsonschema
promtool		prometheus
/usr/share/doc/postgresql	postgresql
/usr/lib/python3/dist-packages/prometheus_client	python3-prometheus-client
'

present() {
	case $1 in
	/*) [ -e "$1" ] ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

missing_tools() {
	local what package
	while read -r what package; do
		[ -z "$what" ] || present "$what" || echo "$package"
	done <<<"$tools"
}

missing_libraries() {
	local name package
	# One question for all; one each only when the answer is no.
	# shellcheck disable=SC2046
	pkg-config --exists $(awk '{ print $1 }' <<<"$libraries") \
		2>/dev/null && return
	while read -r name package; do
		[ -z "$name" ] || pkg-config --exists "$name" 2>/dev/null ||
			echo "$package"
	done <<<"$libraries"
}

# Debian asks policy-rc.d before it starts a service: 101 forbids it.
no_services() {
	policy=/usr/sbin/policy-rc.d
	[ -e "$policy" ] && return
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	trap 'rm -f "$policy"' EXIT
}

install() {
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update &&
		apt-get -qq install -y --no-install-recommends "$@" </dev/null
}

missing=$( (missing_tools; missing_libraries) | tr '\n' ' ')
missing=${missing% }
[ -z "$missing" ] && exit 0

if ! command -v apt-get >/dev/null; then
	echo "deps: this system has no apt-get; install with its own packages" \
		"what Debian 12 calls: $missing" >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "deps: not root, so cannot install; run as root:" \
		"apt-get install --no-install-recommends $missing" >&2
	exit 1
fi

echo "deps: installing $missing"
no_services
log=$(mktemp /tmp/pullwire-deps.XXXXXX)
# shellcheck disable=SC2086 # a list of words
if ! install $missing >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "deps: apt-get failed; its whole output is in $log" >&2
	exit 1
fi
# On a machine with systemd these would start with the next boot; they are
# here for the tests, which start their own.
for service in nginx docker-registry prometheus postgresql; do
	case " $missing " in
	*" $service"[\ -]*)
		command -v systemctl >/dev/null &&
			systemctl -q disable "$service" >>"$log" 2>&1
		;;
	esac
done
left=$( (missing_tools; missing_libraries) | tr '\n' ' ')
if [ -n "$left" ]; then
	echo "deps: still missing after the installation: $left" \
		"(output in $log)" >&2
	exit 1
fi
rm -f "$log"
