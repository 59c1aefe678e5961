#!/bin/bash
# Builds libmaas as Embedded Swift: scripts/build-embedded.sh x86_64|aarch64 [PREFIX]
# The library goes to .build-embedded/<machine>/libmaas.so.1; with PREFIX it is installed there as well.
# aarch64 is cross-compiled (Debian's gcc-aarch64-linux-gnu) and can be run with qemu-aarch64; see docs/embedded.md.
set -euo pipefail
cd "$(dirname "$0")/.."

machine=${1:?"usage: $0 x86_64|aarch64 [PREFIX]"}
prefix=${2:-}
swift_usr=$(dirname "$(dirname "$(readlink -f "$(command -v swiftc)")")")
out=.build-embedded/$machine
mkdir -p "$out"

build_x86_64() {
  export MAAS_EMBEDDED=1 MAAS_SWIFT_EMBEDDED_LIB="$swift_usr/lib/swift/embedded/x86_64-unknown-linux-gnu"
  swift build -j "${JOBS:-2}" -c release --scratch-path .build-embedded/package --product maas
  cp "$(swift build -c release --scratch-path .build-embedded/package --show-bin-path)/libmaas.so" "$out/libmaas.so.1"
}

# The toolchain has no Swift for aarch64 Linux, but an Embedded standard library for bare aarch64, whose objects
# the GNU linker takes. Targets in the layer order of Package.swift.
c_targets="CMaasSystem CMaasKernels CMaasABI"
swift_targets="MaasCore MaasGraph MaasOps MaasONNX MaasOptimizer MaasRuntime Maas MaasABI"

compile_c() {
  local target=$1 source object
  printf 'module %s { umbrella "%s" export * }\n' "$target" "$PWD/Sources/$target/include" \
    >"$out/$target.modulemap"
  while read -r source; do
    object=$out/$target/$(echo "${source#"Sources/$target/"}" | tr / _).o
    mkdir -p "$out/$target"
    if [ "$object" -nt "$source" ] && [ -z "$(find Sources/$target include -name '*.h' -newer "$object")" ]; then
      continue
    fi
    "$swift_usr/bin/clang" --target=aarch64-linux-gnu --gcc-toolchain=/usr -isystem /usr/aarch64-linux-gnu/include \
      -D_GNU_SOURCE -std=gnu11 -O3 -fPIC -fvisibility=hidden -fno-math-errno -Wall -Wextra -Werror \
      -ISources/CMaasSystem/include -I"Sources/$target/include" -I"Sources/$target" -c "$source" -o "$object"
  done < <(find "Sources/$target" -name '*.c' | sort)
}

compile_swift() {
  local target=$1 map maps=()
  for map in "$out"/*.modulemap include/module.modulemap; do maps+=(-Xcc "-fmodule-map-file=$map"); done
  find "Sources/$target" -name '*.swift' | sort >"$out/$target.sources"
  "$swift_usr/bin/swiftc" -target aarch64-none-none-elf -enable-experimental-feature Embedded -wmo \
    -parse-as-library -O -swift-version 6 -warnings-as-errors -package-name maas -module-name "$target" \
    -Xcc -fPIC "${maps[@]}" -I "$out" -emit-module -emit-module-path "$out/$target.swiftmodule" \
    -c "@$out/$target.sources" -o "$out/$target.o"
}

build_aarch64() {
  local target
  for target in $c_targets; do compile_c "$target"; done
  for target in $swift_targets; do compile_swift "$target"; done
  aarch64-linux-gnu-gcc -shared -Wl,-soname=libmaas.so.1 -Wl,-z,nodelete -Wl,--no-undefined -Wl,--gc-sections \
    -Wl,--version-script=Sources/MaasABI/maas.map "$out"/*.o "$out"/*/*.o \
    "$swift_usr/lib/swift/embedded/aarch64-none-none-elf/libswiftUnicodeDataTables.a" \
    -lm -o "$out/libmaas.so.1"
}

case $machine in
x86_64 | aarch64) "build_$machine" ;;
*) echo "$0: no such machine: $machine (x86_64, aarch64)" >&2 && exit 2 ;;
esac
ls -l "$out/libmaas.so.1"
if [ -n "$prefix" ]; then scripts/install.sh --library "$out/libmaas.so.1" "$prefix"; fi
