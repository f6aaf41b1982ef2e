#!/bin/bash
# bench.sh ARG…: runs bench.exe and prints its table; draws bench.svg if everything was measured.
# The machine should have nothing else to do; its load before and after is printed.
set -euo pipefail

cd "$(dirname "$0")/../.."
log=build/x64/bench.log data=build/x64/bench.tsv
[ $# = 0 ] || data=build/x64/bench-part.tsv

load() { echo "load $(cut -d ' ' -f 1-3 /proc/loadavg 2>/dev/null || echo unknown)"; }

# On a terminal, or every child would start a conhost for want of a console; and from cmd.exe, because Wine
# looks for the console of a child in the table of the process that is made its parent, under the number
# that it has here: two children of Windows programs have it under the same.
under_wine() {
	local status=0
	script -qec "tests/run.sh cmd /c 'build\\x64\\bench.exe --data $data $*' >$log 2>&1" /dev/null \
		>/dev/null </dev/null || status=$?
	tr -d '\r' <"$log"
	return $status
}

# A server that stays, or the first program would wait for its start.
start_wine() {
	export WINEPREFIX=$PWD/build/wine
	if wineserver -p >/dev/null 2>&1 </dev/null; then
		trap 'wineserver -k' EXIT
	fi
}

before=$(load)
echo "$before"
if [ "${OS:-}" = Windows_NT ]; then
	tests/run.sh build/x64/bench.exe --data "$data" "$@" 2>&1 | tee "$log"
else
	start_wine
	under_wine "$@"
fi
load
if [ $# = 0 ]; then
	printf 'machine\t%s\n' "$before" >>"$data"
	awk -f tests/bench/draw.awk "$data" >tests/bench/bench.svg
	echo "drawn: tests/bench/bench.svg"
fi
