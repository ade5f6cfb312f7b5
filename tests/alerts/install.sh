#!/bin/sh
# Fetch Debian's Prometheus and its promtool into .venv, for the tests of alerts. It is unpacked, not installed: installing
# it would start a server of its own on this machine. Where it can't be had, say so loudly and go on: those tests are then
# skipped, or fail where CI is set.
set -u
bin=${1:?usage: install.sh BIN}

if [ -x "$bin/prometheus" ] || command -v prometheus >/dev/null; then
    exit 0
fi
folder=$(mktemp -d)
if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    echo "Fetching Prometheus for the tests of alerts: apt-get download prometheus (once; half a minute)"
    fetch() { (cd "$folder" && apt-get -qq download prometheus) >"$folder/log" 2>&1; }
    if { fetch || { [ "$(id -u)" = 0 ] && apt-get -qq update >"$folder/log" 2>&1 && fetch; }; } &&
        dpkg-deb -x "$folder"/prometheus_*.deb "$folder/unpacked" >>"$folder/log" 2>&1; then
        cp "$folder/unpacked/usr/bin/prometheus" "$folder/unpacked/usr/bin/promtool" "$bin/"
        rm -rf "$folder"
        exit 0
    fi
    tail -n 5 "$folder/log"
fi
rm -rf "$folder"
cat <<END
*** No Prometheus: the tests of alerts can't run, and are skipped (they fail where CI is set).
*** Remedy, on Debian:  apt-get update && apt-get install prometheus
*** Elsewhere: put the programs prometheus and promtool on PATH.
END
