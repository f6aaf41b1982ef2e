#!/bin/bash
# campaign.sh full | NAME[=SIZE]...: runs campaign.exe. What it counts in full goes into tests/bench/README.md, unless
# something is wrong.
set -euo pipefail

cd "$(dirname "$0")/../.."
log=build/x64/campaign-full.log
tests/run.sh build/x64/campaign.exe "$@" | tr -d '\r' | tee $log
if [ "$*" = full ]; then
	printf '\n```text\n%s\n```\n' "$(cat $log)" | tests/bench/fill.sh campaign
	echo "written: tests/bench/README.md"
fi
