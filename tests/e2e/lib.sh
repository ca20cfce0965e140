# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What the end-to-end tests in shell share; to be sourced by bash. A temporary directory $tmp, programs from the build directory
# $PML_BUILD, servers on free ports, one line a check.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${PML_BUILD:-$root/build-asan}
[[ $build == /* ]] || build=$root/$build
# shellcheck disable=SC2034 # for those who source this
pml=$build/src/cmd/pml/pml serve=$build/src/cmd/serve/pml-serve model=$root/models/demo.gguf
suite=$(basename "$0" .sh)
tmp=$(mktemp -d)
server_pid=
failures=0

clean_up() {
    [ -z "$server_pid" ] || kill -KILL "$server_pid" 2>/dev/null
    rm -rf "$tmp"
    [ "$failures" -eq 0 ]
}
trap 'clean_up; exit' EXIT

# check WHAT COMMAND...: "ok - SUITE: WHAT" if the command succeeds. Its output is shown when it does not.
check() {
    local what=$1
    shift
    if "$@" >"$tmp/check.log" 2>&1; then
        echo "ok - $suite: $what"
    else
        echo "not ok - $suite: $what"
        sed 's/^/# /' "$tmp/check.log"
        failures=$((failures + 1))
    fi
}

# exits STATUS COMMAND...: succeeds if the command ends with that status.
exits() {
    local wanted=$1 got=0
    shift
    "$@" || got=$?
    [ "$got" -eq "$wanted" ] || { echo "exit $got instead of $wanted"; return 1; }
}

# start_server STATE ARGS...: starts pml-serve on a free port; sets url and server_pid. Log in STATE.log.
start_server() {
    local state=$1 ready
    shift
    exec {ready}< <(exec "$serve" -m "$model" --listen 127.0.0.1:0 --state "$state" --simulated "$@" --ready-fd 3 \
        3>&1 >>"$state.log" 2>&1 </dev/null)
    server_pid=$!
    read -r -u "$ready" _ url
    exec {ready}<&-
    [ -n "${url-}" ] || { cat "$state.log"; return 1; }
}

# stop_server [SIGNAL]: ends it; gives its status.
stop_server() {
    local pid=$server_pid
    kill "-${1:-TERM}" "$pid"
    server_pid=
    wait "$pid"
}
