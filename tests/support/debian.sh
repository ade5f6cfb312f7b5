#!/bin/sh
# Install packages of Debian: debian.sh WHAT PACKAGE…, where WHAT is told. Fails, with apt's last lines, where that is not
# possible: without root, or elsewhere than on a Debian.
set -u
what=$1
shift
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 1
echo "Installing $what: apt-get install $* (once; a minute or more)"
export DEBIAN_FRONTEND=noninteractive
apt='apt-get -qq -o DPkg::Lock::Timeout=300'
log=$(mktemp)
if { $apt update && $apt install --no-install-recommends "$@"; } >"$log" 2>&1; then
    rm -f "$log"
    exit 0
fi
tail -n 5 "$log"
rm -f "$log"
exit 1
