#!/bin/bash
# Builds libmaas-images, which libmaas loads for ImageDecoder, beside libmaas (or in the folder named).
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-.build/release}

mkdir -p "$out"
temporary=$(mktemp -d "$out/images.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
"${CC:-cc}" -std=gnu11 -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Werror -o "$temporary/lib" \
  -Wl,-soname,libmaas-images.so.1 -Wl,--no-undefined Sources/CMaasImages/*.c -ljpeg -lpng -lwebp -ltiff -lopenjp2 \
  $(pkg-config --cflags libopenjp2 libpng)
mv "$temporary/lib" "$out/libmaas-images.so.1"
