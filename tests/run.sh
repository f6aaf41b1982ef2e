#!/bin/bash
# run.sh               runs all tests of both widths and prints the totals.
# run.sh --suites      only the suites: what the built programs do.
# run.sh PROGRAM ARG…  runs one Windows program the way the suites are run.
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
passed=0 failed=0 failures=() skips=()
# When a suite hangs: four times what it takes on a quiet machine of two processors.
declare -A seconds=([unit]=240 [system]=1500 [calls]=600 [campaign]=600)

# windows PROGRAM ARG…: directly on Windows, else in a Wine of our own.
if [ "${OS:-}" = Windows_NT ]; then
	wine=no
	export MSYS2_ARG_CONV_EXCL='*' PATH=/mingw64/bin:$PATH
	windows() { "$@"; }
else
	wine=yes
	export WINEPREFIX=$root/build/wine WINEDEBUG=${WINEDEBUG:--all}
	export WINEDLLOVERRIDES='mscoree=;mshtml=;winemenubuilder.exe='
	case $(cat "$root/build/deps/x86") in # how 32-bit programs run: see tests/setup.sh
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

suites_only=no
if [ "${1:-}" = --suites ]; then
	suites_only=yes
elif [ $# -gt 0 ]; then
	windows "$@"
	exit
fi

# --- running -----------------------------------------------------------------------------

# start_wine WIDTH: each width has a Wine to itself, since the tests look for processes left behind.
# It stays on one processor: its processes ask wineserver for everything, and to wake up another
# processor for each answer takes several times longer. Tests of threads take all processors again.
start_wine() {
	local allowed
	[ "$1" = x64 ] || export WINEPREFIX=$WINEPREFIX-2
	allowed=$(taskset -cp "$BASHPID") allowed=${allowed##* } # e.g. 0-3 or 2,5
	[ "$1" = x64 ] && allowed=${allowed%%[,-]*} || allowed=${allowed##*[,-]}
	taskset -cp "$allowed" "$BASHPID" >/dev/null
	# Starting a wineserver for each program would cost seconds, and its services would hold on to
	# pipes. One that runs already is someone else's: it is used, and left alone.
	if wineserver -p >/dev/null 2>&1 </dev/null; then
		trap 'wineserver -k' EXIT
		windows cmd /c exit >/dev/null 2>&1 </dev/null
	fi
}

# suite NAME WIDTH: a Check program, or one whose last line is like theirs. With a terminal Wine has a console,
# without one it has none: both are tested. Into a file, not a pipe: a child left behind would keep a pipe open.
suite() {
	local program=build/$2/$1.exe log=build/$2/$1.log limit=(timeout -k 5 "${seconds[$1]}")
	export CK_TAP_LOG_FILE_NAME=build/$2/$1.tap # says of each test at once how it went: see report
	if [ $wine = yes ] && [ "$1 $2" = "system x64" ]; then
		"${limit[@]}" script -qec "tests/run.sh $program >$log 2>&1" /dev/null >/dev/null </dev/null
	else
		"${limit[@]}" bash -c 'windows "$@"' - "$program" >"$log" 2>&1 </dev/null
	fi
	echo $? >"build/$2/$1.status"
}

suites() {
	[ $wine = no ] || start_wine "$1"
	suite unit "$1"
	suite calls "$1"
	suite system "$1"
	suite campaign "$1"
	[ $suites_only = no ] || return
	tests/installed.sh "$1" >"build/$1/installed.log" 2>&1
	[ "$1" != x64 ] || tests/examples.sh >build/x64/examples.log 2>&1
}

# --- reporting ---------------------------------------------------------------------------

pass() { passed=$((passed + $1)); }

# fail COUNT LINE...: the lines are said again before the totals, which is where one looks.
fail() {
	failed=$((failed + $1))
	shift
	failures+=("$@")
}

# lines NAME: what a script says, a line a check.
lines() {
	local line
	echo "== $1"
	while IFS= read -r line; do
		echo "$line"
		case $line in
		ok*) pass 1 ;;
		'SKIP: '*) skips+=("$1: ${line#SKIP: }") ;;
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

# report NAME WIDTH: what a suite wrote. It may neither have hung nor have ended without its closing line;
# then what counts is what Check said of each test as it ended.
report() {
	local name="$1 $2" log=build/$2/$1.log tap=build/$2/$1.tap status line lines checks bad complete=no
	echo "== $name"
	if [ ! -e "build/$2/$1.exe" ] && [ "$wine $2" = "no x86" ]; then
		skips+=("$name: there is no Check for 32-bit programs here")
		return
	fi
	status=$(cat "build/$2/$1.status")
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
		skips+=("$name: ${line#SKIP: }")
		[[ $line =~ ^'SKIP: '([0-9]+)' tests: ' ]] && pass -"${BASH_REMATCH[1]}" || pass -1
	done < <(grep '^SKIP: ' "$log")
	if line=$(grep '^HUNG: \|^CRASH: ' "$log"); then
		fail 1 "$name: $line"
	elif [[ $complete = no && ($status = 124 || $status = 137) ]]; then
		fail 1 "$name: HUNG: it was ended after ${seconds[$1]} s"
	elif [ $complete = no ]; then
		fail 1 "$name: it ended with status $status and without its closing line"
	elif [ "$status" != 0 ] && [ "$bad" = 0 ]; then
		fail 1 "$name: it ended with status $status"
	fi
}

# --- both widths, under Wine at the same time -----------------------------------------------

cd "$root" || exit
export -f windows
rm -f build/x??/{unit,calls,system,campaign}.{log,status,tap} build/x??/installed.log
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
suites x64 &
[ $wine = yes ] || wait
suites x86 &

if [ $suites_only = no ]; then
	for width in x64 x86; do
		lines "binaries $width" < <(tests/binaries.sh $width 2>&1)
	done
	lines dist < <(nice tests/dist.sh 2>&1)
	[ $wine = no ] || fuzz
fi
wait
for width in x64 x86; do
	for name in unit calls system campaign; do
		report $name $width
	done
	[ $suites_only = yes ] || lines "installed $width" <build/$width/installed.log
done
[ $suites_only = yes ] || lines examples <build/x64/examples.log

[ ${#skips[@]} = 0 ] || printf 'SKIP: %s\n' "${skips[@]}"
[ ${#failures[@]} = 0 ] || printf 'FAIL: %s\n' "${failures[@]}"
echo "$passed passed, $failed failed$([ ${#skips[@]} = 0 ] || echo ", ${#skips[@]} skipped")"
[ $failed = 0 ]
