# Small models of all kinds answer as ONNX Runtime does, on every kernel tier and for 1, 2 and 5 threads.
"$PYTHON" "$ROOT/Tests/models/make.py" models
"$PYTHON" "$ROOT/Tests/models/golden.py" "$(command -v maas-run)" models
