# The right digit is the most probable one, labels come from the model; other outputs are printed whole.
maas-run "$DIGITS/digits.onnx" "$DIGITS/images/all.npy" --top 1 | sed -E 's/0\.9[0-9]{5}$/0.9…/'
maas-run "$DIGITS/digits.onnx" "$DIGITS/images/7.npy" --top 1 | sed -E 's/0\.9[0-9]{5}$/0.9…/'
