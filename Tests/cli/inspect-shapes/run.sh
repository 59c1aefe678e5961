# maas-model inspect: symbolic shapes of every value, against what onnxruntime computes.
"$PYTHON" "$CASE/check.py"
