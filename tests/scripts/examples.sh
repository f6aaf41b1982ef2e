#!/bin/bash
# examples.sh: runs the examples of the READMEs, as a reader would who has handoff, perl, node and gpgv on PATH,
# and says of each how it went. What comes after the language of a code block says what the block is:
#
#   bat, perl, js        run; a batch block line by line, as at a prompt
#   LANGUAGE FILE        a file for the others, saved before anything is run, and built if it is C
#   text COMMAND         what this command says; of --help, all of it
#   text                 what the block before has said
#   sh                   lines that compile are run, before all others; of the rest there are tests elsewhere
#   json                 not run
#
# Any other language is a failure: programs in it are files, which tests/scripts/languages.sh runs.
# A block without a language is no example. Of an output, numbers and directories do not count, and lines may be left
# out; but whatever handoff itself says must be there.
set -uo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
work=$root/build/examples
bin=$root/build/x64
. "$root/tests/scripts/machine.sh"
not_run=0 # what needs gpgv, which is a 32-bit program

# windows PROGRAM ARG…
if [ "${OS:-}" = Windows_NT ]; then
	export PATH=$bin:$PATH
	has() { command -v "$1" >/dev/null; }
else
	deps=$root/build/deps
	WINEPATH=$(printf "Z:${bin//\//\\\\};Z:${deps//\//\\\\}\\\\%s;" perl gpgv node-x64)
	export WINEPATH
	has() { ls "$deps"/*/"$1.exe" >/dev/null 2>&1; }
fi
windows() { timeout -k 5 "$(patience 60)" "$root/tests/run.sh" "$@" </dev/null; }

# --- the blocks ------------------------------------------------------------------------------

# blocks README...: each into a file. Its first line: where it is, and the heading of the block.
blocks() {
	awk -v to="$work/blocks/" '
		/^ *```/ {
			inside = !inside
			if (!inside) { close(file); next }
			file = sprintf("%s%03d", to, ++count)
			sub(/^ *```/, "")
			print FILENAME ":" FNR, $0 > file
			next
		}
		inside { print > file }' "$@"
}

# heading FILE: sets place, language and rest.
heading() {
	read -r place language rest <"$1"
}

body() { tail -n +2 "$1"; }

# --- doing what they say ---------------------------------------------------------------------

# compile LINE: in the root of the project, as the READMEs have it, but the source is here.
compile() {
	local words=()
	read -ra words <<<"$1"
	for i in "${!words[@]}"; do
		case ${words[i]} in
		-Iparent | -Icommon) words[i]=-I$root/${words[i]#-I} ;;
		build/* | parent/*) words[i]=$root/${words[i]} ;;
		esac
	done
	"${words[@]}"
}

# build_source FILE: unless a block does. A program without handoff.h needs no library.
build_source() {
	local line="x86_64-w64-mingw32-gcc -o build/x64/${1%.c}.exe $1"
	! grep -qs "^x86_64.* $1 " blocks/* || return 0
	! grep -q wmain "$1" || line="$line -municode -Iparent build/x64/libhandoff.a"
	compile "$line"
}

# batch COMMAND LINE: run from a batch file, so that no other quoting comes between.
batch() {
	printf '@%s\r\n' "$1" >line.bat
	windows cmd /d /c line.bat
}

# with_log LINE: in the process 4711 of the READMEs, which has a log open as handle 420; the tool is one that
# takes a number.
with_log() {
	cat >parent.pl <<-'end'
		use Win32API::File ':ALL';
		open my $log, '>>', 'tool.log' or die $!;
		my ($number, $line) = (GetOsFHandle($log), join ' ', @ARGV);
		$line =~ s/4711/$$/;
		$line =~ s/420/$number/;
		exit system($line) >> 8;
	end
	local line=${1/tool.exe --log-handle/gpgv --status-fd}
	batch "perl parent.pl $line --keyring ./keyring.gpg data.sig data.txt" && [ -s tool.log ]
}

run_line() {
	case $1 in
	*'--parent 4711'*) with_log "$1" ;;
	*) batch "$1" ;;
	esac
}

run_lines() {
	local line
	while IFS= read -r line; do
		run_line "$line" || return
	done
}

run_block() {
	case $language in
	bat) body "$1" | run_lines ;;
	perl) body "$1" >block.pl && windows perl block.pl ;;
	js) body "$1" >block.js && windows node block.js ;;
	text) run_line "$rest" ;;
	esac
}

# --- what came of it -------------------------------------------------------------------------

result() {
	local what=$1
	shift
	printf '%s %s: %s\n' "$what" "$place" "$*"
}

normal() {
	sed -E 's/\r*$//; s/[A-Z]:\\([^ "]*\\)*//g; s/-?\b(0x[0-9a-f]+|[0-9]+)\b/N/g; /^ *$/d'
}

