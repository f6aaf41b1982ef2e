#!/bin/bash
# bench.sh [--rounds N] [--spawns N] [SECTION]...: runs bench.exe and prints its table; draws bench.svg if everything was
# measured. The machine should have nothing else to do; its load before and after is printed.
set -euo pipefail

cd "$(dirname "$0")/../.."
log=build/x64/bench.log data=build/x64/bench.tsv
options=() alone=() crowd=()
while [ $# -gt 0 ]; do
	case $1 in
	--*) options+=("$1" "$2") && shift ;;
	throughput | leaks) crowd+=("$1") ;;
	*) alone+=("$1") ;;
	esac
	shift
done
whole=no
if [ ${#alone[@]} = 0 ] && [ ${#crowd[@]} = 0 ]; then
	whole=yes alone=(latency numbers pace handles line table spawns size) crowd=(throughput leaks)
else
	data=build/x64/bench-part.tsv
fi

load() { echo "load $(cut -d ' ' -f 1-3 /proc/loadavg 2>/dev/null || echo unknown)"; }

# On a terminal, or every child would start a conhost for want of a console; and from cmd.exe, because Wine
# looks for the console of a child in the table of the process that is made its parent, under the number
# that it has here: two children of Windows programs have it under the same.
under_wine() {
	local status=0
	script -qec "${pinned[*]} tests/run.sh cmd /c 'build\\x64\\bench.exe --data $data.part $*' >$log 2>&1" /dev/null \
		>/dev/null </dev/null || status=$?
	tr -d '\r' <"$log"
	return $status
}

# A server that stays, or the first program would wait for its start.
start_wine() {
	export WINEPREFIX=$PWD/build/wine
	if "${pinned[@]}" wineserver -p >/dev/null 2>&1 </dev/null; then
		trap 'wineserver -k' EXIT
	fi
}

# measure SECTION...
measure() {
	if [ "${OS:-}" = Windows_NT ]; then
		tests/run.sh build/x64/bench.exe --data "$data.part" "${options[@]}" "$@" 2>&1 | tee "$log"
	else
		under_wine "${options[@]}" "$@"
	fi
	cat "$data.part" >>"$data"
}

# A spawn is a few processes of which one at a time has anything to do. To wake up another processor for each of
# their turns takes longer than the turn and differs from run to run, so they stay on one; threads take all.
before=$(load)
echo "$before"
: >"$data"
pinned=()
if [ "${OS:-}" != Windows_NT ]; then
	allowed=$(taskset -cp "$BASHPID") allowed=${allowed##* }
	pinned=(taskset -c "${allowed%%[,-]*}")
	start_wine
fi
[ ${#alone[@]} = 0 ] || measure "${alone[@]}"
pinned=()
[ ${#crowd[@]} = 0 ] || measure "${crowd[@]}"
load
if [ $whole = yes ]; then
	printf 'machine\t%s\n' "$before" >>"$data"
	awk -f tests/bench/draw.awk "$data" >tests/bench/bench.svg
	echo "drawn: tests/bench/bench.svg"
fi
