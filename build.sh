#!/bin/bash
# Builds a release in build/; build/bin has the programs. Installs the Debian packages that the build needs and that are missing.
set -euo pipefail
cd "$(dirname "$0")"

case "${1-}" in
'') ;;
*)
    echo "usage: ./build.sh       builds a release in build/, programs in build/bin"
    [ "$1" = --help ] && exit 0
    exit 2
    ;;
esac

tools/packages.sh build || exit 3
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { # what it says only matters when it fails
    "$@" >"$log" 2>&1 || { cat "$log" >&2; echo "build failed: $*" >&2; exit 3; }
}
[ -e build/build.ninja ] || quietly meson setup build --buildtype=release -Dtests=false
if [ -t 1 ]; then
    ninja -C build || exit 3
else
    quietly ninja -C build
fi
mkdir -p build/bin
for program in build/src/cmd/*/pml build/src/cmd/*/pml-*; do
    if [ -f "$program" ] && [ -x "$program" ]; then
        ln -sfn "../../$program" "build/bin/${program##*/}"
    fi
done
