#!/bin/bash
# run.sh               runs all tests of both widths and prints the totals.
# run.sh --suites      only the suites: what the built programs do.
# run.sh --x86         only the 32-bit suites, and all of their tests, also where 32-bit code is emulated.
# run.sh PROGRAM ARG…  runs one Windows program the way the suites are run.
set -uo pipefail
# The job server of `make -j test` is not for the makes that the scripts run.
unset MAKEFLAGS MFLAGS

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/scripts/machine.sh"

# windows PROGRAM ARG…: directly on Windows, else in a Wine of our own.
if [ "${OS:-}" = Windows_NT ]; then
	wine=no
	export MSYS2_ARG_CONV_EXCL='*' PATH=/mingw64/bin:$PATH
	windows() { "$@"; }
else
	wine=yes
	export WINEPREFIX=${HANDOFF_WINE:-$root/build/wine} WINEDEBUG=${WINEDEBUG:--all}
	export WINEDLLOVERRIDES='mscoree=;mshtml=;winemenubuilder.exe='
	case $x86 in
	native) [ ! -d "$root/build/deps/wow32" ] || export WINEDLLPATH=$root/build/deps/wow32 ;;
	emulated) export PATH=$root/build/deps/emulation/bin:$PATH ;;
	esac
	unset DISPLAY
	# Linux puts a program's heap anywhere in a gigabyte that has addresses which Wine cannot do without:
	# one start in some ten thousand fails. Where this may be turned off, it is.
	fixed=$(setarch -R true 2>/dev/null && echo setarch -R)
	export fixed
	windows() { $fixed wine "$@"; }
fi

what=all
case ${1:-} in
--suites) what=suites ;;
--x86) what=x86 ;;
?*)
	# Of the way to begin with, which make hands on, the set-up knows what came of it.
	case ${HANDOFF_X86:-native} in
	native | emulated) export HANDOFF_X86=$x86 ;;
	esac
	windows "$@"
	exit
	;;
esac

passed=0 failed=0 skipped=0 failures=() skips=() jobs=()
declare -A tests_skipped tests_reduced

# --- what is to be done --------------------------------------------------------------------

# How much of the 32-bit suites is run: all, their tests about the width (see tests/support/harness.h), or none.
of_x86=all
case "$x86 $what" in
none*) of_x86=none ;;
'emulated x86') ;;
emulated*) of_x86=width ;;
esac

# Jobs are "NAME WIDTH PART PARTS", those that take longest first. Of as many tests as there are parts each runs one.
add_jobs() {
	local part
	for ((part = 1; part <= $3; part++)); do
		jobs+=("$1 $2 $part $3")
	done
}

list_jobs() {
	local widths=(x64 x86) width parts=4
	[ $what != x86 ] || widths=(x86)
	for width in "${widths[@]}"; do
		[ "$width" = x64 ] || [ $of_x86 = all ] || parts=1
		add_jobs system "$width" $parts
		add_jobs calls "$width" $(((parts + 1) / 2))
		add_jobs campaign "$width" 1
	done
	[ $what != all ] || add_jobs examples x64 1
	for width in "${widths[@]}"; do
		[ $what = suites ] || add_jobs installed "$width" 1
		add_jobs unit "$width" 1
	done
}

# When a suite, or a part of one, hangs: four times what it takes on a quiet machine where a process starts fast.
declare -A seconds=([unit]=120 [system]=300 [calls]=300 [campaign]=300)

# --- running -----------------------------------------------------------------------------

# start_wine NUMBER PROCESSOR: each worker has a Wine to itself, since the tests look for processes left behind.
# It stays on one processor: its processes ask wineserver for everything, and to wake up another
# processor for each answer takes several times longer. Tests of threads take all processors again.
start_wine() {
	[ "$1" = 1 ] || export HANDOFF_WINE=$WINEPREFIX-$1 WINEPREFIX=$WINEPREFIX-$1
	taskset -cp "$2" "$BASHPID" >/dev/null
	# Starting a wineserver for each program would cost seconds, and its services would hold on to
	# pipes. One that runs already is someone else's: it is used, and left alone.
	if wineserver -p >/dev/null 2>&1 </dev/null; then
		trap 'wineserver -k' EXIT
		windows cmd /c exit >/dev/null 2>&1 </dev/null
		# The first program that needs a desktop starts it, and the desktop holds on to that program's pipes.
		windows explorer /desktop >/dev/null 2>&1 </dev/null &
	fi
}

