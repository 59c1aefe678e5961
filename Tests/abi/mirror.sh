#!/bin/bash
# Describes the binary interface that a maas.h declares: mirror.sh HEADER >abi
#
# Swift's debug information is nothing abidw reads, so it is given a C library that refers to each function of the
# header. `Tests/abi/mirror.sh include/maas.h >Tests/abi/maas.abi` renews the committed description; a change of it that
# is not an addition breaks programs.
set -euo pipefail
header=$(readlink -f "$1")
functions=$("$(dirname "$0")/functions.sh" "$header")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
cp "$header" maas.h
{
  echo '#include "maas.h"'
  for function in $functions; do echo "__typeof__(&$function) maas_abi_$function;"; done
} >mirror.c
gcc -g -gno-record-gcc-switches "-ffile-prefix-map=$scratch=." -fno-eliminate-unused-debug-types -shared -fPIC \
  -Wl,--build-id=none mirror.c -o mirror.so
abidw --no-corpus-path --no-comp-dir-path --no-show-locs --type-id-style hash mirror.so
