#!/bin/bash
# Builds libmaas as Embedded Swift: scripts/build-embedded.sh x86_64|aarch64 [PREFIX]
# The library goes to .build-embedded/<machine>/libmaas.so.1 (<machine>-all for all operators); with PREFIX it is
# installed there as well. $MAAS_OPERATORS: "core" (default), the operators of common networks in under 2 MB, or "all".
# aarch64 is cross-compiled (Debian's gcc-aarch64-linux-gnu) and runs under qemu-aarch64. See docs/embedded.md.
set -euo pipefail
cd "$(dirname "$0")/.."

machine=${1:?"usage: $0 x86_64|aarch64 [PREFIX]"}
prefix=${2:-}
swift_usr=$(dirname "$(dirname "$(readlink -f "$(command -v swiftc)")")")
c_targets="CMaasSystem CMaasKernels CMaasABI CMaasEmbedded"
operators=${MAAS_OPERATORS:-core}
out=.build-embedded/$machine define=(-DMAAS_CORE)
[ "$operators" = core ] || out+=-$operators define=()
# What "core" leaves out, below Sources/MaasOps.
left_out="Attention Contrib Images ML Quantization Selection Signals Text Training
  Elementwise/Bitwise Elementwise/BitCast Elementwise/SwiGLU
  Movement/BlockReorder Movement/CenterCropPad Movement/ReverseSequence
  Movement/Scatter Movement/TensorScatter Neural/LRN Neural/Loss Neural/LpNormalization
  Products/Det Products/Einsum Products/Equation QLinear Random/RandomTensor Random/Sampling
  Reduction/Cumulative Sequences/SequenceMap Sequences/SplitToSequence Windows/Col2Im
  Windows/ConvTranspose Windows/DeformConv Windows/Fold Windows/MaxUnpool"
# And rules of the optimizer: their operators are among those.
left_out_rules="FuseAttention FuseRotary KeepBytes PackWeights QuantizeProducts FinishQuantizedProducts TabulateBytes"
swift_targets="MaasCore MaasGraph MaasOps MaasONNX MaasOptimizer MaasRuntime Maas MaasABI"

# The toolchain has no Swift for aarch64 Linux, but an Embedded standard library for bare aarch64, whose objects
# the GNU linker takes.
case $machine in
  x86_64) triple=x86_64-unknown-linux-gnu c_flags=() ;;
  aarch64)
    triple=aarch64-none-none-elf
    c_flags=(--target=aarch64-linux-gnu --gcc-toolchain=/usr -isystem /usr/aarch64-linux-gnu/include)
    ;;
  *) echo "$0: no such machine: $machine (x86_64, aarch64)" >&2 && exit 2 ;;
esac

# older OBJECT PATH…: whether OBJECT is missing or older than this script or a file of the paths.
older() { [ ! -e "$1" ] || [ -n "$(find scripts/build-embedded.sh "${@:2}" -type f -newer "$1" -print -quit)" ]; }

