#!/bin/sh
# demo_model.sh PML SOURCE: the demo model answers the questions of tests/e2e/demo-questions.txt, of which no training text holds
# one, says what it is, and keeps to the subject of a conversation.
pml=$1
model=$2/models/demo.gguf
questions=$2/tests/e2e/demo-questions.txt
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
: >"$dir/talk"

# answer QUESTION: what the model says greedily to QUESTION after the conversation in $dir/talk, which goes on with it.
answer() {
    printf '<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\n' "$1" >>"$dir/talk"
    "$pml" tokenize -m "$model" --parse-special --ids <"$dir/talk" | tr -s ' \n' ',' | sed 's/^,//; s/,$//' >"$dir/ids" &&
        "$pml" generate -m "$model" --tokens "$(cat "$dir/ids")" -n 120 >"$dir/said" || exit 1
    printf '%s<|im_end|>\n' "$(cat "$dir/said")" >>"$dir/talk"
}

# holds QUESTION WORD: the answer to QUESTION contains WORD.
holds() {
    answer "$1"
    grep -qiF -- "$2" "$dir/said" || {
        printf 'no "%s": %s\n    %s\n' "$2" "$1" "$(cat "$dir/said")"
        return 1
    }
}

right=0
total=0
tab=$(printf '\t')
while IFS=$tab read -r question word; do
    : >"$dir/talk"
    total=$((total + 1))
    holds "$question" "$word" && right=$((right + 1))
done <"$questions"
echo "$right of $total answers contain the expected word"
[ "$total" -eq 20 ] && [ "$right" -ge 18 ] || exit 1

: >"$dir/talk"
holds 'What are you?' 'small demo model' || exit 1

: >"$dir/talk"
while IFS=$tab read -r question word; do
    holds "$question" "$word" || exit 1
done <<EOT
Hello!${tab}Private ML SDK
What is a receipt?${tab}receipt
Tell me more.${tab}receipt
Who can read my prompt?${tab}nobody
Which license does it have?${tab}MIT
Thanks!${tab}help
EOT
