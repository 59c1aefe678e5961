#!/bin/bash
# Builds the Embedded libmaas of each machine named (default: both, side by side), and checks the library, its kernel
# rows and the C programs of Tests/abi: run.sh [x86_64|aarch64]…
# aarch64 runs under qemu, without SVE: no kernel has it, but glibc's memcpy and memset do, slowly. $PYTHON is a Python
# with NumPy and ONNX (default .build/venv/bin/python).
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-.build/venv/bin/python}
export MAAS_OPERATORS=${MAAS_OPERATORS:-core}
qemu=(qemu-aarch64 -L /usr/aarch64-linux-gnu)
largest=2000000 # bytes
newest_glibc=2.36

# glibc FILE: the newest version that it asks for. Packed relocations, which have a name instead of a number, are of
# 2.36.
glibc() {
  readelf -VW "$1" | sed 's/GLIBC_ABI_DT_RELR/GLIBC_2.36/' | grep -oE 'GLIBC_[0-9.]+' | cut -d _ -f 2 \
    | sort -V | tail -1
}

# library FILE: what the file itself tells. Prints a line for each thing wrong.
library_faults() {
  local needed exported declared signals glibc
  needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' \
    | grep -vE '^(libc\.so\.6|libm\.so\.6|ld-linux-.*)$' || true)
  [ -z "$needed" ] || echo "needs more than libc and libm:" $needed
  readelf -d "$1" | grep 'SONAME.*\[libmaas\.so\.1\]' >/dev/null || echo "has not the soname libmaas.so.1"
  exported=$(nm -D --defined-only "$1" | sed -n 's/.* [A-Z] \(.*@@MAAS_1\)$/\1/p; s/.* [TDBRVW] \([^@]*\)$/\1/p' | sort)
  declared=$(Tests/abi/functions.sh include/maas.h | sed 's/$/@@MAAS_1/' | sort)
  diff <(echo "$declared") <(echo "$exported") >/dev/null \
    || echo "exports other names than maas.h, or of another version"
  [ "$(stat -L -c %s "$1")" -lt $largest ] || echo "has $(stat -L -c %s "$1") bytes, $largest are allowed"
  glibc=$(glibc "$1")
  [ "$(printf '%s\n' "$glibc" $newest_glibc | sort -V | tail -1)" = $newest_glibc ] || echo "needs glibc $glibc"
  readelf -lW "$1" | grep 'GNU_STACK.* RW ' >/dev/null || echo "has an executable stack"
  ! readelf -d "$1" | grep TEXTREL >/dev/null || echo "has text relocations"
  signals=$(nm -D -u "$1" | grep -oE '\b(rt_|bsd_|sysv_)?(sigaction|signal|sigset)\b' || true)
  [ -z "$signals" ] || echo "installs signal handlers:" $signals
}

check_library() {
  local faults
  faults=$(library_faults "$1")
  echo "$1: $(stat -L -c %s "$1") bytes, glibc $(glibc "$1")"
  if [ -z "$faults" ]; then echo "library: 8 passed, 0 failed"; return; fi
  echo "$faults" | sed 's/^/FAIL the library /'
  echo "library: $((8 - $(echo "$faults" | wc -l))) passed, $(echo "$faults" | wc -l) failed"
  return 1
}

# kernel_rows CC WORK RUNNER…: of all tables, also those that the library does not list for want of their operators; but
# without what the core's kernels lack.
kernel_rows() {
  local objects
  mapfile -t objects < <(find "$2/c" -name 'CMaasKernels-*.o' ! -name CMaasKernels-tables.c.o)
  "$1" -std=gnu11 -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -DROWS_OF_CORE -ISources/CMaasKernels/include \
    -ISources/CMaasSystem/include Tests/kernel-rows/*.c Sources/CMaasKernels/tables.c "${objects[@]}" -lm \
    -o "$2/kernel-rows" || return 1
  "${@:3}" "$2/kernel-rows"
}

# machine NAME: everything about one; goes on after a failure, to tell of all. Kernel rows, half of the time, run beside
# the rest.
machine() {
  local work=.build-embedded/$1 cc=$1-linux-gnu-gcc runner=() rc=0 cpu rows
  scripts/build-embedded.sh "$1" "$work/prefix"
  [ "$1" = "$(uname -m)" ] || runner=("${qemu[@]}" -cpu max,sve=off)
  check_library "$work/prefix/lib/libmaas.so.1" || rc=1
  kernel_rows "$cc" "$work" "${runner[@]}" >"$work/kernel-rows.log" 2>&1 &
  rows=$!
  CC=$cc WORK=$PWD/$work/abi PYTHON=$python TIERS=$2 Tests/abi/run.sh "$work/prefix" "${runner[@]}" || rc=1
  for cpu in ${3:-}; do
    echo "CPU $cpu"
    $python Tests/abi/golden.py --tiers neon "${qemu[*]} -cpu $cpu $work/abi/bin/run-model" "$work/abi/golden" || rc=1
  done
  wait $rows || rc=1
  cat "$work/kernel-rows.log"
  return $rc
}

x86_64() { machine x86_64 "${TIERS:-}"; }
aarch64() { MAAS_ABI_EMULATED=1 machine aarch64 scalar,neon "cortex-a57 neoverse-n1"; }

[ $# -gt 0 ] || set -- x86_64 aarch64
mkdir -p .build-embedded
jobs=() rc=0
for name; do
  (set -e; "$name") >".build-embedded/$name.log" 2>&1 &
  jobs+=($!)
done
for job in "${jobs[@]}"; do wait "$job" || rc=1; done
for name; do sed "s/^/$name: /" ".build-embedded/$name.log"; done
exit $rc
