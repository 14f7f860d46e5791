#!/bin/bash
# headers.sh: every header compiles alone, with $CC and $CFLAGS.
cd "$(dirname "$0")/.." || exit 1
export CC="${CC:-cc}" CFLAGS="${CFLAGS:--I. -D_GNU_SOURCE -std=c11 -Wall -Wextra}"

headers=$(find proto ingress matcher deployer logger tests -name '*.h' \
	-type f 2>/dev/null | LC_ALL=C sort)
# shellcheck disable=SC2086 # CC and CFLAGS are lists of words
printf '%s\n' $headers | xargs -P 3 -n 1 sh -c '
	echo "#include \"$1\"" | $CC -I. $CFLAGS -x c -fsyntax-only - && exit 0
	echo "$1 does not compile alone"
	exit 1' sh || exit 1
echo "headers: ok"
