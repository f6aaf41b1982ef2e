#!/bin/bash
# languages.sh: runs the programs of tests/languages, parents and children in the languages of others. All are 64-bit, as
# Debian's Rust for Windows is. A line for each, "ok …", "FAIL …", or "SKIP: …" for what nothing here can run.
set -uo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
work=$root/build/languages
. "$root/tests/scripts/machine.sh"
failed=0

if [ "${OS:-}" = Windows_NT ]; then
	export PATH=$root/build/x64:$PATH
	has() { command -v "$1" >/dev/null; }
	rustc=rustc linker=gcc
else
	deps=$root/build/deps
	WINEPATH=$(printf 'Z:%s;' "${root//\//\\}\\build\\x64" "${deps//\//\\}"\\{perl,node-x64})
	export WINEPATH
	# Debian's Rust has the library for Windows in the package beside it.
	rustc=/usr/bin/rustc linker=x86_64-w64-mingw32-gcc
	has() { ls "$deps"/*/"$1.exe" >/dev/null 2>&1 || command -v "$1" >/dev/null; }
fi

gcc="x86_64-w64-mingw32-gcc -Wall -Wextra -Werror -I$root/parent -I$root/common"
library=$root/build/x64/libhandoff.a

# says FILE: what it prints, with N for each number.
says() {
	case $1 in
	prefix.pl | prefix.go | prefix.rs) printf '%s\n' 'name=value' 'through a pipe' 'served by N' ;;
	prefix.js) printf '%s\n' 'descriptor N said ready' 'exit code N' ;;
	report.pl) printf '%s\n' 'name=value' 'that was process N, and the file was its handle N' ;;
	dll.go | dll.rs) printf '%s\n' "cannot find the program 'no-such-program': WinN error N" 'name=value' ;;
	giver.c) printf '%s\n' 'name=value' 'it was taken' ;;
	pass.c) printf '%s\n' 'descriptor N: secret' 'KEY=N' 'argument: an argument with "quotes"' 'argument: key is N' \
		'the key was handle N there; exit code N' ;;
	esac
}

# tool FILE: the program without which it cannot be run; "none" if it takes more than a program.
tool() {
	case $1 in
	*.pl) echo perl ;;
	*.js) echo node ;;
	*.go) echo go ;;
	*.rs) echo "$rustc" ;;
	*.c) echo x86_64-w64-mingw32-gcc ;;
	*) echo none ;;
	esac
}

# build FILE: into a program of that name, if it is to be one.
build() {
	local source=$root/tests/languages/$1 program=${1%.*}.exe
	case $1 in
	*.go) GO111MODULE=off GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go build -o "go-${1%.go}.exe" "$source" ;;
	*.rs) "$rustc" --target x86_64-pc-windows-gnu -D warnings -C linker=$linker -L "native=$root/build/x64" \
		-o "rs-$program" "$source" ;;
	fd.c) $gcc -o "$program" "$source" ;;
	taker.c) $gcc -municode -o "$program" "$source" "$root/parent/taker/taker.c" ;;
	*.c) $gcc -municode -o "$program" "$source" "$library" ;;
	*) cp "$source" . ;;
	esac
}

run() {
	case $1 in
	*.pl) set -- perl "$1" ;;
	*.js) set -- node "$1" ;;
	*.go) set -- "./go-${1%.go}.exe" ;;
	*.rs) set -- "./rs-${1%.rs}.exe" ;;
	*.c) set -- "./${1%.c}.exe" ;;
	esac
	timeout -k 5 "$(patience 60)" "$root/tests/run.sh" "$@" >out 2>&1 </dev/null || echo "ended with $?" >>out
	tr -d '\r' <out | sed -E "s/[0-9]+/N/g; s/(no-such-program.* error N): .*/\1/"
}

# check FILE
check() {
	local out tool
	tool=$(tool "$1")
	if [ "$tool" = none ]; then
		echo "SKIP: $1: not run: the set-up has nothing that runs it"
	elif ! has "$tool"; then
		echo "SKIP: $1: not run: there is no $tool"
	elif ! out=$(build "$1" 2>&1); then
		echo "FAIL $1 is not built: $out"
		failed=1
	elif [ -z "$(says "$1")" ]; then
		echo "ok $1 is built"
	else
		out=$(run "$1")
		[ "$out" = "$(says "$1")" ] && echo "ok $1" && return
		echo "FAIL $1: it says '$out'"
		failed=1
	fi
}

rm -rf "$work"
mkdir -p "$work"
cd "$work" || exit
echo name=value >app.ini
echo secret >secret.txt
cp "$root/build/x64/handoff-launcher.exe" "$root"/tests/languages/{child,server}.pl .
# What the others start comes first. parent.pl and parent.bat are started by the test programs.
for file in {fd,taker,giver,pass}.c {prefix,report}.pl prefix.js {prefix,dll}.{go,rs,py,cs} prefix.ps1; do
	check "$file"
done
exit $failed
