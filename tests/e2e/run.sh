#!/bin/bash
# Runs the end-to-end tests against the programs of a build directory: tests/e2e/run.sh BUILD [TEST...]
# A TEST is a file name here without its ending; default: all. Prints "ok" and "not ok" lines.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 3
PML_BUILD=$(realpath "${1:?usage: tests/e2e/run.sh BUILD [TEST...]}") || exit 3
export PML_BUILD
shift

if [ ! -e "$here/node_modules/.package-lock.json" ] || [ "$here/package-lock.json" -nt "$here/node_modules/.package-lock.json" ]; then
    npm ci --prefix "$here" --omit=peer --no-audit --no-fund --loglevel=error || { echo "not ok - npm ci"; exit 1; }
fi

shopt -s nullglob
tests=("$@")
if [ ${#tests[@]} -eq 0 ]; then
    for file in "$here"/test-*.mjs "$here"/test-*.sh; do
        name=${file##*/}
        tests+=("${name%.*}")
    done
fi
status=0
results=$(mktemp)
trap 'rm -f "$results"' EXIT
for test in "${tests[@]}"; do
    if [ -e "$here/$test.mjs" ]; then
        node "$here/$test.mjs"
    else
        bash "$here/$test.sh"
    fi | tee "$results"
    code=${PIPESTATUS[0]}
    if [ "$code" -ne 0 ] && ! grep -q "^not ok " "$results"; then
        echo "not ok - $test: ended with status $code"
    elif ! grep -q "^ok " "$results"; then
        echo "not ok - $test: checked nothing"
        code=1
    fi
    [ "$code" -eq 0 ] || status=1
done
exit "$status"
