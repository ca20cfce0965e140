#!/bin/sh
# manual_pages.sh PML PML-SERVE PML-TDXSIM PML-VERIFIER SOURCE: the manual pages say what the programs do. Options: source, --help and
# page name the same ones. JSON: what is printed is in the page, what is in the page is printed. In README
# and docs/*.md: options and links exist.
pml=$1
serve=$2
tdxsim=$3
verifier=$4
source=$5
man=$source/docs/man
model=$source/models/demo.gguf
dir=$(mktemp -d) || exit 1
export XDG_STATE_HOME="$dir/xdg"
trap 'rm -rf "$dir"' EXIT
failed=0

wrong() {
    echo "FAIL: $*" >&2
    failed=1
}

# same WHAT A B: files of one word a line
same() {
    diff "$2" "$3" >"$dir/diff" && [ -s "$2" ] && return
    wrong "$1"
    cat "$dir/diff" >&2
}

# --- verbs ---

"$pml" --help >"$dir/help" || wrong "pml --help"
sed -n 's/^  \([a-z]*\) .*/\1/p' "$dir/help" | sort >"$dir/verbs"
ls "$man" | sed -n 's/^pml-\(.*\)\.1$/\1/p' | sort >"$dir/pages"
sed -n 's/^\.It Xr pml-\([a-z]*\) 1$/\1/p' "$man/pml.1" | sort >"$dir/listed"
same "verbs of pml --help (<) and pages (>)" "$dir/verbs" "$dir/pages"
same "verbs of pml --help (<) and of pml(1) (>)" "$dir/verbs" "$dir/listed"

while read -r verb; do
    summary=$(sed -n "s/^  $verb  *//p" "$dir/help")
    [ "$summary" = "$(sed -n 's/^\.Nd //p' "$man/pml-$verb.1")" ] || wrong "pml-$verb(1): .Nd is not \"$summary\""
    [ "$summary" = "$(sed -n "/^\\.It Xr pml-$verb 1/{n;p}" "$man/pml.1")" ] || wrong "pml(1): $verb is not \"$summary\""
done <"$dir/verbs"

# --- options ---

# Every verb has --help, which its page need not say.
but_help() {
    grep -vxE -e '-h|--help' | sort -u
}

source_options() {
    grep -oE '\{ "[a-z-]+", (no|required)_argument' "$1" | sed 's/{ "\(.*\)", .*/--\1/'
    sed -n 's/.*getopt_long(argc, argv, "\([a-z:]*\)".*/\1/p' "$1" | tr -d : | fold -w 1 | sed 's/^/-/'
}

help_options() {
    sed -n 's/^  \(-.*\)/\1/p' "$1" | sed 's/   *.*//' | grep -oE '(^| )--?[a-z][a-z-]*' | tr -d ' '
}

page_options() {
    sed -n 's/^\.It Fl/Fl/p' "$1" | grep -oE 'Fl [-a-z]+' | sed 's/^Fl /-/'
}

while read -r verb; do
    case $verb in
    serve) program=$serve file=$source/src/cmd/serve/main.c ;;
    tdxsim) program=$tdxsim file=$source/src/cmd/tdxsim/main.c ;;
    verifier) program=$verifier file=$source/src/cmd/verifier/main.c ;;
    *) program="$pml $verb" file=$source/src/cmd/pml/$verb.c ;;
    esac
    $program --help >"$dir/help.$verb" || wrong "$program --help"
    grep -q "^usage: pml $verb" "$dir/help.$verb" || wrong "$program --help shows no usage"
    grep -q '^Exit status: ' "$dir/help.$verb" || wrong "$program --help says nothing about the exit status"
    source_options "$file" | but_help >"$dir/source"
    help_options "$dir/help.$verb" | but_help >"$dir/helped"
    page_options "$man/pml-$verb.1" | but_help >"$dir/paged"
    same "options of $file (<) and of its --help (>)" "$dir/source" "$dir/helped"
    same "options of $verb --help (<) and of pml-$verb(1) (>)" "$dir/helped" "$dir/paged"
    for section in NAME SYNOPSIS DESCRIPTION OPTIONS 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
        grep -qx "\\.Sh $section" "$man/pml-$verb.1" || wrong "pml-$verb(1) has no section $section"
    done
done <"$dir/verbs"

# --- members of JSON output ---

output_section() {
    sed -n '/^\.Sh OUTPUT/,/^\.Sh EXIT STATUS/p' "$man/pml-$1.1"
}

