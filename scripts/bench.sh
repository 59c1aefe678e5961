#!/bin/bash
# Measures maas beside other runtimes: bench.sh [PROGRAM.py] [--quick] [--only PATTERN]… (--help tells all).
# PROGRAM is one of Benchmarks: bench.py (default) for models that run, train.py for training.
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
case ${1:-} in *.py) program=$1 && shift ;; *) program=bench.py ;; esac
products=(maas)
[ "$program" != train.py ] || products+=(maas-train)
scripts/build.sh "${products[@]}" >&2
exec $venv/bin/python "Benchmarks/$program" "$@"
