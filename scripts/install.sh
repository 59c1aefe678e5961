#!/bin/bash
# Installs the release build: install.sh [--library FILE] [PREFIX], default /usr/local. DESTDIR is put before PREFIX.
#
#   bin/maas-run, bin/maas-model, bin/maas-train     (not with --library)
#   lib/libmaas.so.VERSION, libmaas.so.1, libmaas.so  (from FILE instead, e.g. the Embedded build)
#   lib/libmaas-images.so.1                           if scripts/build-images.sh has made it
#   lib/pkgconfig/maas.pc, lib/cmake/maas/            find their prefix by themselves: it may be moved
#   include/maas.h, include/maas/module.modulemap     the latter for Swift's `import CMaas`
#   share/doc/maas/
#
# All files are made before the first one is put in place, each by a rename: programs that run keep what they have.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

library=$release/libmaas.so
programs="maas-run maas-model maas-train"
usage() { echo "usage: install.sh [--library FILE] [PREFIX]" >&2; exit 2; }
if [ "${1:-}" = --library ]; then
  library=${2:-} programs=
  shift $(($# < 2 ? $# : 2))
fi
prefix=${1:-/usr/local}
[ $# -le 1 ] && [ -n "$library" ] && [[ $prefix != -* ]] || usage
[ "${prefix#/}" != "$prefix" ] || prefix=$PWD/$prefix
root=${DESTDIR:-}$prefix

version=$(sed -n 's/^#define MAAS_VERSION "\(.*\)"/\1/p' include/maas.h)
soname=libmaas.so.$(sed -n 's/^#define MAAS_ABI_MAJOR //p' include/maas.h)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

# stripped FILE TARGET MODE: only what FILE needs at run time. Its machine need not be this one.
stripped() {
  local strip=strip
  [ -f "$1" ] || { echo "install: there is no $1; run scripts/build.sh" >&2; exit 1; }
  case $(readelf -h "$1" | sed -n 's/^ *Machine: *//p') in
  AArch64) [ "$(uname -m)" = aarch64 ] || strip=aarch64-linux-gnu-strip ;;
  esac
  "$strip" --strip-unneeded -o "$2" "$1"
  chmod "$3" "$2"
}

filled() { sed "s/@VERSION@/$version/; s/@SONAME@/$soname/" "bindings/c/$1.in"; }

mkdir -p "$stage"/{bin,include/maas,lib/pkgconfig,lib/cmake/maas,share/doc/maas/examples}
for program in $programs; do stripped "$release/$program" "$stage/bin/$program" 755; done
stripped "$library" "$stage/lib/libmaas.so.$version" 644
[ ! -e "$release/libmaas-images.so.1" ] || stripped "$release/libmaas-images.so.1" "$stage/lib/libmaas-images.so.1" 644
cp include/maas.h "$stage/include/"
sed 's|"maas.h"|"../maas.h"|' include/module.modulemap >"$stage/include/maas/module.modulemap"
filled maas.pc >"$stage/lib/pkgconfig/maas.pc"
for file in maas-config.cmake maas-config-version.cmake; do filled $file >"$stage/lib/cmake/maas/$file"; done
cp LICENSE CHANGELOG.md bindings/c/README.md "$stage/share/doc/maas/"
cp bindings/c/examples/* "$stage/share/doc/maas/examples/"

# put NAME: moves the file into place.
put() {
  mkdir -p "$root/$(dirname "$1")"
  cp "$stage/$1" "$root/$1.new"
  mv -f "$root/$1.new" "$root/$1"
}

# link TARGET NAME in lib/; a symbolic link is replaced at once, too.
link() {
  ln -sfn "$1" "$root/lib/$2.new"
  mv -fT "$root/lib/$2.new" "$root/lib/$2"
}

while read -r file; do put "$file"; done < <(cd "$stage" && find . -type f | sed 's|^\./||' | sort)
link "libmaas.so.$version" "$soname"
link "$soname" libmaas.so
# The loader finds a library in its standard folders only after this.
case ${DESTDIR:-}:$prefix in :/usr | :/usr/local) [ "$(id -u)" != 0 ] || ldconfig ;; esac
echo "maas $version is in $root"