# members VERB: takes "$dir/json", what the verb printed in all its forms
members() {
    grep -oE '"[a-z0-9_]+":' "$dir/json" | tr -d '":' | sort -u >"$dir/printed"
    output_section "$1" | sed -n 's/^\(\.It \)\{0,1\}\.\{0,1\}Li //p' | tr ' ' '\n' | grep -E '^[a-z0-9_]{2,}$' | sort -u >"$dir/named"
    output_section "$1" | sed -n 's/^\.It Li //p' | tr ' ' '\n' | grep -E '^[a-z0-9_]{2,}$' | sort -u >"$dir/items"
    [ -s "$dir/printed" ] || wrong "$1 --json printed nothing"
    grep -vxFf "$dir/named" "$dir/printed" | sed "s/^/FAIL: not in OUTPUT of pml-$1(1): /" >"$dir/missing"
    grep -vxFf "$dir/printed" "$dir/items" | sed "s/^/FAIL: in pml-$1(1), not printed: /" >>"$dir/missing"
    [ ! -s "$dir/missing" ] || { cat "$dir/missing" >&2; failed=1; }
}

# json STATUS COMMAND...: adds one object
json() {
    want=$1
    shift
    "$@" >"$dir/one" 2>"$dir/err" </dev/null
    got=$?
    [ "$got" = "$want" ] && [ "$(wc -l <"$dir/one")" = 1 ] && grep -q '^{.*}$' "$dir/one" && cat "$dir/one" >>"$dir/json" && return
    wrong "status $got, not $want, or not one object: $*"
    cat "$dir/err" >&2
}

begin() {
    : >"$dir/json"
}

begin
json 0 "$pml" version --json
members version

begin
json 0 "$pml" model digest "$model" --json
json 0 "$pml" model show "$model" --json
members model

begin
json 0 "$pml" tokenize -m "$model" --json
members tokenize

begin
json 0 "$pml" generate -m "$model" -p The -n 2 --logits 2 --json
members generate

begin
json 0 "$pml" bench -m "$model" -p 4 -n 2 --json
members bench

begin
json 1 "$pml" verify "$source/tests/fuzz/corpus/quote/td15-v5" --offline --json # of a root that nobody trusts
for body in sgx-v3 tdx-v4; do
    json 3 "$pml" verify "$source/tests/fuzz/corpus/quote/$body" --offline --json
done
if [ ! -e /dev/tdx_guest ]; then
    "$pml" quote --report-data 00 --simulated --state "$dir/state" --out "$dir/quote" --collateral-out "$dir/bundle" 2>"$dir/err" ||
        wrong "pml quote: $(cat "$dir/err")"
    json 0 "$pml" verify "$dir/quote" --collateral "$dir/bundle" --trust-simulated "$dir/state" --json
fi
members verify

begin
json 3 "$pml" collateral show "$dir/none" --json
if [ ! -e /dev/tdx_guest ]; then
    json 0 "$pml" collateral show "$dir/bundle" --json
    json 0 "$pml" collateral check "$dir/bundle" --trust-simulated "$dir/state" --json
fi
members collateral

begin
json 3 "$pml" receipt verify "$dir/none" --report "$dir/none" --json
members receipt

begin
json 3 "$pml" replay "$dir/none" --request "$dir/none" --response "$dir/none" -m "$model" --json
members replay

begin
json 3 "$pml" chat https://127.0.0.1:1 hello --json # nothing listens there
members chat

# --- README.md and docs/ ---

{
    cat "$dir"/help.*
    source_options "$source/tools/train/main.c"
    "$source/run.sh" --help
    "$source/test.sh" --help
    echo "--help --cacert --buildtype" # the last two are those of curl and Meson
} | grep -oE -e '--[a-z][a-z-]*' | sort -u >"$dir/options"
for text in "$source/README.md" "$source"/docs/*.md; do
    grep -oE '(^|[ `(])--[a-z][a-z-]*' "$text" | tr -d ' `(' | sort -u | grep -vxFf "$dir/options" >"$dir/unknown" &&
        wrong "$text speaks of an option that no program has: $(tr '\n' ' ' <"$dir/unknown")"
    grep -oE '\]\([^):#]+\)' "$text" | sed 's/](\(.*\))/\1/' | while read -r link; do
        [ -e "$(dirname "$text")/$link" ] || echo "$link"
    done >"$dir/dead"
    [ ! -s "$dir/dead" ] || wrong "$text has dead links: $(tr '\n' ' ' <"$dir/dead")"
done

# --- form ---

if command -v mandoc >/dev/null; then
    mandoc -T lint -W warning "$man"/*.1 >&2 || wrong "mandoc -T lint"
else
    echo "skipped: no mandoc to check the form of the pages"
fi
[ "$failed" = 0 ] && echo ok
exit "$failed"
