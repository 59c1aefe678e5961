# Real models answer as ONNX Runtime does, on every kernel tier and for 1, 2 and 5 threads.
if [ ! -d "$SHARED_MODELS" ]; then
  echo "skipped: $SHARED_MODELS is absent: real models not compared" >&2
  exit 0
fi
"$PYTHON" "$ROOT/Tests/models/golden.py" "$(command -v maas-run)" "$SHARED_MODELS"