# processors: those that this may run on, a line each.
processors() {
	local allowed range
	allowed=$(taskset -cp $$) # "... list: 0-3,6"
	for range in $(tr , ' ' <<<"${allowed##* }"); do
		seq "${range%-*}" "${range#*-}"
	done
}

# start_ms WIDTH: what a start of a process takes now.
start_ms() {
	windows "build/$1/unit.exe" --start-ms 2>/dev/null </dev/null | tr -d '\r'
}

# suite NAME WIDTH PART PARTS: a Check program, or one whose last line is like theirs. With a terminal Wine has a console,
# without one it has none: both are tested. Into a file, not a pipe: a child left behind would keep a pipe open.
suite() {
	local program=build/$2/$1.exe file=build/$2/$1-$3 limit
	local -x HANDOFF_PART=$3/$4 HANDOFF_X86=$x86 HANDOFF_START_MS=$HANDOFF_START_MS
	export CK_TAP_LOG_FILE_NAME=$file.tap # says of each test at once how it went: see report
	[ -e "$program" ] || return
	case "$2 $of_x86" in
	'x64 none') HANDOFF_X86=none ;;
	'x86 none') program=build/x64/$1.exe HANDOFF_X86=count ;; # it has the same tests
	'x86 width') [ "$1" = unit ] || HANDOFF_X86=width ;;
	esac
	[ "$2 $x86" != 'x86 emulated' ] || HANDOFF_START_MS=$(start_ms x86)
	limit=$(patience "${seconds[$1]}")
	if [ $wine = yes ] && [ "$1 $2" = "system x64" ]; then
		timeout -k 5 "$limit" script -qec "tests/run.sh $program >$file.log 2>&1" /dev/null >/dev/null </dev/null
	else
		timeout -k 5 "$limit" bash -c 'windows "$@"' - "$program" >"$file.log" 2>&1 </dev/null
	fi
	echo "$? $limit" >"$file.status"
}

# do_jobs: each that nobody has taken yet.
do_jobs() {
	local i job
	export HANDOFF_START_MS
	HANDOFF_START_MS=$(start_ms x64)
	for i in "${!jobs[@]}"; do
		mkdir "build/jobs/$i" 2>/dev/null || continue
		read -ra job <<<"${jobs[i]}"
		case ${job[0]} in
		installed) tests/scripts/installed.sh "${job[1]}" >"build/${job[1]}/installed.log" 2>&1 ;;
		examples) tests/scripts/examples.sh >build/x64/examples.log 2>&1 ;;
		*) suite "${job[@]}" ;;
		esac
	done
}

# start_workers: one for each processor that there is a Wine for, and on Windows one.
start_workers() {
	local number=0 processor
	if [ $wine = no ]; then
		do_jobs &
		return
	fi
	for processor in $(processors); do
		number=$((number + 1))
		[ $number = 1 ] || [ -d "$WINEPREFIX-$number" ] || break
		(start_wine $number "$processor" && do_jobs) &
	done
}

# --- reporting ---------------------------------------------------------------------------

pass() { passed=$((passed + $1)); }

# fail COUNT LINE...: the lines are said again before the totals, which is where one looks.
fail() {
	failed=$((failed + $1))
	shift
	failures+=("$@")
}

# skip NAME LINE: a line "SKIP: TEST: REASON", or "SKIP: N tests: REASON", which is put together for all parts of a suite.
# Sets count to that of its tests.
skip() {
	local line=${2#SKIP: }
	count=1
	if [[ $line =~ ^([0-9]+)\ tests:\ (.*) ]]; then
		count=${BASH_REMATCH[1]}
		line="$1: ${BASH_REMATCH[2]}"
		tests_skipped[$line]=$((${tests_skipped[$line]:-0} + count))
	else
		skips+=("$1: $line")
	fi
	skipped=$((skipped + count))
}

# reduced NAME LINE: a line "REDUCED: N tests: REASON", put together likewise. These have passed.
reduced() {
	local count line=${2#REDUCED: }
	count=${line%% *} line="$1: ${line#*: }"
	tests_reduced[$line]=$((${tests_reduced[$line]:-0} + count))
}

# lines NAME: what a script says, a line a check.
lines() {
	local line
	echo "== $1"
	while IFS= read -r line; do
		echo "$line"
		case $line in
		ok*) pass 1 ;;
		'SKIP: '*) skip "$1" "$line" ;;
		*) fail 1 "$1: $line" ;;
		esac
	done
}

