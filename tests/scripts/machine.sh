# Read by the scripts that run programs, with the root of the tree in $root: what is known of this machine.
# shellcheck shell=bash disable=SC2034 # the variables are theirs

# How 32-bit programs run: native, emulated or none. See tests/setup.sh.
x86=$(cat "$root/build/deps/x86" 2>/dev/null || echo native)
no_32bit='this machine runs no 32-bit code'

# patience SECONDS: so many where a process starts in ten milliseconds, and more where tests/run.sh has found that it
# takes longer; not beyond all measure, since what hangs has to be ended.
patience() {
	local start=${HANDOFF_START_MS:-10}
	[ "$start" -ge 10 ] || start=10
	[ "$start" -le 80 ] || start=80
	echo $(($1 * start / 10))
}
