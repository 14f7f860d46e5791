#!/bin/bash
# run.sh SECONDS [TARGET...]: every fuzz target over its corpus for so long: the
# files of tests/fuzz/corpus and the webhook bodies of tests/vectors. With
# clang's libFuzzer where it is there, else a blind one of our own (main.c);
# always with the address and undefined behaviour sanitizers. What is found new
# stays below build/fuzz; a crash is printed with its input's path.
set -uo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-10}
shift
out=${FUZZ_OUT:-build/fuzz}
mkdir -p "$out"

# Any clang that can link the runtime.
echo 'int LLVMFuzzerTestOneInput(const char *p, unsigned long n);
int LLVMFuzzerTestOneInput(const char *p, unsigned long n) { return !p && n; }' \
	>"$out/probe.c"
if clang -fsanitize=fuzzer,address -o "$out/probe" "$out/probe.c" 2>/dev/null; then
	how=libFuzzer
	set_up=(CC=clang SAN=address,undefined,fuzzer-no-link FUZZ_ENGINE=-fsanitize=fuzzer)
else
	how=blind
	set_up=(SAN=address,undefined)
fi
out=$out/${how//[ :]/-}
mkdir -p "$out"
make -s --no-print-directory -j"$(nproc)" "${set_up[@]}" OUT="$out" build-fuzz \
	>"$out/build.log" 2>&1 ||
	{ tail -20 "$out/build.log"; echo "fuzz: the build failed"; exit 1; }

. tests/fuzz/seeds.sh

failed=0
for program in "$out"/tests/fuzz/fuzz_*; do
	[ -x "$program" ] && [ -f "$program" ] || continue
	name=${program##*/fuzz_}
	[ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
	seeds=$out/seeds-$name new=$out/found-$name
	mkdir -p "$seeds" "$new" "$out/crashes"
	! declare -F "seed_$name" >/dev/null || "seed_$name" "$seeds"
	folders=("$new" "$seeds")
	[ ! -d "tests/fuzz/corpus/$name" ] || folders+=("tests/fuzz/corpus/$name")
	if [ "$how" = libFuzzer ]; then
		"$program" -max_total_time="$seconds" -max_len=8192 -timeout=10 \
			-rss_limit_mb=2048 -artifact_prefix="$out/crashes/$name-" \
			"${folders[@]}" >"$out/$name.log" 2>&1
	else
		"$program" "$seconds" "$RANDOM" "${folders[@]}" >"$out/$name.log" 2>&1
	fi
	rc=$?
	runs=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$out/$name.log" | tail -1)
	if [ $rc -eq 0 ] && [ "${runs:-0}" -gt 0 ]; then
		echo "ok fuzz_$name: $runs runs ($how)"
	else
		tail -40 "$out/$name.log"
		echo "not ok fuzz_$name: status $rc, see $out/$name.log"
		failed=$((failed + 1))
	fi
done
[ $failed -eq 0 ]
