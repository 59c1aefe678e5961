#!/bin/bash
# What is checked of an installed maas on the machine it is for: native.sh PREFIX
#
# Header, exports and needs of the library, the binary interface against its mirror, memory under valgrind, the
# examples by way of pkg-config and CMake, and a program that embeds Python beside maas.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=${here%/Tests/abi}
prefix=$(cd "${1:?"usage: $0 PREFIX"}" && pwd)
work=${WORK:-$root/.build/abi}
export here root prefix work
export PYTHON=${PYTHON:-$root/.build/venv/bin/python}
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
passed=0 failed=0

mkdir -p "$work"
[ -d "$work/models" ] || "$PYTHON" "$here/make.py" "$work/models"
for check in "$here"/native/*.sh; do
  name=$(basename "$check" .sh)
  scratch=$(mktemp -d)
  rc=0
  (cd "$scratch" && exec bash -euo pipefail "$check") >"$work/$name.out" 2>&1 || rc=$?
  rm -rf "$scratch"
  if [ $rc = 0 ]; then echo "ok $name"; else echo "FAIL $name (exit $rc)"; fi
  sed '/^skipped:/! s/^/   /' "$work/$name.out"
  passed=$((passed + (rc == 0))) failed=$((failed + (rc != 0)))
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
