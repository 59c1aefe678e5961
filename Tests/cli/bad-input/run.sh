# The table of Tests/bad-input.
"$PYTHON" "$ROOT/Tests/bad-input/make.py" cases
"$PYTHON" "$ROOT/Tests/bad-input/maas_run.py" "$(command -v maas-run)" cases
