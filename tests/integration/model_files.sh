#!/bin/sh
# model_files.sh PML SOURCE: pml model and pml tokenize on the demo model, and what they say about files that are none.
pml=$1
model=$2/models/demo.gguf
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "FAIL: $*" >&2
    sed 's/^/  /' "$dir/err" >&2
    exit 1
}

# expect STATUS TEXT COMMAND...: the status, and on failure one line of error with TEXT in it.
expect() {
    want=$1
    text=$2
    shift 2
    "$@" >"$dir/out" 2>"$dir/err" <"$dir/in"
    got=$?
    [ "$got" = "$want" ] || fail "status $got, not $want: $*"
    [ "$want" = 2 ] || [ "$want" = 0 ] || [ "$(wc -l <"$dir/err")" = 1 ] || fail "not one line: $*"
    grep -qF -- "$text" "$dir/err" || [ -z "$text" ] || fail "no \"$text\": $*"
}

has() {
    grep -qF -- "$1" "$dir/out" || fail "no \"$1\" in the output"
}

printf 'Hello, world!\n  <|im_end|>' >"$dir/in"
sum=$(sha256sum "$model" | cut -d' ' -f1)

expect 0 '' "$pml" model digest "$model" --json
has "\"file_digest\":\"sha256:$sum\",\"file_size\":$(wc -c <"$model"),\"file_digests\":null,"
expect 0 '' "$pml" model digest "$model"
has "sha256:$sum"
expect 0 '' "$pml" model show "$model" --json
has '"chat_template":"builtin:chatml"'
expect 0 '' "$pml" model show "$model"
has 'architecture   llama'

expect 0 '' "$pml" tokenize -m "$model" --json
has '"text":"Hello, world!\n  <|im_end|>"'
expect 0 '' "$pml" tokenize -m "$model" --ids
plain=$(wc -w <"$dir/out")
expect 0 '' "$pml" tokenize -m "$model" --ids --parse-special
[ "$(wc -w <"$dir/out")" -lt "$plain" ] || fail "--parse-special takes no fewer tokens"
expect 0 '' "$pml" tokenize -m "$model"
[ "$(wc -l <"$dir/out")" = "$plain" ] || fail "not one token a line"

expect 2 'usage: pml tokenize' "$pml" tokenize
expect 2 'usage: pml model' "$pml" model digest
expect 2 'usage: pml model' "$pml" model weigh "$model"
expect 3 "open $dir/none: No such file or directory" "$pml" tokenize -m "$dir/none"
expect 3 "$dir: not a regular file" "$pml" model digest "$dir"
expect 3 'standard output: No space left on device' sh -c "\"$pml\" model digest \"$model\" --json >/dev/full"
expect 3 'standard output: No space left on device' sh -c "\"$pml\" tokenize -m \"$model\" <\"$dir/in\" >/dev/full"
expect 1 "$pml: not a GGUF file" "$pml" model show "$pml"
head -c 20000 "$model" >"$dir/cut"
expect 1 "the file ends too early" "$pml" model digest "$dir/cut"
head -c 1000000 "$model" >"$dir/cut"
expect 1 'reaches beyond the end of the file' "$pml" tokenize -m "$dir/cut"
head -c 17000000 /dev/zero >"$dir/in"
expect 3 '-: larger than 16777216 bytes' "$pml" tokenize -m "$model"
