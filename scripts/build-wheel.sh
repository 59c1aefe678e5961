#!/bin/bash
# Makes the Python wheel from the release build of libmaas: build-wheel.sh [FOLDER], default dist.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

folder=${1:-dist}
library=$release/libmaas.so
python=${PYTHON:-.build/venv/bin/python}

[ -e "$library" ] || { echo "build-wheel: there is no $library; run scripts/build.sh maas" >&2; exit 1; }
mkdir -p .build/wheel
strip --strip-unneeded -o .build/wheel/libmaas.so.1 "$library"
"$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
  --wheel-dir "$folder" bindings/python
du -b "$folder"/maas-*.whl .build/wheel/libmaas.so.1
