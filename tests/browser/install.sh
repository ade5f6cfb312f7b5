#!/bin/sh
# Install what the tests of pages need: Debian's Chromium, its driver, and a Chinese font to look at screenshots.
# Where that is not possible, say so loudly and go on: those tests are then skipped, or fail where CI is set.
set -u
packages='chromium chromium-driver fonts-wqy-microhei'

if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then
    exit 0
fi
log=$(mktemp)
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing a browser for the tests of pages: apt-get install $packages (once; a minute or more)"
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
*** No browser: the tests of pages can't run, and are skipped (they fail where CI is set).
*** Remedy, on Debian and as root:  apt-get update && apt-get install $packages
*** Elsewhere: put the programs chromium and chromedriver on PATH, both of one version.
END
