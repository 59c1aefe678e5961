#!/bin/bash
# Formats all Swift, C and C++ in place; with --check, says what it would change and fails.
set -euo pipefail
cd "$(dirname "$0")/.."

sources() { find . -type d -name '.*' ! -name . -prune -o -type f "$@" -print0; }
swift_files() { sources -name '*.swift'; }
c_files() { sources \( -name '*.h' -o -name '*.c' -o -name '*.cc' -o -name '*.cpp' \); }

if [ "${1:-}" = --check ]; then
  wrong=0
  swift_files | xargs -0 -r swift format lint --strict --parallel || wrong=1
  c_files | xargs -0 -r clang-format --dry-run -Werror || wrong=1
  exit $wrong
else
  swift_files | xargs -0 -r swift format format --in-place --parallel
  c_files | xargs -0 -r clang-format -i
fi
