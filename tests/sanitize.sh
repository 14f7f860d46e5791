# sanitize.sh SANITIZERS, to be sourced from the top folder: what programs built
# with them need in the environment. Sets PULLWIRE_SAN, PULLWIRE_BUILD,
# PULLWIRE_BUILD_FAIL, PULLWIRE_PATIENCE, and reports: the folder of what they
# find.
case $1 in
*thread*) PULLWIRE_BUILD=build/tsan ;;
*) PULLWIRE_BUILD=build/san ;;
esac
export PULLWIRE_SAN=$1 PULLWIRE_BUILD PULLWIRE_BUILD_FAIL=$PULLWIRE_BUILD/fail
# They are slower, and so is what waits for them.
export PULLWIRE_PATIENCE=4
reports=$PWD/$PULLWIRE_BUILD/reports
rm -rf "$reports"
mkdir -p "$reports"

# reports_to NAME: reports go to the folder NAME of those from here on.
reports_to() {
	export PULLWIRE_REPORTS=$reports/$1
	local path=log_path=$PULLWIRE_REPORTS/report
	mkdir -p "$PULLWIRE_REPORTS"
	# A library may be preloaded before the sanitizers' own.
	export ASAN_OPTIONS=$path:verify_asan_link_order=0:detect_leaks=1
	export ASAN_OPTIONS+=:strict_string_checks=1
	export UBSAN_OPTIONS=print_stacktrace=1
	export PULLWIRE_UBSAN_PATH=$PULLWIRE_REPORTS/report.ub
	# Libraries are built without it, so what they do is not seen whole.
	export TSAN_OPTIONS=$path:ignore_noninstrumented_modules=1
}
