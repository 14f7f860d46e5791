#!/bin/bash
# Every source file is named in its folder's note (DESIGN.md in a daemon,
# README.md elsewhere), and the note names no file that is gone.
set -uo pipefail
cd "$(dirname "$0")/.."
faults=0

fault() { echo "$1"; faults=$((faults + 1)); }

for folder in ingress matcher deployer deployer/*/ logger \
		proto/{base,msg,data,io,daemon}; do
	folder=${folder%/}
	note=$folder/DESIGN.md
	[ -e "$note" ] || note=$folder/README.md
	named=$(sed -n 's/^| *\([^|]*[a-z0-9_]\.[^|]*\)|.*/\1/p' "$note" |
		tr -d '`' | tr ' ' '\n' |
		sed 's/\(.*\)\.\[ch\]$/\1.c\n\1.h/' | grep '\.[ch]$' | sort -u)
	for file in $(cd "$folder" && ls -- *.c *.h); do
		grep -qxF "$file" <<<"$named" ||
			fault "$note: does not name $file"
	done
	for file in $named; do
		[ -e "$folder/$file" ] || fault "$note: $file is not there"
	done
done
[ "$faults" -eq 0 ] || exit 1
echo "notes: ok"
