#!/bin/bash
# Runs every test, or only the stages named: test.sh [stage…]. The full output of a stage is in .build/test/<stage>.log.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

logs=.build/test
passed=0 failed=0

stage_format() { scripts/format.sh --check; }
# The operator cases are made anew when what makes them changed.
make_cases() {
  local folder=Tests/MaasOpsTests cases=Tests/MaasOpsTests/Fixtures/cases.jsonl
  local makers=($folder/Cases/*.py Sources/MaasONNX/Registration+Table.swift)
  [ -e $cases ] && [ -z "$(find "${makers[@]}" -newer $cases -print -quit)" ] || $python $folder/Cases/make-cases.py
}

stage_swift() { make_cases && MAAS_CPUS=5 swift test --quiet --explicit-target-dependency-import-check error; }
stage_build() { scripts/build.sh && scripts/build-images.sh $release; }
stage_cli() { Tests/cli/run.sh $release; }

stage_models() {
  local made=.build/models/made shared=${MAAS_SHARED:-../shared}/models
  $python Tests/models/make.py $made
  if [ -d "$shared" ]; then
    $python Tests/models/golden.py $release/maas-run $made "$shared"
    $python Tests/models/arena.py $release/maas-model $made "$shared"
  else
    echo "skipped: $shared is not here (MAAS_SHARED says where the shared models are)"
    $python Tests/models/golden.py $release/maas-run $made
    $python Tests/models/arena.py $release/maas-model $made
  fi
  $python Tests/models/quantized.py
}

stage_bad-input() {
  local folder=.build/bad-input
  $python Tests/bad-input/make.py $folder
  $python Tests/bad-input/maas_run.py $release/maas-run $folder
}

stage_embedded() { Tests/embedded/run.sh; }
stage_python() {
  $python -m pytest -q -p no:cacheprovider bindings/python && $python -m pytest -q -p no:cacheprovider Benchmarks/tests
}
stage_hostile() { make_cases && $python Tests/Fuzz/hostile.py 6000 && $python Tests/Fuzz/hostile.py 3000 --compiled; }

stage_abi() {
  rm -rf .build/prefix
  scripts/build.sh
  scripts/install.sh .build/prefix
  Tests/abi/run.sh .build/prefix && Tests/abi/native.sh .build/prefix
}

stage_conformance() {
  make_cases && PYTHONPATH=bindings/python/src $python -m pytest -q -p no:cacheprovider -W ignore \
    Tests/Conformance Tests/contrib Tests/quantizer
}

# Prints "passed failed": the cases a stage's log tells of (Swift Testing, pytest, "N passed, N failed"), else itself as
# one.
tally() {
  awk -v rc="$2" '
    /Test run with [0-9]+ tests?/ { match($0, /with [0-9]+/); cases += substr($0, RSTART + 5, RLENGTH - 5) }
    /^✘ Test .* failed after/ && !/Test run/ { bad++ }
    /[0-9]+ passed|[0-9]+ failed/ && !/Test run/ {
      if (match($0, /[0-9]+ passed/)) cases += substr($0, RSTART, RLENGTH - 7)
      if (match($0, /[0-9]+ failed/)) { n = substr($0, RSTART, RLENGTH - 7); bad += n; cases += n }
    }
    END { if (!cases) cases = 1; if (rc && !bad) { bad = 1 } print cases - bad, bad + 0 }' "$1"
}

# run_stage NAME: leaves its exit code and seconds in .result.
run_stage() {
  local start=$SECONDS rc
  set +e # inside a tested command (`if`, `||`), set -e would not hold
  (set -e; "stage_$1") >"$logs/$1.log" 2>&1
  rc=$?
  set -e
  echo $rc $((SECONDS - start)) >"$logs/$1.result"
}

# tell NAME: counts and prints what the stage did.
tell() {
  local name=$1 log=$logs/$1.log rc seconds good bad
  read -r rc seconds <"$logs/$name.result"
  read -r good bad < <(tally "$log" "$rc")
  passed=$((passed + good)) failed=$((failed + bad))
  if [ "$rc" = 0 ]; then
    printf 'ok    %-11s %4d passed  %4d s\n' "$name" "$good" "$seconds"
    grep -E '^(skipped:|SKIPPED|[0-9]+ passed.* in )' "$log" | sort -u | sed 's/^/      /' || true
  else
    printf 'FAIL  %-11s %4d passed, %d failed  %d s; the end of %s:\n' "$name" "$good" "$bad" "$seconds" "$log"
    tail -n 60 "$log" | sed 's/^/      /'
  fi
}

mkdir -p "$logs"
rm -f "$logs"/*.result
[ $# -gt 0 ] || set -- format swift build cli models bad-input hostile abi python conformance embedded
for name; do
  declare -F "stage_$name" >/dev/null || { echo "test: no stage $name" >&2; exit 2; }
done
# The Embedded build shares nothing with the other stages, which often leave a CPU idle: it takes what they leave.
beside=
case " $* " in *" embedded "*) beside=embedded ;; esac
trap 'trap "" TERM; kill 0; exit 130' INT # It would go on.
[ -z "$beside" ] || { renice -n 10 -p $BASHPID >/dev/null; run_stage $beside; } &
for name; do
  [ "$name" != "$beside" ] || continue
  run_stage "$name"
  tell "$name"
done
wait
[ -z "$beside" ] || tell $beside
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
