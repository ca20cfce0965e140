#!/bin/bash
# A verified private chat in one command: build, serve the demo model, ask it something, check everything.
set -euo pipefail
root=$(cd "$(dirname "$0")" && pwd)

usage() {
    cat <<'END'
usage: ./run.sh [OPTIONS]

Installs the Debian packages that are missing, builds a release, starts `pml serve` and runs `pml chat` against it with a first
prompt. The server stays up in the background; a run that finds it up uses it again.

  --model FILE        the GGUF model to serve, default models/demo.gguf
  --listen ADDR:PORT  https address of the server, default 127.0.0.1:8443
  --state DIR         state directory with keys, receipts, log (serve.log) and pid (serve.pid);
                      default $XDG_STATE_HOME/pml or ~/.local/state/pml, for root inside a TD /var/lib/pml
  --prompt TEXT       the first prompt
  --build-only        install and build, run nothing
  --once              run the chat, then stop the server; exit with the chat's status
  --stop              stop the server of the state directory
  --help              this text

Outside a TDX virtual machine the platform is simulated: everything works and nothing is protected.
Exit status: 0 done, 1 the service was not verified or the model refused, 2 usage, 3 could not run.
END
}

die() { # STATUS MESSAGE
    echo "run.sh: $2" >&2
    exit "$1"
}

model=$root/models/demo.gguf
listen=127.0.0.1:8443
state=
prompt='What is this project?'
action=run

parse_options() {
    while [ $# -gt 0 ]; do
        case $1 in
        --model | --listen | --state | --prompt)
            [ $# -ge 2 ] || die 2 "$1 needs a value; see --help"
            declare -g "${1#--}=$2"
            shift
            ;;
        --build-only) action=build ;;
        --once) action=once ;;
        --stop) action=stop ;;
        --help | -h) usage; exit 0 ;;
        *) die 2 "unknown option $1; see --help" ;;
        esac
        shift
    done
}

inside_td() {
    [ -e /dev/tdx_guest ] || grep -qw tdx_guest /proc/cpuinfo
}

is_tdx_host() {
    [ "$(cat /sys/module/kvm_intel/parameters/tdx 2>/dev/null)" = Y ]
}

default_state() {
    if inside_td && [ "$(id -u)" -eq 0 ]; then
        echo /var/lib/pml
    else
        [ -n "${XDG_STATE_HOME-}${HOME-}" ] || die 3 "no home directory; give --state DIR"
        echo "${XDG_STATE_HOME:-$HOME/.local/state}/pml"
    fi
}

# Prints the pid of the process that uses the state directory, nothing if there is none.
holder() {
    if [ -e "$state/lock" ] && ! flock -n "$state/lock" true; then
        cat "$state/lock"
    fi
}

# True if the holder is a server that run.sh started; sets url.
our_server() {
    [ "$(cat "$state/serve.pid" 2>/dev/null)" = "$1" ] && url=$(cat "$state/serve.url" 2>/dev/null)
}

stop_server() {
    local pid
    pid=$(holder)
    if [ -z "$pid" ]; then
        echo "no server is running on $state"
        return
    fi
    our_server "$pid" || die 3 "$state is in use by process $pid, which run.sh did not start"
    kill -TERM "$pid"
    flock "$state/lock" true # until it has ended
    rm -f "$state/serve.pid" "$state/serve.url" "$state/serve.args"
    echo "stopped the server of $state (process $pid)"
}

say_what_kind_of_machine() {
    if inside_td; then
        echo "This is a TDX virtual machine: the server uses the real platform."
        return
    fi
    platform=(--simulated)
    if is_tdx_host; then
        cat <<'END'
This machine can run TDX virtual machines and is not one itself. To serve from one, start a guest with
    qemu-system-x86_64 -accel kvm -cpu host -machine q35,kernel-irqchip=split,confidential-guest-support=tdx \
        -object tdx-guest,id=tdx -bios /usr/share/ovmf/OVMF.fd ...
and run this script inside it. Here it goes on with a simulated platform.
END
    fi
}