# fuzz: what the fuzzer found before, and 100,000 inputs that are the same each time.
fuzz() {
	local found=build/fuzz-found
	echo "== fuzz"
	rm -rf $found build/fuzz.log
	mkdir -p $found
	if timeout 60 build/fuzz -seed=1 -runs=100000 -max_len=4096 -artifact_prefix=$found/ $found tests/fuzz/corpus \
		>build/fuzz.log 2>&1; then
		pass 1
		echo "ok fuzz: $(grep '^Done ' build/fuzz.log)"
	else
		grep -v '^#\|^INFO:' build/fuzz.log
		fail 1 "fuzz: the input is $(echo $found/[clo]*-*)"
	fi
}

# report NAME WIDTH PART PARTS: what a suite wrote. It may neither have hung nor have ended without its closing line;
# then what counts is what Check said of each test as it ended.
report() {
	local name="$1 $2" file=build/$2/$1-$3 log tap status=none limit line lines checks bad count complete=no
	log=$file.log tap=$file.tap
	echo "== $name$([ "$4" = 1 ] || echo ", part $3 of $4")"
	if [ ! -e "build/$2/$1.exe" ] && [ "$wine $2" = "no x86" ]; then
		skips+=("$name: there is no Check for 32-bit programs here") skipped=$((skipped + 1))
		return
	fi
	read -r status limit <"$file.status"
	sed -i 's/\r$//' "$log"
	cat "$log"
	if read -r checks bad < <(sed -nE 's/^[0-9]+%: Checks: ([0-9]+), Failures: ([0-9]+), Errors: ([0-9]+).*/\1 \2 \3/p' \
		"$log" | awk '{ print $1, $2 + $3 }'); then
		complete=yes
		mapfile -t lines < <(grep -E '^[^ ]+:[0-9]+:[FE]:|^FAIL: ' "$log")
	else
		mapfile -t lines < <(sed -n 's/^not ok [0-9]* - //p' "$tap")
		bad=${#lines[@]} checks=$(grep -c '^ok \|^not ok ' "$tap")
	fi
	pass $((checks - bad))
	fail "$bad" "${lines[@]/#/$name: }"
	# A test that skips itself has passed as far as Check knows.
	while IFS= read -r line; do
		skip "$name" "$line"
		pass "-$count"
	done < <(grep '^SKIP: ' "$log")
	while IFS= read -r line; do
		reduced "$name" "$line"
	done < <(grep '^REDUCED: ' "$log")
	if line=$(grep '^HUNG: \|^CRASH: ' "$log"); then
		fail 1 "$name: $line"
	elif [[ $complete = no && ($status = 124 || $status = 137) ]]; then
		fail 1 "$name: HUNG: it was ended after $limit s"
	elif [ $complete = no ]; then
		fail 1 "$name: it ended with status $status and without its closing line"
	elif [ "$status" != 0 ] && [ "$bad" = 0 ]; then
		fail 1 "$name: it ended with status $status"
	fi
}

report_jobs() {
	local job
	for job in "${jobs[@]}"; do
		read -ra job <<<"$job"
		case ${job[0]} in
		installed) lines "installed ${job[1]}" <"build/${job[1]}/installed.log" ;;
		examples) lines examples <build/x64/examples.log ;;
		*) report "${job[@]}" ;;
		esac
	done
}

# --- all of it, by as many workers as there are processors ----------------------------------

cd "$root" || exit
export -f windows
list_jobs
rm -rf build/jobs build/x??/{unit,calls,system,campaign}-*.{log,status,tap} build/x??/{installed,examples}.log
mkdir build/jobs
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
start_workers

if [ $what = all ]; then
	for width in x64 x86; do
		lines "binaries $width" < <(tests/scripts/binaries.sh $width 2>&1)
	done
	lines documents < <(tests/scripts/documents.sh 2>&1)
	lines dist < <(nice tests/scripts/dist.sh 2>&1)
	[ $wine = no ] || fuzz
fi
wait
report_jobs

for line in "${!tests_skipped[@]}"; do
	skips+=("${line%%: *}: ${tests_skipped[$line]} tests: ${line#*: }")
done
for line in "${!tests_reduced[@]}"; do
	echo "REDUCED: ${line%%: *}: ${tests_reduced[$line]} tests: ${line#*: }"
done
[ ${#skips[@]} = 0 ] || printf 'SKIP: %s\n' "${skips[@]}"
[ ${#failures[@]} = 0 ] || printf 'FAIL: %s\n' "${failures[@]}"
echo "$passed passed, $failed failed$([ $skipped = 0 ] || echo ", $skipped skipped")"
[ $failed = 0 ]
