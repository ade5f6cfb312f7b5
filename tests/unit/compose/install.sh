#!/bin/sh
# Install what checks the systemd unit: systemd-analyze, of Debian's package systemd, which starts nothing by itself, and
# /bin/kill, which the unit names and the smallest Debian does not have.
# Where that is not possible, say so loudly and go on: those tests are then skipped, or fail where CI is set.
set -u
packages='systemd procps'

command -v systemd-analyze >/dev/null && [ -x /bin/kill ] && exit 0
sh "$(dirname "$0")/../../support/debian.sh" 'systemd-analyze for the tests of the systemd unit' $packages && exit 0
cat <<END
*** No systemd-analyze with a /bin/kill: the systemd unit can't be checked, and its tests are skipped (they fail where CI is set).
*** Remedy, on Debian and as root:  apt-get update && apt-get install $packages
END
