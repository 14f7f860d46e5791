#!/bin/sh
# embed.sh FILE...: the files as C, for logger/page.c. Names are the files'
# own: app.js is page_app_js.
set -eu
echo '#include "logger/page.h"'
for file in "$@"; do
	name=$(basename "$file" | tr '.-' '__')
	echo "static const char bytes_$name[] = {"
	od -An -v -tx1 "$file" | sed 's/ \([0-9a-f][0-9a-f]\)/(char)0x\1,/g'
	echo '};'
done
echo 'const struct page_file page_files[] = {'
for file in "$@"; do
	base=$(basename "$file")
	name=$(echo "$base" | tr '.-' '__')
	echo "	{\"$base\", {bytes_$name, sizeof(bytes_$name)}},"
done
echo '};'
echo 'const size_t page_files_n = ARRAY_LEN(page_files);'
