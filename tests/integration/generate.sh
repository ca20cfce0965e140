#!/bin/sh
# generate.sh PML SOURCE: pml generate and pml bench on the demo model.
pml=$1
model=$2/models/demo.gguf
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "FAIL: $*" >&2
    sed 's/^/  /' "$dir/out" "$dir/err" >&2
    exit 1
}

# expect STATUS TEXT ARGUMENTS...: the status of pml, and on failure one line of error with TEXT in it.
expect() {
    want=$1
    text=$2
    shift 2
    "$pml" "$@" >"$dir/out" 2>"$dir/err"
    got=$?
    [ "$got" = "$want" ] || fail "status $got, not $want: $*"
    grep -qF -- "$text" "$dir/err" || [ -z "$text" ] || fail "no \"$text\": $*"
}

# What of the JSON output decides: all but the timing.
result() {
    sed 's/,"timing":.*//' "$dir/out"
}

member() {
    sed "s/.*\"$1\":\\[\\([^]]*\\)\\].*/\\1/" "$dir/out"
}

# The first of the questions that the demo model is made to answer, and a word of the answer.
IFS=$(printf '\t') read -r question word <"$2/tests/e2e/demo-questions.txt"
expect 0 '' generate -m "$model" -p "<|im_start|>user
$question<|im_end|>
<|im_start|>assistant
" -n 60
grep -qiF -- "$word" "$dir/out" || fail "no answer"

# One result, however it is computed.
set -- generate -m "$model" --tokens 1,20,300,4 -n 24 --temp 1 --seed 18446744073709551615 --ignore-eos --logits 3 --logits-all --json
expect 0 '' "$@"
once=$(result)
[ -n "$once" ] || fail "no result"
echo "$once" | grep -q '"finish_reason":"length","seed":"18446744073709551615","logits_chain_digest":"sha256:[0-9a-f]*","logits":\[{"position":0,' ||
    fail "not the members"
ids=$(member output_tokens)
for way in '-t 1' '-t 3' '--chunk 1' '--simd scalar' "--force $ids" "--force $(echo "$ids" | cut -d, -f1-9)" \
    "--force $ids --chunk 5 -t 2"; do
    # shellcheck disable=SC2086
    expect 0 '' "$@" $way
    [ "$(result)" = "$once" ] || fail "another result with $way"
done
expect 0 '' "$@" --reference
[ "$(result)" != "$once" ] || fail "reference mode changes nothing"
expect 0 '' "$@" --seed 1
[ "$(result)" != "$once" ] || fail "the seed changes nothing"
expect 0 '' generate -m "$model" --tokens 1,20,300,4 -n 3 --force 9,9,9 --json
[ "$(member output_tokens)" != 9,9,9 ] || fail "forced ids are shown as chosen"

expect 2 'usage: pml generate' generate -m "$model"
expect 2 'usage: pml generate' generate -m "$model" -p a --tokens 1
expect 2 '--tokens: token ids' generate -m "$model" --tokens 1,,2
expect 2 '--tokens: token ids' generate -m "$model" --tokens 1,-2
expect 2 '--temp: a number' generate -m "$model" -p a --temp hot
expect 2 '--simd: no kernels for amx' generate -m "$model" -p a --simd amx
expect 2 'at most' generate -m "$model" -p a --ctx 1000000
expect 1 'no token 99999999' generate -m "$model" --tokens 99999999
expect 1 'the context has room for 8' generate -m "$model" --tokens 1,2,3,4,5,6,7,8 --ctx 8
expect 1 'not a GGUF file' generate -m "$pml" -p a
expect 3 'No such file' generate -m "$dir/none" -p a

expect 0 '' bench -m "$model" -p 32 -n 8 -b 2 --json
grep -q '^{"load_seconds":[0-9.e-]*,"prefill_tokens_per_second":[0-9.]*,"decode_tokens_per_second":[0-9.]*,"peak_rss_bytes":[0-9]*,' "$dir/out" ||
    fail "not the members"
expect 2 'usage: pml bench' bench
expect 1 'the context has room' bench -m "$model" -p 100000
