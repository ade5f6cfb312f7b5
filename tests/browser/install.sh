#!/bin/sh
# Install what the tests of pages need: Debian's Chromium, its driver, and a Chinese font to look at screenshots.
# Where that is not possible, say so loudly and go on: those tests are then skipped, or fail where CI is set.
set -u
packages='chromium chromium-driver fonts-wqy-microhei'

if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then
    exit 0
fi
sh "$(dirname "$0")/../support/debian.sh" 'a browser for the tests of pages' $packages && exit 0
cat <<END
*** No browser: the tests of pages can't run, and are skipped (they fail where CI is set).
*** Remedy, on Debian and as root:  apt-get update && apt-get install $packages
*** Elsewhere: put the programs chromium and chromedriver on PATH, both of one version.
END