# Starts the server in a session of its own and waits until it is ready or has failed.
start_server() {
    local log=$state/serve.log ready pid status=0 before
    (umask 077 && mkdir -p "$state") || die 3 "cannot make $state"
    { : >>"$log"; } 2>/dev/null || die 3 "cannot write in $state"
    before=$(stat -c %s "$log")
    exec {ready}< <(exec setsid "$bin/pml-serve" -m "$model" --listen "$listen" --state "$state" "${platform[@]}" \
        --ready-fd 3 3>&1 >>"$log" 2>&1 </dev/null)
    pid=$!
    echo "starting the server (log in $log)"
    read -r -u "$ready" _ url || true
    exec {ready}<&-
    if [ -z "${url-}" ]; then
        wait "$pid" || status=$?
        tail -c "+$((before + 1))" "$log" | tail -n 1 >&2
        [[ $status == [123] ]] || status=3
        die "$status" "the server did not start"
    fi
    echo "$pid" >"$state/serve.pid"
    echo "$url" >"$state/serve.url"
    echo "$listen $model" >"$state/serve.args"
}

find_or_start_server() {
    local pid
    pid=$(holder)
    if [ -z "$pid" ]; then
        start_server
        return
    fi
    our_server "$pid" || die 3 "$state is in use by process $pid, which run.sh did not start"
    [ "$(cat "$state/serve.args")" = "$listen $model" ] ||
        die 3 "the server of $state serves another model or address; stop it first: ./run.sh --stop --state $state"
    if [[ $(readlink "/proc/$pid/exe") == *' (deleted)' ]]; then
        echo "the running server is of an older build"
        stop_server
        start_server
    else
        echo "using the server that is running (process $pid)"
    fi
}

# A real platform is trusted by what it measures. Nobody told us what that should be, so what we see is taken down.
make_policy() {
    local policy=$state/policy.json
    if [ ! -e "$policy" ]; then
        "$bin/pml" chat "$url" --print-policy >"$policy.new" || { rm -f "$policy.new"; die 1 "the service was not verified"; }
        mv "$policy.new" "$policy"
        cat <<END
There was no policy that says which virtual machine to trust. $policy now pins the measurements that this one
showed: they were believed, not checked. Compare them with those of the image you meant to start.
END
    fi
    trust=(--policy "$policy")
}

print_how_to() {
    local shown certificate
    shown=$(printf '%q ' "${trust[@]}")
    certificate=$(printf %q "$state/tls.crt")
    cat <<END

The server is at $url (process $(cat "$state/serve.pid"), log $state/serve.log). Talk to it:

    $bin/pml chat $url $shown"What is a receipt?"
    curl --cacert $certificate $url/v1/chat/completions -H 'Content-Type: application/json' \\
         -d '{"messages":[{"role":"user","content":"hello"}]}'
    NODE_EXTRA_CA_CERTS=$certificate node program.mjs      # new OpenAI({ baseURL: '$url/v1', apiKey: 'none' })

Stop it: $root/run.sh --stop --state $(printf %q "$state")
END
}

parse_options "$@"
[ -n "$state" ] || state=$(default_state)
[[ $state == /* ]] || state=$PWD/$state
[[ $model == /* ]] || model=$PWD/$model
bin=$root/build/bin
url=
platform=()
trust=()

if [ "$action" = stop ]; then
    stop_server
    exit 0
fi
"$root/build.sh" || exit 3
if [ "$action" = build ]; then
    echo "built; the programs are in $bin"
    exit 0
fi
[ -r "$model" ] || die 3 "cannot read the model $model"
"$root/tools/packages.sh" run || exit 3
say_what_kind_of_machine
find_or_start_server
if [ ${#platform[@]} -gt 0 ]; then
    trust=(--trust-simulated "$state")
else
    make_policy
fi

echo
echo "> $prompt"
status=0
"$bin/pml" chat "$url" "$prompt" "${trust[@]}" --replay "$model" || status=$?
if [ "$action" = once ]; then
    stop_server
else
    print_how_to
fi
exit "$status"
