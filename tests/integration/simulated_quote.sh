#!/bin/sh
# simulated_quote.sh PML PML-TDXSIM: the commands around a simulated platform, and what they refuse.
pml=$1
tdxsim=$2
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
state=$dir/state

fail() {
    echo "FAIL: $*" >&2
    sed 's/^/  /' "$dir/err" >&2
    exit 1
}

# expect STATUS TEXT COMMAND...: the status, and TEXT in the last and only error line ("" for any output).
expect() {
    want=$1
    text=$2
    shift 2
    "$@" >"$dir/out" 2>"$dir/err"
    got=$?
    [ "$got" = "$want" ] || fail "status $got, not $want: $*"
    [ -z "$text" ] && return
    [ "$(grep -cv '^SIMULATED' "$dir/err")" = 1 ] || fail "not one line: $*"
    grep -qF -- "$text" "$dir/err" || fail "no \"$text\": $*"
}

if [ -e /dev/tdx_guest ]; then
    echo "skipped: inside a TD nothing is simulated"
    exit 77
fi

quote() {
    "$pml" quote --report-data 0123 --simulated --state "$state" "$@"
}

expect 3 'no TDX platform here; --simulated runs a labelled simulation' "$pml" quote --report-data 00
expect 2 '--report-data: 1 to 64 bytes in hex are wanted' "$pml" quote --report-data 0 --simulated --state "$state"
expect 2 '--report-data: 1 to 64 bytes in hex are wanted' "$pml" quote --report-data zz --simulated --state "$state"
[ ! -e "$state" ] || fail "a refused request made $state"

expect 0 '' quote --out "$dir/quote" --collateral-out "$dir/bundle"
quote >"$dir/quote2" 2>/dev/null || fail "quote to standard output"
[ "$(wc -c <"$dir/quote")" = "$(wc -c <"$dir/quote2")" ] || fail "another size on standard output"
expect 3 'No space left' sh -c "\"$pml\" quote --report-data 00 --simulated --state \"$state\" >/dev/full"

verify="$pml verify $dir/quote --collateral $dir/bundle"
expect 0 '' $verify --trust-simulated "$state"
expect 0 '' $verify --trust-simulated "$state/sim/root.pem"
expect 1 '' $verify
cat "$dir/out" "$dir/err" | grep -q SIMULATED || fail "the refusal is not labelled"

chmod 755 "$state"
expect 3 'is accessible to others (mode 755)' quote
chmod 700 "$state"
flock "$state/lock" sh -c 'echo $$ >"$0"; echo held; exec sleep 60' "$state/lock" >"$dir/held" &
holder=$!
until [ -s "$dir/held" ]; do sleep 0.05; done
expect 3 "is held by process $(cat "$state/lock")" quote
expect 3 "is held by process $(cat "$state/lock")" "$tdxsim" reset --state "$state"
kill "$(cat "$state/lock")"
wait "$holder" 2>/dev/null

mv "$state/sim/pck.key" "$dir/kept"
expect 3 'pck.key: No such file or directory' quote
[ ! -e "$state/sim/pck.key" ] || fail "a missing key was made again"
mv "$dir/kept" "$state/sim/pck.key"
cp "$state/sim/root.pem" "$dir/old-root.pem"

expect 2 '' "$tdxsim"
expect 2 '' "$tdxsim" reset --state "$state" more
expect 0 '' "$tdxsim" reset --state "$state"
cmp -s "$state/sim/root.pem" "$dir/old-root.pem" && fail "reset kept the root"
expect 1 '' $verify --trust-simulated "$state"
expect 0 '' $verify --trust-simulated "$dir/old-root.pem"
expect 0 '' quote --out "$dir/quote" --collateral-out "$dir/bundle"
expect 0 '' $verify --trust-simulated "$state"
echo ok
