#!/bin/sh
# Install what `make images` needs: Debian's tools that build and run images. Where that is not possible, say so and fail.
set -u
packages='buildah podman runc mmdebstrap docker.io iproute2 iptables util-linux'

missing=''
for program in buildah podman runc mmdebstrap dockerd docker ip iptables nsenter; do
    command -v $program >/dev/null || missing="$missing $program"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing what builds and runs images: apt-get install $packages (once; a minute or more)"
    export DEBIAN_FRONTEND=noninteractive
    apt='apt-get -qq -o DPkg::Lock::Timeout=300'
    log=$(mktemp)
    if { $apt update && $apt install --no-install-recommends $packages; } >"$log" 2>&1; then
        rm -f "$log"
        exit 0
    fi
    tail -n 5 "$log"
    rm -f "$log"
fi
cat <<END
*** Images can't be built and run here: no$missing.
*** Remedy, on Debian and as root:  apt-get update && apt-get install $packages
END
exit 1
