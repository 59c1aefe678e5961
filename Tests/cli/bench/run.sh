# Times are numbers; a pipe sees no progress.
numbers='s/[0-9]+\.[0-9]+ ms/T ms/g; s/[0-9.]+ runs\/s/R runs\/s/'
maas-run "$DIGITS/digits.onnx" "$DIGITS/images/3.npy" --repeat 20 --quiet 2>&1 | sed -E "$numbers"
maas-run "$DIGITS/digits.onnx" "$DIGITS/images/3.npy" --repeat 1 --top 1 2>&1 | sed -E "$numbers; s/0\.9[0-9]+$/0.9…/"
maas-run "$DIGITS/digits.onnx" "$DIGITS/images/3.npy" --bench 2>&1 | sed -E "$numbers; s/^[0-9]+ runs/N runs/"
