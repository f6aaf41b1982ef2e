#!/bin/bash
# documents.sh [DIR]: whether every link of the READMEs below DIR leads to a file, and to a heading in it. Without DIR, in
# this tree, also whether every sentence of the READMEs and of handoff.h has 35 words at most, and whether tables fit a terminal.
# A line for each check, "ok …" or "FAIL …".
set -uo pipefail

cd "$(dirname "$0")/../.." || exit
. tests/scripts/check.sh

# headings README: each as the anchor that GitHub makes of it.
headings() {
	awk '/^```/ { code = !code } !code && /^#+ / { sub(/^#+ /, ""); print tolower($0) }' "$1" |
		sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}

# links README: each link's target.
links() {
	awk '/^```/ { code = !code } !code' "$1" | grep -o '\](\([^()]*\))' | sed 's/^](//; s/)$//' | grep -v '^https\?:'
}

# leads_to FILE TARGET: whether it is there, and has the target's heading.
leads_to() {
	[ -e "$1" ] && { [[ $2 != *#* ]] || headings "$1" | grep -Fxq -- "${2#*#}"; }
}

# dead_links DIR: README and target, a line for each that leads nowhere.
dead_links() {
	local readme target file
	find "$1" \( -name build -o -name .git \) -prune -o -name '*.md' -print | LC_ALL=C sort | while read -r readme; do
		links "$readme" | while read -r target; do
			file=${target%%#*}
			file=${file:+${readme%/*}/$file} file=${file:-$readme}
			leads_to "$file" "$target" || echo "${readme#"$1"/}: $target"
		done
	done
}

# The awk programs below say "break" where a sentence ends without a full stop, and print all other text as it is.

readme_text() {
	awk '/^ *```/ { code = !code; print "break" }
		code { next }
		/^ *$|^#|^\|/ { print "break" }
		/^ *([*-]|[0-9]+\.) / { print "break" }
		/^\|/ { gsub(/\|/, "\nbreak\n") }
		{ gsub(/ ·/, "\nbreak\n") }
		{ print }' "$1"
}

header_text() {
	awk '/\/\*/ { print "break"; sub(/.*\/\*/, ""); comment = 1 }
		!comment { next }
		/^ \*?( |$)/ { sub(/^ \*?/, "") }
		/^ *$|^   *(ERROR_|- )/ { print "break" }
		{ end = sub(/\*\/.*/, ""); print; if (end) { comment = 0; print "break" } }' "$1"
}

# long_sentences FILE < TEXT: a line for each of more than 35 words. Code and a link are one word each.
long_sentences() {
	awk -v file="$1" '
		function judge(text,    sentences, count, i, words) {
			gsub(/`[^`]*`/, "CODE", text)
			gsub(/\]\([^()]*\)/, "]", text)
			count = split(text, sentences, /[.!?]["\47)*]* /)
			for (i = 1; i <= count; i++)
				if (split(sentences[i], words) > 35)
					printf "%s:%s\n", file, substr(sentences[i], 1, 100)
		}
		$0 == "break" { judge(text); text = ""; next }
		{ text = text " " $0 }
		END { judge(text) }'
}

dir=${1:-.}
check "each link in $(basename "$(realpath "$dir")") leads somewhere" "$(dead_links "$dir")" ""
if [ $# = 0 ]; then
	check "no sentence has more than 35 words" "$(
		for readme in README.md {launcher,parent,tests,tests/bench}/README.md; do
			readme_text "$readme" | long_sentences "$readme"
		done
		header_text parent/handoff.h | long_sentences parent/handoff.h
	)" ""
	check "no row of a table is wider than 120 columns" "$(grep -n '^|.\{120\}' README.md {launcher,parent,tests}/README.md)" ""
fi
exit $failed
