#!/bin/bash
# run.sh               runs all suites of both widths and prints the totals.
# run.sh PROGRAM ARG…  runs one Windows program the way the suites are run.
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
passed=0 failed=0 skips=()

# windows PROGRAM ARG…: directly on Windows, else in a Wine of our own.
if [ "${OS:-}" = Windows_NT ]; then
	export MSYS2_ARG_CONV_EXCL='*' PATH=/mingw64/bin:$PATH
	windows() { "$@"; }
else
	export WINEPREFIX=$root/build/wine WINEDEBUG=${WINEDEBUG:--all}
	export WINEDLLOVERRIDES='mscoree=;mshtml=;winemenubuilder.exe='
	[ ! -d "$root/build/deps/wow32" ] || export WINEDLLPATH=$root/build/deps/wow32
	unset DISPLAY
	windows() { wine "$@"; }
fi

if [ $# -gt 0 ]; then
	windows "$@"
	exit
fi

pass() { passed=$((passed + $1)); }
fail() { failed=$((failed + $1)); }

# Starting a wineserver for each program would cost seconds, and its services would hold on to
# pipes. One that runs already is someone else's: it is used, and left alone.
start_wine() {
	if wineserver -p >/dev/null 2>&1 </dev/null; then
		trap 'wineserver -k' EXIT
		wine cmd /c exit >/dev/null 2>&1 </dev/null
	fi
}

# binary WIDTH: the checks of the launcher's file.
binary() {
	local line
	echo "== launcher-binary $1"
	while IFS= read -r line; do
		echo "$line"
		case $line in
		ok*) pass 1 ;;
		*) fail 1 ;;
		esac
	done < <(tests/launcher-binary.sh "build/$1/handoff-launcher.exe" "$1" 2>&1)
}

# suite NAME WIDTH SECONDS [terminal]: a Check program, which may neither hang nor end without
# totals. With a terminal Wine has a console, without one it has none: both are tested.
suite() {
	local name="$1 $2" program=build/$2/$1.exe log=build/$2/$1.log
	local status line skipped=0 closing=0 checks bad
	echo "== $name"
	export -f windows
	if [ "$2" = x86 ] && [ "${OS:-}" = Windows_NT ] && [ ! -e "$program" ]; then
		skips+=("$name: there is no Check for 32-bit programs here")
		return
	fi
	# Into a file, not a pipe: a child left behind would keep a pipe open.
	if [ "${4:-}" = terminal ] && [ "${OS:-}" != Windows_NT ]; then
		timeout -k 5 "$3" script -qec "wine $program >$log 2>&1" /dev/null >/dev/null </dev/null
	else
		timeout -k 5 "$3" bash -c 'windows "$@"' - "$program" >"$log" 2>&1 </dev/null
	fi
	status=$?
	tr -d '\r' <"$log"
	# A test that skips itself has passed as far as Check knows.
	while IFS= read -r line; do
		skips+=("$name: ${line#SKIP: }")
		skipped=$((skipped + 1))
	done < <(tr -d '\r' <"$log" | grep '^SKIP: ')
	while read -r checks bad; do
		closing=1
		pass $((checks - bad))
		fail "$bad"
	done < <(sed -nE 's/^[0-9]+%: Checks: ([0-9]+), Failures: ([0-9]+), Errors: ([0-9]+).*/\1 \2 \3/p' "$log" |
		awk '{ print $1, $2 + $3 }')
	[ $closing = 0 ] || pass -$skipped
	if [ $status = 124 ] || [ $status = 137 ]; then
		fail 1
		echo "HUNG: $name was ended after $3 s"
	elif [ $closing = 0 ]; then
		fail 1
		echo "FAIL: $name ended with status $status and without its closing line"
	elif [ $status != 0 ] && [ "$bad" = 0 ]; then
		fail 1
		echo "FAIL: $name ended with status $status"
	fi
}

cd "$root" || exit
[ "${OS:-}" = Windows_NT ] || start_wine
binary x64
binary x86
suite unit x64 120
suite unit x86 120
suite system x64 420 terminal
suite system x86 420

[ ${#skips[@]} = 0 ] || printf 'SKIP: %s\n' "${skips[@]}"
echo "$passed passed, $failed failed$([ ${#skips[@]} = 0 ] || echo ", ${#skips[@]} skipped")"
[ $failed = 0 ]
