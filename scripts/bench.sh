#!/bin/bash
# Measures maas beside other runtimes: bench.sh [--quick] [--only PATTERN]… (bench.sh --help tells all).
# The runtimes are large, so they have an environment of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

venv=.build/bench-venv requirements=Benchmarks/requirements.txt
if ! cmp -s $requirements $venv/requirements.txt; then
  echo "bench: making $venv" >&2
  python3 -m venv --clear $venv
  $venv/bin/pip install --quiet --disable-pip-version-check -r $requirements
  cp $requirements $venv/requirements.txt
fi
scripts/build.sh maas >&2
exec $venv/bin/python Benchmarks/bench.py "$@"
