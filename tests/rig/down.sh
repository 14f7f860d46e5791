#!/bin/bash
# Ends every engine and registry below $PULLWIRE_RIG; their data stays.
. "$(dirname "$0")/common.sh"
here=$(dirname "$0")
for dir in "$RIG"/*/; do
	name=$(basename "$dir")
	if [ -e "$dir/net" ]; then
		"$here/engine.sh" down "$name"
	elif [ -e "$dir/config.yml" ]; then
		"$here/registry.sh" down "$name"
	fi
done
