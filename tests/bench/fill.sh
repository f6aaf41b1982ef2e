#!/bin/bash
# fill.sh BLOCK: puts what comes in between the two lines of README.md that name the block, instead of what is there.
set -euo pipefail

new=$(mktemp)
trap 'rm "$new"' EXIT
{ cat && echo; } >"$new"
sed -i -e "/^<!-- $1: /r $new" -e "/^<!-- $1: /,/^<!-- end of $1 -->/ { /^<!-- /!d }" "$(dirname "$0")/README.md"
