#!/bin/bash
# Installs what tests need, builds with ASan and UBSan in build-asan, runs every test. The last line is "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")"

usage() {
    cat <<'END'
usage: ./test.sh [OPTIONS]

  --quick          unit tests only
  --full           also the long rounds (more kills under load, full sweeps)
  --fuzz SECONDS   run every fuzz target that long instead of the tests
  --help           this text

Outside vectors are read from ../shared/vectors, or $PML_VECTORS; tests that miss them are skipped and say so.
END
}

quick=no
full=no
fuzz=
while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=yes ;;
    --full) full=yes ;;
    --fuzz)
        [[ ${2-} =~ ^[1-9][0-9]*$ ]] || { echo "test.sh: --fuzz needs a number of seconds" >&2; exit 2; }
        fuzz=$2
        shift
        ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
    shift
done

passed=0
failed=0
results=$(mktemp)
trap 'rm -f "$results"' EXIT
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
}

if [ -n "$fuzz" ]; then
    tools/packages.sh build test fuzz
    [ -e build-fuzz/build.ninja ] ||
        CC=clang meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
    targets=(tests/fuzz/*_fuzz.c)
    ninja -C build-fuzz "${targets[@]%.c}"
    for target in "${targets[@]%.c}"; do
        name=$(basename "$target" _fuzz)
        corpus=build-fuzz/corpus/$name # what is found is kept from run to run, and kept out of the sources
        mkdir -p "$corpus"
        if "build-fuzz/$target" -max_total_time="$fuzz" -print_final_stats=1 -artifact_prefix="build-fuzz/$name-" "$corpus" \
            "tests/fuzz/corpus/$name" >"build-fuzz/$name.log" 2>&1; then
            passed=$((passed + 1))
            echo "ok - fuzz $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "build-fuzz/$name.log") inputs"
        else
            failed=$((failed + 1))
            tail -n 40 "build-fuzz/$name.log"
            echo "not ok - fuzz $name"
        fi
    done
    finish
fi

tools/packages.sh build run test
[ -e build-asan/build.ninja ] ||
    meson setup build-asan -Doptimization=1 -Ddebug=true -Db_sanitize=address,undefined -Db_lundef=false
if [ -n "${PML_VECTORS-}" ]; then
    meson configure build-asan -Dvectors="$(realpath "$PML_VECTORS")"
fi
ninja -C build-asan

suites=()
[ "$quick" = no ] || suites=(--suite unit --suite layers --suite fuzz)
meson test -C build-asan --print-errorlogs "${suites[@]}" | tee "$results" || true
summary() { # of the lines that end the output of `meson test`
    sed -n "s/^$1: *\\([0-9][0-9]*\\) *$/\\1/p" "$results"
}
[ -n "$(summary Ok)" ] || { echo "test.sh: meson test did not finish" >&2; exit 3; }
for line in "Ok" "Expected Fail"; do
    passed=$((passed + $(summary "$line")))
done
for line in "Fail" "Unexpected Pass" "Timeout"; do
    failed=$((failed + $(summary "$line")))
done

if [ "$quick" = no ]; then
    [ "$full" = no ] || export PML_FULL=1
    tests/e2e/run.sh build-asan 2>&1 | tee "$results"
    passed=$((passed + $(grep -c "^ok " "$results" || true)))
    failed=$((failed + $(grep -c "^not ok " "$results" || true)))
    grep "^not ok " "$results" || true
fi
finish
