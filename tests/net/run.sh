#!/bin/bash
# run.sh [PYTEST OPTION...]: the tests of this folder in a network of their own
# in which every address of the internet is this machine: whatever a program
# connects to, it gets there, and the kernel counts it. Names are answered by
# the tests (names.py); the system's roots have one more, the tests' own.
# Nothing of it is left when it ends. Needs root.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ -z "${PULLWIRE_NET:-}" ]; then
	PULLWIRE_NET=$(mktemp -d)
	trap 'rm -rf "$PULLWIRE_NET"' EXIT
	export PULLWIRE_NET
	unshare --net --mount "$0" "$@"
	exit
fi
ip link set lo up
ip route add local 0.0.0.0/0 dev lo
ip -6 route add local ::/0 dev lo
# What must never leave: anything to port 9099 but to the public control.
iptables -A OUTPUT -p tcp --syn --dport 9099 ! -d 93.184.216.34
ip6tables -A OUTPUT -p tcp --syn --dport 9099 ! -d 2606:2800:220:1::1
echo "nameserver 127.0.0.53" >"$PULLWIRE_NET/resolv.conf"
mount --bind "$PULLWIRE_NET/resolv.conf" /etc/resolv.conf
tests/net/certificates.sh "$PULLWIRE_NET/pki"
cat /etc/ssl/certs/ca-certificates.crt "$PULLWIRE_NET/pki/root.crt" \
	>"$PULLWIRE_NET/roots.crt"
mount --bind "$PULLWIRE_NET/roots.crt" /etc/ssl/certs/ca-certificates.crt
/usr/bin/python3 -m pytest -q -p no:cacheprovider \
	-W ignore::DeprecationWarning tests/net "$@"
