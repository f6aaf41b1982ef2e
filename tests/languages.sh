#!/bin/bash
# languages.sh: parents in Go and in Rust, built and run, and whether the READMEs show just these. 64-bit, since Debian's
# Rust for Windows is. A line for each check, and the totals.
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
sources=$root/tests/languages
work=$root/build/languages
. "$root/tests/machine.sh"
passed=0 failed=0

# result WHAT FOUND WANTED
result() {
	if [ "$2" = "$3" ]; then
		echo "ok $1"
		passed=$((passed + 1))
	else
		echo "FAIL $1: found '$2', wanted '$3'"
		failed=$((failed + 1))
	fi
}

build_go() { GO111MODULE=off GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go build -o "$2" "$1"; }

# Debian's, which has the library of the package beside it.
rustc=rustc linker=gcc
[ "${OS:-}" = Windows_NT ] || rustc=/usr/bin/rustc linker=x86_64-w64-mingw32-gcc
build_rust() {
	"$rustc" --target x86_64-pc-windows-gnu -D warnings -C linker=$linker -L "native=$root/build/x64" -o "$2" "$1"
}

# run PROGRAM: what it says, but for a pid and Windows' words.
run() {
	timeout -k 5 "$(patience 60)" "$root/tests/run.sh" "./$1" >out 2>&1 </dev/null || echo "ended with $?" >>out
	tr -d '\r' <out | sed 's/^served by [0-9]*$/served by N/; s/ error 2: .*/ error 2/'
}

# example README LANGUAGE SOURCE: each block of the language is a part of the source, line by line.
example() {
	local found
	found=$(awk -v opening="\`\`\`$2" '
		FNR == NR { source = source $0 "\n"; next }
		inside && /^```/ { inside = 0; if (!index(source, block)) print "not in the source: " block; next }
		inside { block = block $0 "\n" }
		$0 == opening { inside = 1; block = ""; count++ }
		END { if (!count) print "no block" }' "$sources/$3" "$root/$1")
	result "$1 shows $3" "$found" ""
}

rm -rf "$work"
mkdir -p "$work"
cd "$work" || exit
echo name=value >app.ini
cat >child.pl <<'end'
use Win32API::File ':ALL';
OsFHandleOpen(*F, shift, 'r') or die $^E; print <F>;
end
cat >server.pl <<'end'
use Socket;
use Win32API::File ':ALL';
OsFHandleOpen(*LISTENER, shift, 'rw') or die $^E;
accept(my $client, *LISTENER) or die $!;
syswrite $client, "served by $$\n";
end
if [ "${OS:-}" = Windows_NT ]; then
	export PATH=$root/build/x64:$PATH
else
	WINEPATH="Z:${root//\//\\}\\build\\x64;Z:${root//\//\\}\\build\\deps\\perl"
	export WINEPATH
fi

for language in go rust; do
	extension=${language/rust/rs}
	result "$language is built" "$(for part in prefix dll; do
		build_$language "$sources/$part.$extension" $language-$part.exe 2>&1
	done)" ""
	result "$language: a file, a pipe and a listening socket, with handoff --parent" "$(run $language-prefix.exe)" \
		$'name=value\nthrough a pipe\nserved by N'
	result "$language: a file, with handoff.dll" "$(run $language-dll.exe)" \
		$'cannot find the program \'no-such-program\': Win32 error 2\nname=value'
	example launcher/README.md $language prefix.$extension
	example parent/README.md $language dll.$extension
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
