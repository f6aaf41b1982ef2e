#!/bin/bash
# launcher-binary.sh LAUNCHER WIDTH: checks what the launcher's file asks of Windows.
# Prints a line for each check: "ok …" or "FAIL …".
set -uo pipefail

launcher=$1 width=$2
names=$(dirname "$0")/xp-kernel32.txt
case $width in
x64) objdump=x86_64-w64-mingw32-objdump subsystem=5.2 ;;
x86) objdump=i686-w64-mingw32-objdump subsystem=5.1 ;;
*) echo "FAIL unknown width $width" && exit 1 ;;
esac
command -v "$objdump" >/dev/null || objdump=objdump
failed=0

# check WHAT FOUND WANTED
check() {
	if [ "$2" = "$3" ]; then
		echo "ok $width launcher: $1"
	else
		echo "FAIL $width launcher: $1: found '$2', wanted '$3'"
		failed=1
	fi
}

headers=$("$objdump" -p "$launcher" | tr -d '\r') || headers=
field() { awk -v name="$1" '$1 == name { print $2; exit }' <<<"$headers"; }

# The import table: after "DLL Name:" a heading, then "address ordinal name" up to an empty line.
imports=$(awk '/DLL Name:/ { table = 1; next } NF == 0 { table = 0 }
	table && $1 ~ /^[0-9a-f]+$/ { print $NF }' <<<"$headers" | LC_ALL=C sort)
newer=$(LC_ALL=C comm -23 <(echo "${imports:-no import table}") <(grep -v '^#' "$names" | LC_ALL=C sort))
size=$(stat -c %s "$launcher" 2>/dev/null || echo 99999)

check "imports only kernel32.dll" "$(awk '/DLL Name:/ { print tolower($3) }' <<<"$headers")" kernel32.dll
check "imports only what Windows XP has" "${newer//$'\n'/ }" ""
check "can open no process" "$(grep -c '^OpenProcess$' <<<"$imports")" 0
check "needs subsystem version $subsystem" \
	"$(field MajorSubsystemVersion).$(field MinorSubsystemVersion)" "$subsystem"
check "is a console program" "$(field Subsystem)" 00000003
check "can be relocated" "$(grep -c 'RELOCS_STRIPPED\|relocations stripped' <<<"$headers")" 0
check "has at most 20480 bytes ($size)" "$((size <= 20480))" 1
exit $failed