# says FILE OUTPUT: nothing is missing; TRUE for no text at all if handoff said nothing either.
says() {
	local wanted line
	if [[ $rest = *--help* ]]; then
		diff "$1" <(tr -d "\r" <"$2") | tr "\n" " "
		return
	fi
	mapfile -t wanted < <(normal <"$1")
	while IFS= read -r line; do
		if [ "$line" = "${wanted[0]:-}" ]; then
			wanted=("${wanted[@]:1}")
		elif [[ $line = handoff:* ]]; then
			echo "it says: $line"
			return 1
		fi
	done < <(normal <"$2")
	[ ${#wanted[@]} = 0 ] || { echo "it does not say: ${wanted[0]}" && return 1; }
}

# missing_program FILE: one that this machine has not. Debian's set-up has them all.
missing_program() {
	local program
	for program in perl node gpgv; do
		if grep -q "\b$program " "$1" && ! has $program; then
			echo $program
			return
		fi
	done
}

# needs_gpgv FILE: by its name, or as the tool of with_log.
needs_gpgv() { grep -q '\bgpgv \|--parent 4711' "$1"; }

# check BLOCK NEXT: BLOCK is run, and compared with NEXT if that is its text.
check() {
	local text=/dev/null status missing
	missing=$(missing_program "$1")
	if [ $x86 = none ] && needs_gpgv "$1"; then
		not_run=$((not_run + 1))
		return
	fi
	if [ -n "$missing" ]; then
		result SKIP: "there is no $missing"
		return
	fi
	run_block "$1" >output.txt 2>&1
	status=$?
	if [ "$language" = text ]; then
		body "$1" >text.txt
		text=text.txt
	elif [[ -n $2 && $(head -n 1 "$2") = *' text' ]]; then
		body "$2" >text.txt
		text=text.txt
	elif [ $status != 0 ]; then
		result FAIL "exit code $status: $(tr '\r\n' '  ' <output.txt)"
		return
	fi
	if reason=$(says "$text" output.txt); then
		result ok "$language $rest"
	else
		result FAIL "$reason (exit code $status)"
	fi
}

prepare() {
	rm -rf "$work"
	mkdir -p "$work/blocks"
	cp "$root"/tests/demo/{keyring.gpg,data.sig,data.txt} "$work"
	printf 'name=value\n' >"$work/app.ini"
	printf 'secret\n' >"$work/secret.txt"
	cd "$root" && blocks README.md launcher/README.md parent/README.md tests/README.md && cd "$work" || exit
}

save_files() {
	local block
	for block in blocks/*; do
		heading "$block"
		case "$language $rest" in
		text* | sh*) ;;
		bat\ ?*) body "$block" | sed 's/$/\r/' >"$rest" ;;
		*\ ?*) body "$block" >"$rest" ;;
		esac
	done
}

build_files() {
	local block line
	for block in blocks/*; do
		heading "$block"
		if [ "$language" = sh ]; then
			while IFS= read -r line; do
				compile "$line" || result FAIL "$line"
			done < <(body "$block" | grep '^x86_64')
		elif [ "$language" = c ]; then
			build_source "$rest" || result FAIL "$rest does not compile"
		fi
	done
}

run_blocks() {
	local list=(blocks/*) i
	for i in "${!list[@]}"; do
		heading "${list[i]}"
		case "$language $rest" in
		bat\  | perl\  | js\  | text\ ?*) check "${list[i]}" "${list[i + 1]:-}" ;;
		\ * | json\ * | text\  | sh\  | bat\ * | perl\ * | js\ * | c\ ?*) ;;
		*) result FAIL "nobody runs $language: make it a file of tests/languages" ;;
		esac
	done
}

prepare
save_files
build_files
run_blocks
[ $not_run = 0 ] || echo "SKIP: $not_run tests: $no_32bit"
"$root/tests/scripts/languages.sh"
