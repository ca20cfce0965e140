#!/bin/sh
# manual_examples.sh PML PML-SERVE PML-TDXSIM PML-VERIFIER SOURCE: runs the examples of the manual pages and of the README as a user
# would, in one directory with models/demo.gguf. In a page, displays (.Bd) are run and lines (.Dl) are not. Where they
# speak of the default address they talk to a server that is started here on another port.
source=$5
if [ -e /dev/tdx_guest ]; then
    echo "skipped: inside a TD nothing is simulated"
    exit 77
fi
dir=$(mktemp -d) || exit 1
server=
trap '[ -z "$server" ] || kill "$server"; wait; rm -rf "$dir"' EXIT
mkdir "$dir/bin" "$dir/home" "$dir/work" "$dir/work/models"
ln -s "$(realpath "$1")" "$dir/bin/pml"
ln -s "$(realpath "$2")" "$dir/bin/pml-serve"
ln -s "$(realpath "$3")" "$dir/bin/pml-tdxsim"
ln -s "$(realpath "$4")" "$dir/bin/pml-verifier"
cp "$source/models/demo.gguf" "$dir/work/models"
export PATH="$dir/bin:$PATH" HOME="$dir/home" no_proxy='*'
unset XDG_STATE_HOME
echo fail >"$HOME/.curlrc" # an answer other than 2xx is a failure
cd "$dir/work" || exit 1
url=

# run NAME: commands on standard input
run() {
    sed -e "s#https://127\\.0\\.0\\.1:8443#$url#g" -e '/^pml serve .*&$/d' >"$dir/script"
    grep -q . "$dir/script" || { echo "FAIL: $1 has no example" >&2; exit 1; }
    if ! sh -eux "$dir/script" >"$dir/log" 2>&1 </dev/null; then
        echo "FAIL: example of $1" >&2
        cat "$dir/log" >&2
        exit 1
    fi
}

page() {
    sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE ALSO/p' "$source/docs/man/$1.1" |
        sed -n '/^\.Bd -literal/,/^\.Ed/{/^\./d;s/\\e$/\\/;p}' | run "$1(1)"
}

for page in pml pml-version pml-model pml-tokenize pml-generate pml-bench pml-quote pml-onchain pml-verify pml-collateral pml-tdxsim; do
    page "$page" || exit 1
done

mkfifo "$dir/ready"
pml-serve -m models/demo.gguf --simulated --listen 127.0.0.1:0 --ready-fd 3 3>"$dir/ready" >"$dir/serve.log" 2>&1 &
server=$!
read -r _ url <"$dir/ready"
[ -n "$url" ] || { cat "$dir/serve.log" >&2; exit 1; }
for page in pml-serve pml-chat pml-receipt pml-replay; do
    page "$page" || exit 1
done
sed -n '/^## Talk to it/,/^## What/{/my-openai-program/d;s/^    //p}' "$source/README.md" | run README.md || exit 1
echo ok
