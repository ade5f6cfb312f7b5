#!/bin/sh
# Install what checks the systemd unit: systemd-analyze, of Debian's package systemd, which starts nothing by itself, and
# /bin/kill, which the unit names and the smallest Debian does not have.
# Where that is not possible, say so loudly and go on: those tests are then skipped, or fail where CI is set.
set -u
packages='systemd procps'

command -v systemd-analyze >/dev/null && [ -x /bin/kill ] && exit 0
log=$(mktemp)
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing systemd-analyze for the tests of the systemd unit: apt-get install $packages (once; half a minute)"
    export DEBIAN_FRONTEND=noninteractive
    apt='apt-get -qq -o DPkg::Lock::Timeout=300'
    if { $apt update && $apt install --no-install-recommends $packages; } >"$log" 2>&1; then
        rm -f "$log"
        exit 0
    fi
    tail -n 5 "$log"
fi
rm -f "$log"
cat <<END
*** No systemd-analyze with a /bin/kill: the systemd unit can't be checked, and its tests are skipped (they fail where CI is set).
*** Remedy, on Debian and as root:  apt-get update && apt-get install $packages
END
