#!/bin/bash
# installed.sh WIDTH: installs, and builds and runs programs that have nothing but what was installed: through
# pkg-config, through CMake, and with each library by its name. Prints a line for each check: "ok …" or "FAIL …";
# one of those that this machine can only build: "SKIP: N tests: …".
set -uo pipefail

width=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$root/build/$width/installed
tree=$work/tree\ moved
cross=x86_64-w64-mingw32
[ "$width" = x64 ] || cross=i686-w64-mingw32
version=$(sed -n 's/^#define HANDOFF_VERSION "\(.*\)"/\1/p' "$root/parent/handoff.h" | tr -d '\r')
if [ "${OS:-}" = Windows_NT ]; then
	MINGW=/mingw64
	[ "$width" = x64 ] || MINGW=/mingw32
	export PATH=$MINGW/bin:$PATH
	generator=(-G 'MSYS Makefiles')
else
	generator=(-DCMAKE_SYSTEM_NAME=Windows)
fi
objdump=$cross-objdump
command -v "$objdump" >/dev/null || objdump=objdump
. "$root/tests/scripts/machine.sh"
failed=0 not_run=0

# check WHAT DLL COMMAND...: whether the program is built with the DLL (1) or without it (0), and runs to its end.
check() {
	local what=$1 dll=$2 out
	shift 2
	if ! "$@" >"$work/build.log" 2>&1; then
		out=$(tail -n 1 "$work/build.log")
	elif [ "$("$objdump" -p "$program" | grep -c 'DLL Name: handoff.dll')" != "$dll" ]; then
		out="it was linked with the other library"
	elif [ "$width $x86" = 'x86 none' ]; then
		not_run=$((not_run + 1))
		return
	else
		out=$(run)
	fi
	if [ "$out" = "handoff $version" ]; then
		echo "ok $width $what"
	else
		echo "FAIL $width $what: $out"
		failed=1
	fi
}

# run: $program, with a time limit, in the Wine of its width if run.sh is what called this. Not through a pipe, which
# whatever stays behind would keep open; and only what the program itself says, since a Wine without fonts says so on stderr.
declare -F windows >/dev/null || windows() { "$root/tests/run.sh" "$@"; }
export root
export -f windows
run() {
	timeout -k 5 "$(patience 60)" bash -c 'windows "$@"' - "$program" >"$work/out" 2>"$work/errors" </dev/null ||
		tail -n 1 "$work/errors"
	tr -d '\r' <"$work/out"
}

# with_pkg_config LIBRARY-FLAG...: a C program, in the way of a Makefile of somebody else's.
with_pkg_config() {
	export PKG_CONFIG_LIBDIR=$tree/lib/$width/pkgconfig
	# What it says is quoted for a shell.
	eval "$cross-gcc -Wall -Werror -o '$program' '$source.c' $(pkg-config --cflags --libs handoff) $*" &&
		eval "cp $(pkg-config --variable=launcher handoff) $(pkg-config --variable=dll handoff) '${program%/*}'"
}

# with_library COMPILER SOURCE LIBRARY
with_library() {
	"$1" -Wall -Werror -static-libgcc -I "$tree/include" -o "$program" "$2" "$tree/lib/$width/$3" || return
	cp "$tree/bin/$width/handoff-launcher.exe" "$tree/bin/$width/handoff.dll" "${program%/*}"
}

with_cmake() {
	cmake -S "$root/tests/consumer" -B "$work/cmake" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release \
		-DCMAKE_C_COMPILER=$cross-gcc -DCMAKE_CXX_COMPILER=$cross-g++ \
		-DCMAKE_PREFIX_PATH="$tree" -DCMAKE_EXE_LINKER_FLAGS=-static && cmake --build "$work/cmake"
}

rm -rf "$work"
mkdir -p "$work/programs"
make -s -C "$root" install DESTDIR="$work/stage" PREFIX=/opt/handoff >"$work/install.log" 2>&1 &&
	mv "$work/stage/opt/handoff" "$tree" || { echo "FAIL $width install: $(tail -n 1 "$work/install.log")" && exit 1; }
cp "$root/tests/consumer/consumer.c" "$root/tests/consumer/consumer.cpp" "$work/programs"
source=$work/programs/consumer

program=$work/programs/consumer.exe
check "pkg-config, DLL" 1 with_pkg_config
check "pkg-config, static" 0 with_pkg_config -static
check "C, libhandoff.a" 0 with_library $cross-gcc "$source.c" libhandoff.a
check "C, libhandoff.dll.a" 1 with_library $cross-gcc "$source.c" libhandoff.dll.a
check "C, handoff.lib" 1 with_library $cross-gcc "$source.c" handoff.lib
check "C++, libhandoff.a" 0 with_library $cross-g++ "$source.cpp" libhandoff.a
check "C++, libhandoff.dll.a" 1 with_library $cross-g++ "$source.cpp" libhandoff.dll.a
check "C++, handoff.lib" 1 with_library $cross-g++ "$source.cpp" handoff.lib
built=with_cmake
for language in c cpp; do
	for library in handoff dll; do
		program=$work/cmake/$language-$library.exe
		check "CMake, $language, handoff::$library" "$([ $library = dll ] && echo 1 || echo 0)" $built
		built=true
	done
done
[ $not_run = 0 ] || echo "SKIP: $not_run tests: $no_32bit"

# The documents, and what a child builds in that takes a handle by itself.
documents=$tree/share/doc/handoff
"$root/tests/scripts/documents.sh" "$documents" || failed=1
$cross-gcc -Wall -Werror -municode -I "$documents/parent" -I "$documents/common" -o "$work/programs/taker.exe" \
	"$documents/tests/languages/taker.c" "$documents/parent/taker/taker.c" >"$work/build.log" 2>&1 &&
	echo "ok $width taker.c" || { echo "FAIL $width taker.c: $(tail -n 1 "$work/build.log")" && failed=1; }
exit $failed
