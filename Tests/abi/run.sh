#!/bin/bash
# Builds the C programs here against an installed maas and runs them: run.sh PREFIX [RUNNER…]
#
# RUNNER goes before each program, e.g. qemu-aarch64 -L /usr/aarch64-linux-gnu. $CC is the compiler (default cc),
# $WORK the folder for programs and models (default .build/abi), $PYTHON makes the models (NumPy and ONNX), $TIERS are
# the kernels to run golden models with (default: those of this machine).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=${here%/Tests/abi}
prefix=$(cd "${1:?"usage: $0 PREFIX [RUNNER…]"}" && pwd)
shift
runner=("$@")
work=${WORK:-$root/.build/abi}
python=${PYTHON:-$root/.build/venv/bin/python}
shared=${MAAS_SHARED:-$root/../shared}/models
passed=0 failed=0

# count LINES: adds the "ok …" and "FAIL …" lines of a program.
count() {
  passed=$((passed + $(grep -c '^ok ' "$1" || true)))
  failed=$((failed + $(grep -c '^FAIL ' "$1" || true)))
}

fails() {
  echo "FAIL $1"
  failed=$((failed + 1))
}

build() {
  "${CC:-cc}" -std=gnu99 -g -O1 -Wall -Wextra -Werror -pedantic "-I$prefix/include" \
    "$here/programs/$1.c" "$here/programs/check.c" -o "$work/bin/$1" \
    "-L$prefix/lib" -lmaas "-Wl,-rpath,$prefix/lib" -pthread
}

# program NAME FOLDER: its checks, each a line.
program() {
  build "$1" || { fails "$1 does not compile"; return; }
  local rc=0
  "${runner[@]}" "$work/bin/$1" "$2" >"$work/$1.out" || rc=$?
  cat "$work/$1.out"
  count "$work/$1.out"
  if [ $rc != 0 ] && ! grep -q '^FAIL ' "$work/$1.out"; then fails "$1 (exit $rc)"; fi
}

golden() {
  local folders=("$work/golden") rc=0
  "$python" "$root/Tests/models/make.py" "$work/golden"
  if [ -d "$shared" ]; then folders+=("$shared"); else echo "skipped: $shared is not here"; fi
  build run-model || { fails "run-model does not compile"; return; }
  "$python" "$here/golden.py" ${TIERS:+--tiers "$TIERS"} "${runner[*]} $work/bin/run-model" "${folders[@]}" \
    >"$work/golden.out" || rc=$?
  sed 's/passed/held/; s/ failed/ did not/' "$work/golden.out"
  passed=$((passed + $(sed -n 's/^\([0-9]*\) passed.*/\1/p' "$work/golden.out")))
  failed=$((failed + $(grep -c '^FAIL ' "$work/golden.out" || true)))
  if [ $rc != 0 ] && ! grep -q '^FAIL ' "$work/golden.out"; then fails "golden models (exit $rc)"; fi
}

# Every function of the header is called by a program.
all_functions_called() {
  local missing
  missing=$(comm -23 <("$here/functions.sh" "$prefix/include/maas.h") \
    <(cat "$here"/programs/*.c | grep -oE '\bmaas_[a-z0-9_]+\(' | tr -d '(' | sort -u))
  if [ -z "$missing" ]; then echo "ok every function is called"; passed=$((passed + 1)); else
    fails "functions that no program calls: ${missing//$'\n'/ }"
  fi
}

mkdir -p "$work/bin"
"$python" "$here/make.py" "$work/models"
"$python" "$root/Tests/bad-input/make.py" "$work/bad-input"
all_functions_called
for name in basics options models tensors values sessions compiled quantize train train-errors bindings memory \
  threads operators operator-errors allocations; do
  program "$name" "$work/models"
done
program bad-input "$work/bad-input"
golden
[ $# -gt 0 ] || "$work/bin/allocations" "$work/models" --bench | grep ns || true
echo "$passed passed, $failed failed"
[ $failed = 0 ]
