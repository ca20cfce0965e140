#!/bin/sh
# install.sh BUILD SOURCE: `meson install` puts the programs and a manual page of each where they are looked for, and nothing
# else; the installed pml finds the installed pml-serve.
build=$1
source=$2
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
meson install -C "$build" --no-rebuild --destdir "$dir" >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
bin=$(dirname "$(find "$dir" -name pml -type f)")
{
    printf 'bin/%s\n' pml pml-serve pml-tdxsim pml-verifier
    ls "$source/docs/man" | sed 's#^#share/man/man1/#'
} | sort >"$dir/wanted"
(cd "$bin/.." && find . -type f | sed 's#^\./##' | sort) >"$dir/found"
diff "$dir/wanted" "$dir/found" >&2 || { echo "FAIL: wanted (<) and installed (>) files" >&2; exit 1; }
cd / && "$bin/pml" serve --help | grep -q '^usage: pml serve' || { echo "FAIL: pml serve" >&2; exit 1; }
echo ok
