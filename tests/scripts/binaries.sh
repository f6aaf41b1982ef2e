#!/bin/bash
# binaries.sh WIDTH: checks what the files in build/WIDTH ask and tell Windows, without running them.
# Prints a line for each check: "ok …" or "FAIL …".
set -uo pipefail

width=$1
scripts=$(dirname "$0")
build=$scripts/../../build/$width
. "$scripts/check.sh"
case $width in
x64) cross=x86_64-w64-mingw32- subsystem=5.2 own_flags="HIGH_ENTROPY_VA" ;;
x86) cross=i686-w64-mingw32- subsystem=5.1 own_flags="NO_SEH" ;;
*) echo "FAIL unknown width $width" && exit 1 ;;
esac
command -v "${cross}objdump" >/dev/null || cross=

# take FILE: what is checked from now on.
take() { file=$1 subject="$width $1: "; }

field() { awk -v name="$1" '$1 == name { print $2; exit }' <<<"$headers"; }

# The import table: after "DLL Name:" a heading, then "address ordinal name" up to an empty line.
imports() {
	awk '/DLL Name:/ { table = 1; next } NF == 0 { table = 0 }
		table && $1 ~ /^[0-9a-f]+$/ { print $NF }' <<<"$headers" | LC_ALL=C sort
}

# uncovered: of 100 bytes of code, how many have no unwind table. Without one Windows takes a function for one that has
# neither a frame nor saved registers, and goes astray.
uncovered() {
	local from to first='' last=0 covered=0
	while read -r from to; do
		[ -n "$first" ] || first=$((16#$from))
		last=$((16#$to)) covered=$((covered + 16#$to - 16#$from))
	done < <(sed -n '/^The Function Table/,/^$/s/^ [0-9a-f]*:\t\([0-9a-f]*\) \([0-9a-f]*\) [0-9a-f]*.*/\1 \2/p' <<<"$headers" | sort)
	[ -z "$first" ] && echo 100 || echo $((100 - 100 * covered / (last - first)))
}

# text_of_version NAME: a string of the version resource.
text_of_version() { sed -n "s/.*VALUE \"$1\", \"\(.*\)\"/\1/p" <<<"$resources"; }

manifest() { LC_ALL=C grep -ao '<assembly.*</assembly>' "$build/$file"; }

# look_at FILE: what all four have.
look_at() {
	local numbers=${version//./, }
	take "$1"
	headers=$("${cross}objdump" -p "$build/$file" | tr -d '\r') || headers=
	resources=$("${cross}windres" -J coff -O rc -i "$build/$file" | tr -d '\r') || resources=

	check "imports only kernel32.dll" "$(awk '/DLL Name:/ { print tolower($3) }' <<<"$headers")" kernel32.dll
	check "needs subsystem version $subsystem" \
		"$(field MajorSubsystemVersion).$(field MinorSubsystemVersion)" "$subsystem"
	check "can be relocated" "$(grep -c 'RELOCS_STRIPPED\|relocations stripped' <<<"$headers")" 0
	for flag in DYNAMIC_BASE NX_COMPAT TERMINAL_SERVICE_AWARE $own_flags; do
		check "has the flag $flag" "$(grep -c "^\s*$flag$" <<<"$headers")" 1
	done
	check "has no section that can be written to and run" \
		"$("${cross}objdump" -h "$build/$file" | tr -d '\r' | grep CODE | grep -vc READONLY)" 0
	[ "$width" = x86 ] || check "has unwind tables for its code" "$(($(uncovered) <= 2))" 1
	check "has the file version $version" "$(sed -n 's/^ *FILEVERSION //p' <<<"$resources" | cut -c 1-${#numbers})" "$numbers"
	check "has the product version $version" \
		"$(sed -n 's/^ *PRODUCTVERSION //p' <<<"$resources" | cut -c 1-${#numbers})" "$numbers"
	check "says the file version" "$(text_of_version FileVersion)" "$version"
	check "says the product version" "$(text_of_version ProductVersion)" "$version"
	check "says what it was called" "$(text_of_version OriginalFilename)" "$file"
	check "says what it is" "$(text_of_version FileDescription | cut -c 1-7)" handoff
}

# look_at_program FILE SUBSYSTEM
look_at_program() {
	look_at "$1"
	newer=$(LC_ALL=C comm -23 <(imports) <(grep -v '^#' "$scripts/xp-kernel32.txt" | LC_ALL=C sort))
	check "imports only what Windows XP has" "${newer//$'\n'/ }" ""
	check "is for subsystem $2" "$(field Subsystem)" "$2"
	check "has its manifest where Windows looks for a program's" "$(grep -c '^1 24 ' <<<"$resources")" 1
	check "is to be run as whoever starts it" "$(manifest | grep -c '<requestedExecutionLevel level="asInvoker"/>')" 1
	check "knows Windows Vista to 11" "$(manifest | grep -o '<supportedOS Id="{[-0-9a-f]\{36\}}"/>' | sort -u | wc -l)" 5
	check "takes long paths" "$(manifest | grep -c '<longPathAware xmlns="[^"]*/2016/WindowsSettings">true</longPathAware>')" 1
}

look_at_program handoff.exe 00000003
look_at_program handoffw.exe 00000002
look_at handoff.dll
# In a DLL a manifest is no word about its process, only an activation context more for the loader to make.
check "has no manifest: its process' counts" "$(grep -c '^[0-9]* 24 ' <<<"$resources")" 0
look_at_program handoff-launcher.exe 00000003
check "can open no process" "$(imports | grep -c '^OpenProcess$')" 0
size=$(stat -c %s "$build/$file" 2>/dev/null || echo 99999)
check "has at most 20480 bytes ($size)" "$((size <= 20480))" 1

# Decorated or not, each function that the header declares.
take libhandoff.a
functions=$(grep -o 'WINAPI handoff_[A-Za-z_]*' "$scripts/../../parent/handoff.h" | cut -d ' ' -f 2 | LC_ALL=C sort)
defined() { "${cross}nm" "$build/$1" 2>/dev/null | tr -d '\r' | sed -n 's/.* T _\?\(handoff_[A-Za-z_]*\).*/\1/p' | LC_ALL=C sort -u; }
check "defines what handoff.h declares" "$(defined $file)" "$functions"
needed=$("${cross}nm" -u "$build/$file" | tr -d '\r' | sed -n 's/^ *U _\?\([a-z].*\)/\1/p' | LC_ALL=C sort | xargs)
check "needs of a C runtime only memcpy and memset" "$needed" "memcpy memset"
[ "$width" = x64 ] || check "may be linked with /SAFESEH" \
	"$("${cross}nm" "$build/$file" | tr -d '\r' | grep -c '^00000001 a @feat.00$')" 1
for library in libhandoff.dll.a handoff.lib; do
	take $library
	check "defines what handoff.h declares" "$(defined $file)" "$functions"
done
exit $failed
