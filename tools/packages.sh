#!/bin/bash
# Installs the Debian packages of tools/packages.txt that are missing: tools/packages.sh GROUP...
# A line of that file is GROUP PACKAGE [COMMAND]; a command that is there already counts as its package.
set -euo pipefail
list=$(dirname "$0")/packages.txt

wanted=()
while read -r group package command; do
    case " $* " in *" $group "*) ;; *) continue ;; esac
    [ -n "$command" ] && command -v "$command" >/dev/null && continue
    wanted+=("$package")
done <"$list"
[ ${#wanted[@]} -gt 0 ] || exit 0

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null | sed -n 's/^installed //p') || true
missing=()
for package in "${wanted[@]}"; do
    grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "missing packages, and neither root nor sudo to install them: ${missing[*]}" >&2; exit 3; }
    as_root=(sudo)
fi
echo "installing ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
    "${as_root[@]}" apt-get -qq update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}"
}
install >"$log" 2>&1 || { cat "$log" >&2; echo "cannot install ${missing[*]}" >&2; exit 3; }
