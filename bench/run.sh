#!/bin/bash
# Every benchmark in one run, each figure beside the limit of this machine measured in the same run. Run it on a quiet machine.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
usage: bench/run.sh [MODEL.gguf]...

Builds build-bench (a release whose server can leave receipts out on request) and prints a table, one line a figure:
for each model (default: the demo model) prefill and decode on 1 and 2 threads, quote verification, the time from the start of the
server process to the first attested token, and what attestation and receipts add to a request.
Quote verification needs the outside vectors ($PML_VECTORS, default ../shared/vectors).
END
}

case ${1-} in
--help | -h) usage; exit 0 ;;
esac
models=("$@")
[ ${#models[@]} -gt 0 ] || models=(models/demo.gguf)

tools/packages.sh build run bench
[ -e build-bench/build.ninja ] || meson setup build-bench --buildtype=release -Dtests=false -Dbench_switch=true >/dev/null
ninja -C build-bench >/dev/null
build=build-bench
vectors=${PML_VECTORS:-../shared/vectors}
state=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$state"
}
trap finish EXIT

row() { # NAME FIGURE LIMIT
    printf '%-44s %-28s %s\n' "$1" "$2" "$3"
}
of() { # JSON-FILTER of standard input
    jq -r "$1"
}

row "work" "figure" "limit, and the share of it"
for threads in 1 2; do
    limits=$($build/bench/limits "$threads")
    for model in "${models[@]}"; do
        name=$(basename "$model" .gguf)
        shape=$($build/src/cmd/pml/pml model show "$model" --json)
        run=$($build/src/cmd/pml/pml bench -m "$model" -t "$threads" -p 512 -n 128 --json)
        figures=$(jq -n --argjson l "$limits" --argjson r "$run" --argjson s "$shape" '{
            prefill: $r.prefill_tokens_per_second, decode: $r.decode_tokens_per_second,
            macs: ($s.parameters - $s.vocabulary_size * $s.embedding_length),
            simd: $l.simd, peak: $l.int8_macs_per_second, read: $l.read_bytes_per_second, bytes: $r.packed_bytes } |
            . + { prefill_share: (.prefill * .macs / .peak * 100), decode_share: (.decode * .bytes / .read * 100) }')
        row "$name: prefill 512, $threads thread(s)" "$(of '.prefill | round' <<<"$figures") tokens/s" \
            "$(of '"\(.prefill_share | round) % of \(.peak / 1e9 | round) G int8 MAC/s (\(.simd))"' <<<"$figures")"
        row "$name: decode 128, $threads thread(s)" "$(of '.decode * 10 | round / 10' <<<"$figures") tokens/s" \
            "$(of '"\(.decode_share | round) % of \(.read / 1e8 | round / 10) GB/s memory reads"' <<<"$figures")"
    done
done

case=$vectors/dcap/public
if [ -e "$case/index.json" ]; then
    quote=$case/quotes/dcapqvl-tdx4.bin bundle=$case/collateral/bundle-b0c06f-dcapqvl-tdx4.json
    at=$(of 'first(.cases[] | select(.quote == "quotes/dcapqvl-tdx4.bin" and .expect.accept)) | .now' <"$case/index.json")
    modules=tests/e2e/node_modules
    peer=()
    [ ! -d $modules/@phala/dcap-qvl ] || peer=("node bench/peer_dcap_qvl.mjs $modules '$quote' '$bundle' $at")
    $build/bench/verify "$quote" "$bundle" "$at" "${peer[@]}" >"$state/verify.json"
    row "verify a TDX quote, cold" "$(of '"\(.cold_verifications_per_second | round) /s"' <"$state/verify.json")" \
        "$(of '"\(.cold_share_of_limit * 100 | round) % of nine P-256 verifications (\(.cold_limit_per_second | round) /s)"' <"$state/verify.json")"
    row "verify a TDX quote, warm" "$(of '"\(.warm_verifications_per_second | round) /s"' <"$state/verify.json")" \
        "$(of '"\(.warm_share_of_limit * 100 | round) % of two P-256 verifications (\(.warm_limit_per_second | round) /s)"' <"$state/verify.json")"
    row "heap of one verification, cold and warm" "$(of '"\(.cold_heap_bytes / 1000 | round), \(.warm_heap_bytes / 1000 | round) kB"' <"$state/verify.json")" ""
    [ ${#peer[@]} = 0 ] || row "verify a TDX quote, @phala/dcap-qvl" "$(of '"\(.peer_verifications_per_second | round) /s"' <"$state/verify.json")" \
        "$(of '"\(.cold_verifications_per_second / .peer_verifications_per_second | round) times slower"' <"$state/verify.json")"
else
    row "verify a TDX quote" "skipped" "no vectors in $vectors"
fi

start_server() {
    exec {ready}< <(exec $build/src/cmd/serve/pml-serve -m models/demo.gguf --simulated --listen 127.0.0.1:0 --state "$state/serve" \
        --ready-fd 3 3>&1 >"$state/log" 2>&1)
    server=$!
    read -r -u "$ready" _ url
}
first_token() { # sets took, in ms
    local begin
    begin=$(date +%s%N)
    start_server
    $build/src/cmd/pml/pml chat "$url" --trust-simulated "$state/serve" --max-tokens 1 --json hello >/dev/null
    took=$((($(date +%s%N) - begin) / 1000000))
}
first_token
new=$took
kill "$server"
flock "$state/serve/lock" true # until it has ended
first_token
row "process start to a verified token" "$took ms" "$new ms with a new platform and new keys"

for tokens in 16 128; do
    added=$($build/bench/receipts "$url" "$state/serve/tls.crt" 500 "$tokens")
    row "attestation and receipt, $tokens tokens" "$(of '"\(.median_added_us | round) us"' <<<"$added")" \
        "$(of '"1 ms; \(.added_share * 1000 | round / 10) % of a request of \(.median_without_us / 1000 | round) ms, target 1 %"' <<<"$added")"
done
