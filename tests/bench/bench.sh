#!/bin/bash
# bench.sh [--seconds N] [SECTION]...: runs bench.exe, prints its tables and says of each target whether it was kept.
# A run of everything writes the figures into README.md and bench.svg. The machine should have nothing else to do.
set -euo pipefail

cd "$(dirname "$0")/../.."
here=tests/bench log=build/x64/bench.log data=build/x64/bench.tsv part=build/x64/bench-part.tsv
program='build\x64\bench.exe' sections=() options=() requests=no whole=no
while [ $# -gt 0 ]; do
	case $1 in
	--*) options+=("$1" "$2") && shift ;;
	requests) requests=yes ;;
	*) sections+=("$1") ;;
	esac
	shift
done
[ ${#sections[@]} -gt 0 ] || [ $requests = yes ] || whole=yes requests=yes

# A spawn is a few processes of which one at a time has anything to do. To wake up another processor for each of
# their turns takes longer than the turn under Wine, so they stay on one; bench.exe lets its crowds take all.
pinned=()
if [ "${OS:-}" != Windows_NT ]; then
	export WINEPREFIX=$PWD/build/wine
	allowed=$(taskset -cp "$BASHPID") allowed=${allowed##* }
	pinned=(taskset -c "${allowed%%[,-]*}")
fi

# On a terminal, or every child would start a conhost for want of a console; and from cmd.exe, because Wine
# looks for the console of a child in the table of the process that is made its parent, under the number
# that it has here: two children of Windows programs have it under the same.
under_wine() {
	local status=0
	script -qec "${pinned[*]} tests/run.sh cmd /c '$program --data $part $*' >$log 2>&1" /dev/null \
		>/dev/null </dev/null || status=$?
	tr -d '\r' <"$log"
	return $status
}

# bench ARG...
bench() {
	if [ "${OS:-}" = Windows_NT ]; then
		tests/run.sh build/x64/bench.exe --data "$part" "$@" 2>&1 | tee "$log"
	else
		under_wine "$@"
	fi
	tr -d '\r' <"$part" >>"$data"
}

# stop_wine: whether it runs or not.
stop_wine() { wineserver -k 2>/dev/null || true; }

# serve COMMAND...: with a wineserver that stays, or the first program would wait for its start.
serve() {
	if [ "${OS:-}" != Windows_NT ] && "${pinned[@]}" wineserver -p >/dev/null 2>&1 </dev/null; then
		trap stop_wine EXIT
	fi
	"$@"
}

# What a spawn asks of wineserver does not depend on the machine, and on a drive of its own not on the directory either.
# The trace slows everything down, so nothing else is measured with it.
count_requests() {
	local trace=build/x64/requests.trace drive=${WINEPREFIX:-}/dosdevices/b:
	if ! command -v wineserver >/dev/null; then
		echo "SKIP: requests: they are counted in the trace of a wineserver, and there is none here"
		return
	fi
	stop_wine
	# shellcheck disable=SC2064 # now, since the names are local
	trap "stop_wine; rm -f '$drive' $trace" EXIT
	ln -sfn "$PWD/build/x64" "$drive"
	"${pinned[@]}" wineserver -f -d >$trace 2>&1 &
	program='b:\bench.exe' bench requests >/dev/null
	stop_wine
	wait
	awk -f $here/requests.awk $trace >>"$data"
}

# On what, but no name of a machine.
where() {
	if [ "${OS:-}" = Windows_NT ]; then
		tests/run.sh cmd /c ver | tr -d '\r\n'
	else
		tests/run.sh --version 2>/dev/null | tr -d '\n'
	fi
	echo ", $(nproc) processors, load $(cut -d ' ' -f 1 /proc/loadavg) before"
}

printf 'where\t%s\n' "$(where)" >"$data"
[ $whole = no ] && [ ${#sections[@]} = 0 ] || serve bench "${options[@]}" "${sections[@]}"
[ $requests = no ] || count_requests
echo
awk -f $here/verdicts.awk "$data"
if [ $whole = yes ]; then
	{ echo && awk -f $here/verdicts.awk "$data" && awk -f $here/figures.awk "$data"; } | $here/fill.sh bench
	awk -f $here/draw.awk "$data" >$here/bench.svg
	echo "written: $here/README.md and bench.svg"
fi
