#!/bin/bash
# Looks for inputs that crash maas, hang it, or take more memory than they may: fuzz.sh [seconds [fuzzer…]]
#
# Each fuzzer of Tests/Fuzz (fuzz-model, fuzz-wire, fuzz-npy) runs for that long (default 60), under AddressSanitizer;
# C also under UBSan. Corpora grow in .build/fuzz/corpus; what fails is kept in .build/fuzz/found.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

seconds=${1:-60}
shift || true
[ $# -gt 0 ] || set -- fuzz-model fuzz-wire fuzz-npy
scratch=.build/fuzz corpora=.build/fuzz/corpus found=.build/fuzz/found
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

seeds_of() {
  case $1 in
  fuzz-model | fuzz-wire)
    $python Tests/Fuzz/hostile.py 3000 --write "$2"
    $python Tests/Fuzz/hostile.py 500 --compiled --write "$2"
    cp examples/digits/digits.onnx "$2"
    $python Tests/models/make.py .build/models/made >/dev/null
    find .build/models/made -name '*.onnx' -size -64k -exec cp {} "$2" \;
    ;;
  fuzz-npy) cp Tests/MaasNumPyTests/Fixtures/*.npz examples/digits/images/*.npy "$2" ;;
  *) echo "fuzz: there is no fuzzer $1" >&2 && exit 2 ;;
  esac
}

mkdir -p "$found"
failed=0
for fuzzer; do
  mkdir -p "$corpora/$fuzzer"
  seeds_of "$fuzzer" "$corpora/$fuzzer"
  # libFuzzer's parts come with lld only; the wire reader is internal.
  MAAS_FUZZ=1 swift build -c release --scratch-path $scratch -Xswiftc -use-ld=lld -Xswiftc -enable-testing \
    --product "$fuzzer"
  echo "$fuzzer: $seconds seconds"
  "$scratch/release/$fuzzer" "$corpora/$fuzzer" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2500 \
    -malloc_limit_mb=1500 -max_len=65536 -artifact_prefix="$found/$fuzzer-" -print_final_stats=1 2>&1 |
    grep -vE '^#[0-9]+.*(REDUCE|NEW|pulse|RELOAD)' || failed=$((failed + 1))
done
[ $failed = 0 ] || { echo "fuzz: $failed fuzzers found something; see $found" >&2; exit 1; }
