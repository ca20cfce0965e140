#!/bin/sh
# collateral.sh PML PML-TDXSIM: a quote, a PCCS over TLS, and the verbs that fetch from it.
pml=$1
tdxsim=$2
if [ -e /dev/tdx_guest ]; then
    echo "skipped: inside a TD nothing is simulated"
    exit 77
fi
dir=$(mktemp -d) || exit 1
pccs=
trap '[ -z "$pccs" ] || kill "$pccs" 2>/dev/null; wait; rm -rf "$dir"' EXIT
export XDG_STATE_HOME="$dir/home"
state=$dir/state

fail() {
    echo "FAIL: $*" >&2
    cat "$dir/out" "$dir/err" >&2
    exit 1
}

# expect STATUS TEXT COMMAND...: the status, and TEXT somewhere in the output
expect() {
    want=$1
    text=$2
    shift 2
    "$@" >"$dir/out" 2>"$dir/err"
    got=$?
    [ "$got" = "$want" ] || fail "status $got, not $want: $*"
    [ -z "$text" ] || cat "$dir/out" "$dir/err" | grep -qF -- "$text" || fail "no \"$text\": $*"
}

"$pml" quote --report-data 00 --simulated --state "$state" --out "$dir/quote" --collateral-out "$dir/bundle" 2>"$dir/err" ||
    fail "pml quote"
mkfifo "$dir/ready"
"$tdxsim" pccs --state "$state" --listen 127.0.0.1:0 --tls >"$dir/ready" 2>"$dir/pccs.log" &
pccs=$!
read -r _ _ url _ <"$dir/ready"
[ -n "$url" ] || fail "pml tdxsim pccs: $(cat "$dir/pccs.log")"
trust="--trust-simulated $state"
services="--pccs $url --pccs-ca $state/pccs.crt"

# The network is asked for nothing that a trusted root does not vouch for, nor Intel for a simulation.
expect 1 'pck_chain_root' "$pml" verify "$dir/quote" $services
expect 3 'Intel knows nothing of a simulated platform' "$pml" verify "$dir/quote" $trust
expect 3 'none that is current is kept here' "$pml" verify "$dir/quote" $trust --offline
expect 3 'certificate' "$pml" verify "$dir/quote" $trust --pccs "$url"
expect 2 'https is wanted' "$pml" verify "$dir/quote" $trust --pccs http://pccs.example
expect 1 'SIMULATED' "$pml" verify "$dir/quote" $services

expect 0 'accepted: genuine TDX quote' "$pml" verify "$dir/quote" $trust $services
expect 0 '' "$pml" verify "$dir/quote" $trust --pccs https://127.0.0.1:1 $services
expect 0 '' "$pml" collateral fetch --quote "$dir/quote" $trust $services --fresh -o "$dir/fetched"
expect 0 '' "$pml" collateral fetch --fmspc 53494D000001 --ca platform $trust $services -o "$dir/fetched2"
cmp "$dir/fetched" "$dir/fetched2" || fail "the same platform, another bundle"
expect 3 'status 404' "$pml" collateral fetch --fmspc 00806F050000 --ca platform $trust $services -o "$dir/other"
expect 3 'status 404' "$pml" collateral fetch --fmspc 53494D000001 --ca processor $trust $services -o "$dir/other"
expect 3 'status 404' "$pml" collateral fetch --fmspc 53494D000001 --ca platform --sgx $trust $services -o "$dir/other"
[ ! -e "$dir/other" ] || fail "a bundle of nothing was written"
expect 0 '' "$pml" verify "$dir/quote" $trust --collateral "$dir/fetched"

expect 0 'not verified' "$pml" collateral show "$dir/fetched"
expect 0 'SIMULATED' "$pml" collateral show "$dir/fetched"
expect 0 '29 days left, verified' "$pml" collateral show "$dir/fetched" $trust
expect 1 'pck_chain_root' "$pml" collateral check "$dir/fetched" --json
expect 0 '"ok":true' "$pml" collateral check "$dir/fetched" $trust --days 29 --json
expect 1 'collateral_expiring' "$pml" collateral check "$dir/fetched" $trust --days 31 --json
expect 1 'crl_expired' "$pml" collateral check "$dir/fetched" $trust --at 2040-01-01T00:00:00Z --json
expect 1 'collateral_json' "$pml" collateral check "$dir/quote" --json
expect 3 'No such file' "$pml" collateral check "$dir/none"
expect 2 'either --quote or --fmspc is wanted' "$pml" collateral fetch
expect 2 '--fmspc: 12 hex digits are wanted' "$pml" collateral fetch --fmspc 12 --ca platform
expect 2 'fetch, show or check is wanted' "$pml" collateral

# Without the service what was fetched serves on, and says so where fresh collateral was wanted.
kill "$pccs"
wait "$pccs" || fail "pml tdxsim pccs ended with $?"
pccs=
expect 0 'accepted' "$pml" verify "$dir/quote" $trust --offline
expect 0 'accepted' "$pml" verify "$dir/quote" $trust $services
expect 3 'crl/platform.der' "$pml" collateral fetch --quote "$dir/quote" $trust $services --fresh
find "$XDG_STATE_HOME" -type f -exec touch -d '2 days ago' {} +
expect 0 'pml: crl/platform.der' "$pml" verify "$dir/quote" $trust $services
expect 3 'collateral_unavailable' "$pml" verify "$dir/quote" $trust --offline --at "@$(($(date +%s) + 60 * 86400))" --json
chmod 755 "$XDG_STATE_HOME/pml/collateral"
expect 3 'is accessible to others' "$pml" verify "$dir/quote" $trust --offline
echo ok
