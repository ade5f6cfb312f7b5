#!/bin/sh
# Install what `make images` needs: Debian's tools that build and run images. Where that is not possible, say so and fail.
set -u
packages='buildah podman runc mmdebstrap docker.io iproute2 iptables util-linux'

missing=''
for program in buildah podman runc mmdebstrap dockerd docker ip iptables nsenter; do
    command -v $program >/dev/null || missing="$missing $program"
done
[ -z "$missing" ] && exit 0
sh "$(dirname "$0")/../support/debian.sh" 'what builds and runs images' $packages && exit 0
cat <<END
*** Images can't be built and run here: no$missing.
*** Remedy, on Debian and as root:  apt-get update && apt-get install $packages
END
exit 1
