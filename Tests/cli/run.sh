#!/bin/bash
# Runs the command-line cases: run.sh BIN [case…]
#
# A case is a folder here with a run.sh. It is run by `bash -eu` in an empty folder, with the programs of BIN on PATH,
# and passes when it exits 0 and prints what the folder's file `expected`, if there is one, holds.
# It finds $ROOT (the package), $DIGITS (examples/digits), $CASE (its own folder), $PYTHON (with NumPy and ONNX) and,
# where they are present, $SHARED_MODELS. A line `skipped: why` on standard error is shown though the case passes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "$1" && pwd)
shift
export ROOT=${here%/Tests/cli}
export DIGITS=$ROOT/examples/digits
export SHARED_MODELS=${MAAS_SHARED:-$ROOT/../shared}/models
export PATH=$bin:$PATH
export PYTHON=${PYTHON:-$ROOT/.build/venv/bin/python}
[ -x "$PYTHON" ] || PYTHON=$(command -v python3)
# What reads pictures is not linked: maas-train looks for it beside itself.
[ -e "$bin/libmaas-images.so.1" ] || "$ROOT/scripts/build-images.sh" "$bin"
[ $# -gt 0 ] || set -- $(cd "$here" && ls -d ./*/run.sh | sed 's|^\./||; s|/run.sh$||')

passed=0 failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for name; do
  export CASE=$here/$name
  mkdir "$scratch/work"
  rc=0
  (cd "$scratch/work" && exec bash -eu "$CASE/run.sh") >"$scratch/out" 2>"$scratch/err" || rc=$?
  if [ $rc = 0 ] && { [ ! -f "$CASE/expected" ] || diff -u "$CASE/expected" "$scratch/out" >"$scratch/diff"; }; then
    passed=$((passed + 1))
    echo "ok   $name"
    grep '^skipped:' "$scratch/err" || true
  else
    failed=$((failed + 1))
    echo "FAIL $name (exit $rc)"
    sed 's/^/  /' "$scratch/diff" "$scratch/out" "$scratch/err" 2>/dev/null || true
  fi
  rm -rf "$scratch/work" "$scratch/diff"
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
