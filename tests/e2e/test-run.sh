#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh as its help describes it, with a release build.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
run=$root/run.sh
state="$tmp/a state"
cd "$tmp" || exit 3

once() {
    "$run" --once --listen 127.0.0.1:0 --state "$state" >once.txt 2>&1
}
once_shows_the_verdict() {
    cat once.txt
    grep -q '^VERIFIED, as a simulation' once.txt && [ "$(grep -c '^SIMULATED' once.txt)" -ge 2 ] &&
        grep -q '^  ok   replay' once.txt && ! grep -q '^  FAIL' once.txt
}
nothing_runs() {
    flock -n "$state/lock" true && [ ! -e "$state/serve.pid" ]
}
up() {
    "$run" --listen 127.0.0.1:0 --state "$state" --prompt 'What is a quote? Canary 4711.' >up.txt 2>&1
}
how_to_curl_works() {
    sed -n '/^    curl /,/}'"'"'$/p' up.txt | sed 's|curl |curl --fail --silent |' >curl.sh
    cat up.txt curl.sh
    bash -e curl.sh >curl.txt && grep -q '"chat.completion"' curl.txt
}
how_to_chat_works() {
    sed -n 's/^    \(.*\/pml chat .*\)$/\1/p' up.txt >chat.sh
    cat chat.sh
    bash -e chat.sh >chat.txt 2>&1 && grep -q '^VERIFIED' chat.txt
}
a_second_run_uses_it() {
    local before
    before=$(cat "$state/serve.pid")
    "$run" --listen 127.0.0.1:0 --state "$state" >again.txt 2>&1
    cat again.txt
    grep -q '^using the server that is running' again.txt && [ "$(cat "$state/serve.pid")" = "$before" ]
}
says() { # WANTED-STATUS TEXT COMMAND...: that status, and one line of standard error with the text
    local status=$1 text=$2
    shift 2
    exits "$status" "$@" 2>err.txt >out.txt || { cat out.txt err.txt; return 1; }
    cat err.txt
    grep -qF -- "$text" err.txt && [ "$(wc -l <err.txt)" -le 2 ]
}
a_killed_server_is_replaced() {
    kill -KILL "$(cat "$state/serve.pid")"
    flock "$state/lock" true
    up && ! grep -q '^using' up.txt
}
nothing_said_is_logged() {
    ! grep -n 'Canary' "$state/serve.log"
}

check '--help' exits 0 "$run" --help
check 'an unknown option' says 2 'unknown option --frobnicate' "$run" --frobnicate
check 'an option without its value' says 2 'needs a value' "$run" --state
check '--build-only' exits 0 "$run" --build-only
check '--once ends with 0' once
check '--once shows the verdict' once_shows_the_verdict
check '--once leaves nothing running' nothing_runs
check 'a run ends with 0' up
check 'the printed curl command works' how_to_curl_works
check 'the printed chat command works' how_to_chat_works
check 'a second run uses the server' a_second_run_uses_it
check 'another address for a running server' says 3 'serves another model or address' "$run" --state "$state" --listen 127.0.0.1:1
check 'a port in use' says 3 'another process listens on' \
    "$run" --state "$tmp/other" --listen "$(sed 's|^https://||' "$state/serve.url")"
check 'a server that was killed is replaced' a_killed_server_is_replaced
check 'the log has no prompt' nothing_said_is_logged
check '--stop' exits 0 "$run" --stop --state "$state"
check '--stop has stopped it' nothing_runs
check '--stop with nothing to stop' exits 0 "$run" --stop --state "$state"
check 'no model' says 3 'cannot read the model' "$run" --state "$state" --model "$tmp/none.gguf"
head -c 1000 "$model" >"$tmp/short.gguf"
check 'a truncated model' says 1 'the server did not start' "$run" --state "$tmp/short" --model "$tmp/short.gguf" --listen 127.0.0.1:0
mkdir -m 755 "$tmp/open"
check 'a state directory open to others' says 3 'the server did not start' "$run" --state "$tmp/open" --listen 127.0.0.1:0
start_server "$tmp/foreign"
check 'a state directory in use' says 3 'is in use by process' "$run" --state "$tmp/foreign" --listen 127.0.0.1:0
check 'a server that run.sh did not start is not stopped' says 3 'did not start' "$run" --stop --state "$tmp/foreign"
check 'which goes on' kill -0 "$server_pid"
check 'and ends with 0' stop_server
