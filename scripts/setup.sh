#!/bin/bash
# Gets ready to build: setup.sh run | test
#
# `run` needs the Swift toolchain and what the command line links; `test` adds what the tests compile, compare
# and check with, and a Python environment in .build/venv. Does nothing, quickly, when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

run_packages="g++ git zlib1g-dev"
test_packages="$run_packages binutils clang-format cmake gcc libonnx-dev libprotobuf-dev libpython3-dev pkg-config
  python3-venv libjpeg62-turbo-dev libopenjp2-7-dev libpng-dev libtiff-dev libwebp-dev
  valgrind abigail-tools universal-ctags gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user openmpi-bin procps"
requirements=Tests/requirements.txt
venv=.build/venv

fail() { echo "setup: $*" >&2; exit 1; }

need_swift() {
  local version page=https://www.swift.org/install/linux/
  command -v swift >/dev/null || fail "swift is not on PATH; install Swift 6.3 or newer: $page"
  version=$(swift --version 2>&1 | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -1)
  [ "$(printf '%s\n' 6.3 "$version" | sort -V | head -1)" = 6.3 ] \
    || fail "Swift 6.3 or newer is needed, $(command -v swift) is ${version:-unknown}: $page"
}

need_packages() {
  if ! command -v dpkg-query >/dev/null; then
    echo "setup: not a Debian system; these Debian packages (or their like) must be there: $*" >&2
    return
  fi
  local present missing
  present=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' || true)
  missing=$(comm -23 <(printf '%s\n' "$@" | sort -u) <(sort -u <<<"$present") | paste -sd' ')
  [ -z "$missing" ] && return
  if [ "$(id -u)" != 0 ]; then
    fail "not root; run this, then try again:
  sudo apt-get update && sudo apt-get install -y --no-install-recommends $missing"
  fi
  echo "setup: installing $missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# The first Python that can make an environment: the one on PATH, else Debian's.
find_python() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
  fail "Python 3.11 or newer with its venv module is needed"
}

need_venv() {
  cmp -s "$requirements" "$venv/requirements.txt" && return
  echo "setup: making $venv"
  local python
  python=$(find_python)
  rm -rf "$venv"
  mkdir -p .build
  "$python" -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
  cp "$requirements" "$venv/requirements.txt"
}

need_swift
case "${1:-}" in
  # shellcheck disable=SC2086
  run) need_packages $run_packages ;;
  # shellcheck disable=SC2086
  test) need_packages $test_packages; need_venv ;;
  *) fail "usage: setup.sh run|test" ;;
esac
