#!/bin/bash
# dist.sh: checks the zip of `make dist`, what `make sign` signs, and what line ends a clone gets.
# Prints a line for each check: "ok …", "FAIL …" or "SKIP: …".
set -uo pipefail
cd "$(dirname "$0")/../.." || exit

. tests/scripts/check.sh
name=handoff-$version-windows
work=build/dist-check

# in_zip: what is to be in it, sorted.
in_zip() {
	local width
	printf '%s\n' README.md SHA256SUMS {launcher,parent,tests}/README.md tests/bench/{README.md,bench.svg} sdk/include/handoff.h \
		sdk/lib/cmake/handoff/handoff-config{,-version}.cmake tests/recipes/*.bat tests/languages/* parent/handoff.h \
		parent/{take,token,taker/taker}.c parent/token.h common/{owner,steal,text}.c common/{claim,handle,owner,steal,text}.h
	for width in x64 x86; do
		printf '%s\n' $width/handoff{,w}.exe sdk/bin/$width/handoff{-launcher.exe,.dll} \
			sdk/lib/$width/{libhandoff.a,libhandoff.dll.a,handoff.lib,pkgconfig/handoff.pc}
	done
}

rm -rf $work
mkdir -p $work/again
make -s dist >$work/log 2>&1
unzip -q build/"$name".zip -d $work >>$work/log 2>&1
check "the zip has what belongs into it" "$(cd $work/"$name" && find ./* -type f | cut -c 3- | LC_ALL=C sort)" \
	"$(in_zip | LC_ALL=C sort)"
check "its sums are right, of every file" \
	"$(cd $work/"$name" && sha256sum --check --strict --quiet SHA256SUMS 2>&1 && wc -l <SHA256SUMS)" "$(in_zip | sed 1d | wc -l)"

tests/scripts/documents.sh $work/"$name" || failed=1

# In another directory and a later second.
cp -R Makefile launcher parent common tests README.md $work/again
make -s -C $work/again dist >$work/again.log 2>&1
check "a second build makes the same zip" "$(cmp build/"$name".zip $work/again/build/"$name".zip 2>&1)" ""
check "nothing in it names the directory it was built in" "$(grep -rl "$PWD" $work/"$name" 2>&1)" ""
rm -rf $work/again

check "make sign signs each file that Windows runs" \
	"$(make -s sign SIGN='printf "%s\n"' | LC_ALL=C sort | xargs)" \
	"$(printf 'build/%s\n' x{64,86}/{handoff,handoffw,handoff-launcher}.exe x{64,86}/handoff.dll | LC_ALL=C sort | xargs)"

rm -rf $work/clone
if git clone -q . $work/clone 2>/dev/null && git -C $work/clone ls-files --eol >$work/eol; then
	check "batch files have CRLF, in every clone" \
		"$(awk '$NF ~ /\.(bat|cmd)$/ && ($2 != "w/crlf" || $0 !~ /attr\/text eol=crlf/)' $work/eol)" ""
	check "other text has LF, in every clone, and data is left alone" \
		"$(awk '$NF !~ /\.(bat|cmd)$/ && $0 !~ /attr\/-text/ && ($2 ~ /crlf|mixed/ || $0 !~ /attr\/text=auto eol=lf/)' $work/eol)" ""
else
	echo "SKIP: line ends: this is no clone"
fi
exit $failed
