# Read by the scripts that look at files: a line for each check, "ok …" or "FAIL …". They end with $failed.
# shellcheck shell=bash disable=SC2034 # version is theirs
version=$(sed -n 's/^#define HANDOFF_VERSION "\(.*\)"/\1/p' "${BASH_SOURCE[0]%/*}/../../parent/handoff.h" | tr -d '\r')
subject='' # of the checks to come, with a colon and a blank behind it
failed=0

# check WHAT FOUND WANTED
check() {
	if [ "$2" = "$3" ]; then
		echo "ok $subject$1"
	else
		echo "FAIL $subject$1: found '$2', wanted '$3'"
		failed=1
	fi
}
