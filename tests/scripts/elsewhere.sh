#!/bin/bash
# elsewhere.sh DIR: the suites in the Wine of another system, as root: of the Debian trixie in DIR, which is made if it is
# missing. It takes what is built here; of the files themselves and of what compiles there is nothing to see there.
# The emulation is of Debian 12's Wine alone: a machine that needs it leaves the 32-bit programs out there, and says so.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/scripts/machine.sh"
[ "$x86" = native ] || x86=none
dir=$(realpath -m "${1:?Say with DIR=... where the other system is or is to be}")
tree=$dir/handoff

# make_system: as whole as it can be checked to be.
make_system() {
	local mirror
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' 'Origin: Debian' |
		grep -v security | sort -u | head -n 1)
	debootstrap --variant=minbase --include=wine,wine64,procps trixie "$dir" "$mirror"
	chroot "$dir" apt-get -qq update
}

[ -x "$dir/usr/bin/wine" ] || make_system
rm -rf "$tree"
mkdir -p "$tree/build/deps"
cp -R "$root/tests" "$tree"
cp -R "$root"/build/x?? "$tree/build"
cp -R "$root"/build/deps/{gpgv,perl,node-x64,node-x86,hello32.exe} "$tree/build/deps"

# Mounts of its own, which end with it.
export dir x86
unshare --mount bash -ec '
	mount -t proc proc "$dir/proc"
	mount --rbind /dev "$dir/dev"
	exec chroot "$dir" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HANDOFF_X86="$x86" bash -c "
		cd /handoff && tests/setup.sh wine && exec tests/run.sh --suites"'
