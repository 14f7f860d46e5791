#!/bin/bash
# A newer Docker Engine from Debian's suites, beside the installed one: nothing
# on this machine is upgraded.
#
#   fetch_engine.sh SUITE             unpack it unless it is there; print its
#                                     folder, for ENGINE= of engine.sh
#   fetch_engine.sh SUITE compose     Compose v2 alone; print its program
#
# SUITE: trixie (26.1) or sid (28.5 and what comes after it). Programs are
# taken that run on Debian 12's own C library; runc is not, and stays the
# installed one. The docker CLI and Compose v2 come along. Everything is below
# $PULLWIRE_RIG/engines/SUITE.

. "$(dirname "$0")/common.sh"

suite=${1:-}
[ -n "$suite" ] || { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; exit 2; }
dir=$RIG/engines/$suite
packages=(docker.io docker-cli containerd docker-compose tini)
program=usr/sbin/dockerd
if [ "${2:-}" = compose ]; then
	dir=$RIG/compose/$suite
	packages=(docker-compose)
	program=usr/libexec/docker/cli-plugins/docker-compose
fi
found() {
	if [ "${2:-}" = compose ]; then
		echo "COMPOSE=$dir/root/$program"
	else
		echo "$dir/root"
	fi
	exit
}
[ ! -x "$dir/root/$program" ] || found "$@"
need apt-get dpkg-deb
mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null |
	grep -m1 -E '/debian/?$') || die "no Debian mirror in apt's sources"

# An apt of its own: sources, lists, and a status that says nothing is here.
apt=$dir/apt
rm -rf "$dir"
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$dir/root"
: >"$apt/status"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] $mirror $suite main" >"$apt/sources.list"
private() {
	apt-get -qq -o Dir::Etc::sourcelist="$apt/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null \
		-o Dir::Etc::preferencesparts=/dev/null -o Dir::Cache="$apt" \
		-o Dir::State::lists="$apt/lists" \
		-o Dir::State::status="$apt/status" \
		-o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}
# tini has another name in newer suites.
fetch() {
	local package
	for package in "${packages[@]}"; do
		if [ "$package" = tini ]; then
			private download tini-static ||
				private download tini || return 1
		else
			private download "$package" || return 1
		fi
	done
}
if ! (cd "$apt/archives" && private update && fetch) >"$dir/log" 2>&1; then
	tail -5 "$dir/log" >&2
	die "no engine from $suite; apt's output is in $dir/log"
fi
for package in "$apt"/archives/*.deb; do
	dpkg-deb -x "$package" "$dir/root.part"
done
rm -rf "$apt" "$dir/root"
mv "$dir/root.part" "$dir/root"
found "$@"
