#!/bin/bash
# Builds release products (all of them, or those named) with the Swift runtime linked in.
# The one place with these flags: other flags would build everything a second time.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- maas maas-run maas-model maas-train
case " $* " in
*" maas "*) export MAAS_SWIFT_CORE=$PWD/.build/swift/libswiftCore.a && scripts/slim-swift.py "$MAAS_SWIFT_CORE" ;;
esac
for product; do
  swift build -c release --static-swift-stdlib --product "$product"
done
