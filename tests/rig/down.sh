#!/bin/bash
# Ends every engine, registry and PostgreSQL below $PULLWIRE_RIG; data of the
# first two stays.
. "$(dirname "$0")/common.sh"
here=$(dirname "$0")
for dir in "$RIG"/*/; do
	name=$(basename "$dir")
	if [ -e "$dir/net" ]; then
		"$here/engine.sh" down "$name"
	elif [ -e "$dir/config.yml" ]; then
		"$here/registry.sh" down "$name"
	elif [ -e "$dir/dir" ]; then
		"$here/postgresql.sh" clean "$name"
	fi
done