compile_c() {
  local source target object headers speed
  headers=$(find Sources/C* include -name '*.h')
  while read -r source; do
    target=$(echo "$source" | cut -d / -f 2)
    object=$out/c/$(echo "${source#Sources/}" | tr / -).o
    objects+=("$object")
    # shellcheck disable=SC2086
    older "$object" "$source" $headers || continue
    # Portable rows are what CPUs without AVX2 or NEON run: small comes before fast. The rest waits for memory sooner
    # than products do.
    case $source in */scalar.c) speed=-Oz ;; */gemm/* | */conv/*) speed=-O3 ;; *) speed=-O2 ;; esac
    "$swift_usr/bin/clang" "${c_flags[@]}" "${define[@]}" -D_GNU_SOURCE -std=gnu11 "$speed" -fPIC -fvisibility=hidden \
      -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-math-errno -Wall -Wextra -Werror \
      -ISources/CMaasSystem/include "-ISources/$target/include" "-ISources/$target" -c "$source" -o "$object"
  done < <(for target in $c_targets; do find "Sources/$target" -name '*.c' | sort; done)
  for object in "$out"/c/*.o; do
    [[ " ${objects[*]} " == *" $object "* ]] || rm "$object" # Its source is gone.
  done
}

# All Swift becomes one module. Embedded Swift compiles a function again in every module that uses it, and this
# compiler numbers the constant arrays of a function anew each time: with several modules the linker may join one
# copy's code with another copy's arrays. So the sources are copied without the imports and names of our modules.
gather_swift() {
  local target source copy modules
  modules="($(echo "$swift_targets" | tr ' ' '|'))"
  rm -rf "$out/swift"
  mkdir -p "$out/swift"
  for target in $swift_targets; do
    while read -r source; do
      copy=$out/swift/$(echo "${source#Sources/}" | tr / -)
      sed -E -e "s/^( *)(public )?import $modules\$/\1import CMaasSystem/" \
        -e '/^public typealias ([A-Za-z]+) = MaasCore\.\1$/d' -e "s/\b$modules\./Maas./g" "$source" >"$copy"
    done < <(find "Sources/$target" -name '*.swift' | sort)
  done
  if [ "$operators" = core ]; then leave_out; fi
}

# Takes files out of the copies, and the rows of the classes in them out of the copied table of operators.
leave_out() {
  local part files class rule
  for part in $left_out; do
    files=("$out/swift/MaasOps-${part//\//-}"*.swift)
    for class in $(sed -nE 's/^(package )?(final class|enum) ([A-Za-z0-9]+).*/\3/p' "${files[@]}"); do
      sed -i -E "/Registration\(.*\b$class\./d" "$out/swift/MaasONNX-Registration+Table.swift"
    done
    rm "${files[@]}"
  done
  leave_out_training
  for rule in $left_out_rules; do
    rm "$out/swift/MaasOptimizer-$rule.swift"
    sed -i "/^  ${rule,},$/d" "$out/swift/MaasOptimizer-Pipeline.swift"
  done
}

# Gradients are methods in files of their own, which a protocol's extension stands in for, and one operator of ONNX.
leave_out_training() {
  rm -f "$out/swift/MaasOps-Gradients-"*.swift "$out/swift/MaasOps-"*Gradient.swift \
    "$out/swift/MaasONNX-Import-GradientImport.swift"
  sed -i -e '/if type == "Gradient"/,/^    }/d' -e '/ Puts the nodes that compute the derivatives/,/^  }/d' \
    "$out/swift/MaasONNX-Import-GraphImporter.swift"
}

compile_swift() {
  local target sources=() modules=(-Xcc -fmodule-map-file=include/module.modulemap)
  for target in $swift_targets; do sources+=("Sources/$target"); done
  older "$out/maas.o" "${sources[@]}" Sources/C*/include include || return 0
  for target in CMaasSystem CMaasKernels CMaasABI; do
    printf 'module %s { umbrella "%s" export * }\n' "$target" "$PWD/Sources/$target/include" >"$out/$target.modulemap"
    modules+=(-Xcc "-fmodule-map-file=$out/$target.modulemap")
  done
  gather_swift
  swiftc -target "$triple" -enable-experimental-feature Embedded -wmo -parse-as-library -Osize -swift-version 6 \
    -Xfrontend -function-sections -warnings-as-errors -package-name maas -module-name Maas -Xcc -fPIC \
    -Xcc -ISources/CMaasSystem/include "${modules[@]}" -c "$out"/swift/*.swift -o "$out/maas.o"
}

mkdir -p "$out/c"
compile_c
compile_swift
# The toolchain's linker folds equal code; Debian's is the one for aarch64.
fold=()
if [ "$machine" = x86_64 ]; then
  fold=("-B$swift_usr/bin" -fuse-ld=lld -Wl,--icf=all -Wl,-z,pack-relative-relocs)
fi
"$machine-linux-gnu-gcc" -shared "${fold[@]}" -Wl,-soname=libmaas.so.1 -Wl,-z,nodelete -Wl,--no-undefined \
  -Wl,--gc-sections -Wl,--version-script=Sources/MaasABI/maas.map "$out/maas.o" "${objects[@]}" \
  "$swift_usr/lib/swift/embedded/$triple/libswiftUnicodeDataTables.a" -lm -o "$out/libmaas.so.1"
if [ -n "$prefix" ]; then scripts/install.sh --library "$out/libmaas.so.1" "$prefix"; fi
