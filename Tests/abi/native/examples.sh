# The examples, built by pkg-config and by CMake, in the prefix and after it was moved, answer what they must.
digits=$root/examples/digits
cp -r "$root/bindings/c/examples" "$here/consumer.cpp" .

answers() {
  local bin=$1 i
  "$bin/classify" "$digits/digits.onnx" "$digits/images/3.npy" | grep -Eq '^3 \([0-9]+\.[0-9] %\)$'
  "$bin/threads" "$digits/digits.onnx" "$digits"/images/[0-9].npy >found
  for i in 0 1 2 3 4 5 6 7 8 9; do echo "$digits/images/$i.npy: $i"; done | diff - found
  "$bin/loop" "$digits/digits.onnx" "$digits/images/all.npy" | diff <(seq 0 9) -
  [ "$("$bin/operator" "$work/models/custom-clip.onnx")" = "-0.5 0.5 4" ]
  "$bin/train" product.onnx | tail -1 | grep -qx learned
  [ -s product.onnx ]
  # Failures are told.
  if "$bin/classify" no-such.onnx "$digits/images/3.npy" 2>message; then return 1; fi
  grep -q 'MAAS_NOT_FOUND: no-such.onnx' message
}

build() {
  local at=$1 flags example
  mkdir -p by-pkg-config
  flags=$(PKG_CONFIG_PATH=$at/lib/pkgconfig pkg-config --cflags --libs maas)
  for example in classify threads loop operator train; do
    # shellcheck disable=SC2086
    cc -std=gnu99 "examples/$example.c" $flags -pthread "-Wl,-rpath,$at/lib" -o "by-pkg-config/$example"
  done
  # shellcheck disable=SC2086
  c++ -std=c++17 consumer.cpp $flags "-Wl,-rpath,$at/lib" -o by-pkg-config/consumer
  cmake -S examples -B by-cmake "-DCMAKE_PREFIX_PATH=$at" >cmake.log || { cat cmake.log; return 1; }
  cmake --build by-cmake >cmake.log || { cat cmake.log; return 1; }
}

for at in "$prefix" "$PWD/moved"; do
  [ -d "$at" ] || cp -a "$prefix" "$at"
  rm -rf by-pkg-config by-cmake
  build "$at"
  ldd by-cmake/classify | grep "libmaas.so.1 => $at/lib/" >/dev/null # -q would leave ldd with a broken pipe
  answers by-pkg-config
  answers by-cmake
  by-pkg-config/consumer "$digits/digits.onnx"
done

version=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --modversion maas)
[ "$version" = "$("$prefix/bin/maas-run" --version | grep -oE '[0-9.]+$')" ]
printf '%s\n' 'cmake_minimum_required(VERSION 3.13)' 'project(x C)' 'find_package(maas 99 CONFIG REQUIRED)' \
  >examples/CMakeLists.txt
if cmake -S examples -B too-old "-DCMAKE_PREFIX_PATH=$prefix" >cmake.log 2>&1; then
  echo "version 99 was found"
  exit 1
fi
