#!/bin/bash
# Exports models of many architectures and compares maas with ONNX Runtime on them: exported.sh [NAME…].
# What it needs is large, so it has an environment of its own and is no part of test.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

tests=Tests/exported folder=.build/exported
python=$folder/venv/bin/python
if ! cmp -s $tests/requirements.txt $folder/venv/requirements.txt; then
  echo "exported: making $folder/venv"
  python3 -m venv --clear $folder/venv
  $folder/venv/bin/pip install --quiet --disable-pip-version-check -r $tests/requirements.txt
  cp $tests/requirements.txt $folder/venv/requirements.txt
fi
scripts/build.sh maas
failed=0
$python $tests/export.py $folder/models "$@" || failed=1
PYTHONPATH=bindings/python/src $python $tests/check.py $folder/models "$@" || failed=1
[ $# -gt 0 ] || PYTHONPATH=bindings/python/src $python -m pytest -q -p no:cacheprovider -W ignore $tests || failed=1
exit $failed
