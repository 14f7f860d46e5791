# The first inputs of targets that have some beside their corpus; to be
# sourced: seed_TARGET FOLDER.

# TYPE, headers, an empty line, the body: see fuzz_provider.c
seed_provider() {
	local file type
	for file in tests/vectors/*/*.json tests/vectors/*/*.form; do
		type=$(basename "$(dirname "$file")")
		{
			echo "$type"
			cat "${file%.*}.headers" 2>/dev/null
			echo
			cat "$file"
		} >"$1/$type-$(basename "$file")"
	done
}
seed_json() {
	local file
	for file in tests/vectors/*/*.json; do
		cp "$file" "$1/$(basename "$(dirname "$file")")-$(basename "$file")"
	done
}
