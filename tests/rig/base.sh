#!/bin/bash
# Gives our engine the image debian:bookworm-slim that the Dockerfile starts
# from, made by debootstrap out of this machine's Debian mirror: for machines
# that reach a mirror and no registry. Done once; kept as $RIG/base.tar.
#
#   base.sh [ENGINE]

. "$(dirname "$0")/common.sh"

need debootstrap docker
host=$("$(dirname "$0")/engine.sh" up "${1:-engine}")
export "$host"
image=debian:bookworm-slim
docker image inspect "$image" >/dev/null 2>&1 && exit 0

if [ ! -s "$RIG/base.tar" ]; then
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null |
		grep -m1 -E '/debian/?$') || die "no Debian mirror in apt's sources"
	root=$(mktemp -d "$RIG/base.XXXXXX")
	trap 'rm -rf "$root"' EXIT
	debootstrap --variant=minbase bookworm "$root/d" "$mirror" \
		>"$RIG/base.log" 2>&1 ||
		{ tail -5 "$RIG/base.log" >&2; die "debootstrap failed"; }
	rm -rf "$root"/d/var/cache/apt/* "$root"/d/var/lib/apt/lists/* \
		"$root"/d/usr/share/{doc,man,locale}/*
	# What apt needs to reach the same mirror from inside.
	cp -r /etc/apt/apt.conf.d/*proxy* "$root/d/etc/apt/apt.conf.d/" \
		2>/dev/null || true
	tar -C "$root/d" -cf "$RIG/base.tar.part" .
	mv "$RIG/base.tar.part" "$RIG/base.tar"
fi
docker import "$RIG/base.tar" "$image" >/dev/null
